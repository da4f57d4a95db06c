/* The map as the reader touches it: controls, what is under the pointer, keyboard, and where to go. */
"use strict";
window.arsPointing = (() => {
  const { element, span, icon, button, say, told, short, number, signed, squareMetres, quiet } = window.arsPage;
  const { arsCanvas: canvas } = window;

  // ---- the map itself ----
  function start(m) {
    const { map } = m, box = map.getContainer();
    map.setMinZoom(4).setMaxZoom(20);
    map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
    m.scale = L.control.scale({ imperial: false }).addTo(map);
    box.setAttribute("role", "application");
    box.append(element("div", { className: "ars-cross", textContent: "+", "aria-hidden": "true" }));
    addControls(m);
    new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(box);
    pointing(m, box);
    map.on("moveend", m.keep);
    box.addEventListener("keydown", event => {
      if (event.key === "Enter" && event.target === box) pick(m, map.getCenter(), box);
    });
    document.addEventListener("keydown", event => {
      if (event.key === "Escape" && !m.dialog.open && !m.card.hidden) m.choose(-1);
    });
  }
  function addControls(m) {
    const Home = L.Control.extend({ onAdd() {
      m.home = button({ className: "ars-home" },
        () => m.map.fitBounds(m.data.bounds, { animate: !quiet() }), icon("home"));
      L.DomEvent.disableClickPropagation(m.home);
      return element("div", { className: "leaflet-bar" }, m.home);
    } });
    const North = L.Control.extend({ onAdd: () => element("div", { className: "ars-north", "aria-hidden": "true" },
      span("", "N")) });
    new Home({ position: "topleft" }).addTo(m.map);
    new North({ position: "bottomleft" }).addTo(m.map);
  }
  function pick(m, latlng, opener = null) {
    const area = m.showAreas && m.data.areas?.n ? canvas.areaAt(m, latlng) : -1;
    if (area >= 0) m.chooseArea(area, opener);
    else m.choose(canvas.parcelAt(m, latlng), opener);
    if (!m.card.hidden && !opener) m.map.panInside(latlng, beside(m));
  }
  function pointing(m, box) {
    const tip = L.tooltip({ className: "ars-tip", direction: "top", offset: [0, -8] });
    let frame = 0;
    const point = latlng => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => hover(m, tip, latlng));
    };
    if (window.matchMedia("(hover: hover)").matches) {
      m.map.on("mousemove", event => point(event.latlng)).on("mouseout", () => point(null));
    }
    m.map.on("click", event => { // not on a layer that somebody added
      const { target } = event.originalEvent;
      if (!target.classList?.contains("leaflet-interactive")) pick(m, event.latlng);
    });
    box.addEventListener("blur", () => point(null));
    m.map.on("click", () => point(null));
    const by = keyboard => () => document.body.classList.toggle("ars-by-keyboard", keyboard);
    document.addEventListener("keydown", by(true), true);
    document.addEventListener("pointerdown", by(false), true);
  }
  function hover(m, tip, latlng) {
    const service = latlng ? canvas.serviceAt(m, latlng) : -1;
    const area = latlng && service < 0 && m.showAreas && m.data.areas?.n ? canvas.areaAt(m, latlng) : -1;
    const parcel = latlng && service < 0 && area < 0 ? canvas.parcelAt(m, latlng) : -1;
    m.map.getContainer().classList.toggle("ars-pointing", parcel >= 0 || area >= 0);
    if (parcel !== m.hovered || area !== m.hoveredArea) {
      m.hovered = parcel;
      m.hoveredArea = area;
      m.sheets.marks.redraw();
    }
    const content = service >= 0 ? serviceTip(m, service) : area >= 0 ? areaTip(m, area)
      : parcel >= 0 ? parcelTip(m, parcel) : null;
    if (content) tip.setLatLng(latlng).setContent(content).addTo(m.map); else tip.remove();
  }
  function parcelTip(m, i) {
    const lines = [verdict(m, i), short(m.placeOf(i), 60)];
    if (m.difference !== null) {
      const by = window.arsLists.changes(m)(i);
      lines.push(Number.isFinite(by) ? `${signed(m, by)} ${m.words.score}` : say(m, "not_comparable"));
    }
    return element("div", {}, element("strong", { textContent: short(m.labelOf(i)) }),
      ...lines.filter(Boolean).map(text => element("div", { textContent: text })));
  }
  function verdict(m, i) {
    const score = m.scoreText(i), text = m.shadeWord(m.s.shades[m.s.shade[i]]);
    return score ? `${score} ${m.words.score} · ${text}` : text;
  }
  function areaTip(m, k) {
    const { area, score } = m.data.areas;
    return element("div", {}, element("strong", {}, m.areaName(k)),
      `${squareMetres(m, area[k])} · ${number(m, score[k] / 100, 1)} ${m.words.score}`);
  }
  function serviceTip(m, i) {
    const { name, category, reason } = m.services, key = category.texts[category.codes[i]];
    const why = reason.texts[reason.codes[i]], criterion = m.data.criteria.find(each => each.key === key);
    return element("div", {}, element("strong", { textContent: short(name[i] || say(m, "unnamed")) }),
      short(criterion ? told(m, criterion.label) : key),
      why ? element("div", { textContent: window.arsCard.reasonWords(m, why) }) : null);
  }
  function nameControls(m, box) {
    const name = (at, key) => {
      if (!at) return;
      at.title = say(m, key);
      at.setAttribute("aria-label", say(m, key));
    };
    name(box.querySelector(".leaflet-control-zoom-in"), "zoom_in");
    name(box.querySelector(".leaflet-control-zoom-out"), "zoom_out");
    name(m.home, "zoom_home");
    if (m.credit) m.map.attributionControl.removeAttribution(m.credit);
    m.credit = `<a href="https://www.openstreetmap.org/copyright">${say(m, "credit_osm")}</a>`;
    m.map.attributionControl.addAttribution(m.credit);
  }

  // ---- where to go ----
  function beside(m) { // room for the card, where it lies over the map
    const over = m.card.getBoundingClientRect(), box = m.map.getContainer().getBoundingClientRect();
    const covers = !m.card.hidden && over.left > box.left + 80 && over.top < box.bottom - 1;
    const right = covers ? Math.min(box.width * .7, box.right - over.left) + 20 : 30;
    return { paddingTopLeft: [60, 40], paddingBottomRight: [right, 40] };
  }
  function goTo(m, bounds) {
    if (!bounds?.isValid()) return;
    m.map.fitBounds(bounds, { ...beside(m), maxZoom: 17, animate: !quiet() });
  }

  function withRoutes(m, bounds) { // so that the ways that are drawn can be seen
    const all = bounds && L.latLngBounds(bounds.getSouthWest(), bounds.getNorthEast());
    for (const { points } of all ? m.routes : []) {
      for (let k = 0; k < points.length; k += 2) all.extend(canvas.latlng(m, points[k], points[k + 1]));
    }
    return all;
  }

  return { start, withRoutes, nameControls, goTo };
})();
