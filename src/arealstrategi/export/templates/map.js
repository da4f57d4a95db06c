/* The suitability map: what is shown, what is under the pointer, the panel and the parcel's card.
   Texts come from the public: they reach the page through textContent only. */
"use strict";
window.suitabilityMap = (() => {
  const { EARTH, read, unpack, isPoint, isEmpty, contains, trace, eachInView, circle, drawAreas,
    drawBackdrop, drawStreetNames, hatching, sheet } = window.suitabilityCanvas;
  const BUILDINGS_FROM = 15.5, STREET_NAMES_FROM = 16, OUTLINES_FROM = 14.5, MAX_HITS = 10;

  // ---- words and numbers ----
  const format = (words, value, digits = 0) => {
    const [whole, rest] = value.toFixed(digits).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, words.thousands);
    return rest ? grouped + words.decimal + rest : grouped;
  };
  const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in made) made[name] = value; else made.setAttribute(name, value);
    }
    made.append(...children.filter(child => child !== null)); // strings become text, never markup
    return made;
  }

  // ---- one map: `m` holds the data, what is shown and what is chosen ----
  async function open(map, name) {
    const data = await read(document.getElementById(`${name}_data`));
    const panel = document.getElementById(name);
    const m = { map, data, panel, card: document.getElementById(`${name}_card`), words: data.words,
      parcels: data.parcels, services: data.services, backdrop: data.backdrop,
      criteria: data.criteria,
      showParcels: true, categories: new Set(data.services.category.texts), tiles: null,
      hovered: -1, selected: -1, opener: null };
    for (const layer of [m.parcels, m.services, ...Object.values(m.backdrop)]) {
      layer.shape = unpack(layer.shape, data.unit);
    }
    m.shades = [...data.classes, "missing_data", "excluded"];
    m.shade = Uint8Array.from(m.parcels.id, (_, i) => m.shades.indexOf(shadeOf(m, i)));
    m.assessed = m.parcels.rank.filter(rank => rank > 0).length;
    const groups = new Map(m.criteria.map(criterion => [criterion.key, criterion.group]));
    m.groupOf = category => groups.get(category) ?? "other";
    m.colourOf = group => data.groupColours[group] ?? data.groupColours.other;
    m.serviceColours = m.services.category.texts.map(category => m.colourOf(m.groupOf(category)));
    m.labels = new Map(m.criteria.map(criterion => [criterion.key, criterion.label]));
    fillPanel(m);
    setUpMap(m);
    panel.dataset.ready = "true";
  }
  // What a parcel is drawn and counted as: its class, or its status where it has none
  function shadeOf(m, i) {
    if (m.data.statuses[m.parcels.status[i]] === "excluded") return "excluded";
    return m.data.classes[m.parcels.class[i]] ?? "missing_data";
  }
  const number = (m, value, digits) => format(m.words, value, digits);
  const word = (m, prefix, code) => m.words[`${prefix}.${code}`] ?? code;
  const reasonWord = (m, text) => {
    const [code, ...detail] = text.split(": ");
    const label = code === "no_step_free_way" && m.criteria.find(c => c.key === detail[0])?.label;
    return [word(m, "reason", code), ...(label ? [label] : detail)].join(": ");
  };
  const shadeWord = (m, shade) => m.words[`class.${shade}`] ?? m.words[`status.${shade}`];
  const labelOf = (m, i) => m.parcels.label[i] || m.parcels.id[i];
  const scoreOf = (m, i) => m.parcels.score[i] < 0 ? "" : number(m, m.parcels.score[i] / 10, 1);

  function setUpMap(m) {
    const { map, words } = m, box = map.getContainer();
    m.ground = sheet(m, 210, drawBackdrop);
    m.fields = sheet(m, 310, drawParcels);
    m.places = sheet(m, 460, drawServices);
    m.marks = sheet(m, 470, drawMarks);
    map.setMinZoom(4).setMaxZoom(20);
    map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>').addAttribution(
      '<a href="https://www.openstreetmap.org/copyright">© OpenStreetMap contributors (ODbL)</a>');
    L.control.scale({ imperial: false }).addTo(map);
    box.setAttribute("role", "application");
    box.setAttribute("aria-label", `${words.map}. ${words.map_help}`);
    box.append(element("div", { className: "ars-cross", textContent: "+", "aria-hidden": "true" }));
    const tip = L.tooltip({ className: "ars-tip", direction: "top", offset: [0, -8] });
    let frame = 0;
    const point = latlng => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => hover(m, tip, latlng));
    };
    if (window.matchMedia("(hover: hover)").matches) {
      map.on("mousemove", event => point(event.latlng)).on("mouseout", () => point(null));
    }
    map.on("click", event => { // not on a layer that somebody added
      const target = event.originalEvent.target;
      if (target.classList?.contains("leaflet-interactive")) return;
      choose(m, parcelAt(m, event.latlng));
      if (m.selected >= 0) map.panInside(event.latlng, beside(m));
    });
    box.addEventListener("keydown", event => {
      if (event.key === "Enter" && event.target === box) choose(m, parcelAt(m, map.getCenter()), box);
    });
    document.addEventListener("keydown", event => { if (event.key === "Escape") choose(m, -1); });
  }

  // ---- the sheets, from the ground up ----
  function drawParcels(context, view, m) {
    const { shape } = m.parcels, points = [], last = m.shades.length - 1;
    context.strokeStyle = "#ffffffb0";
    context.lineWidth = 1;
    const order = [last - 1, last, ...m.data.classes.map((_, s) => s).reverse()]; // the best on top
    for (const s of m.showParcels ? order : []) {
      const colour = m.data.colours[m.shades[s]];
      context.fillStyle = m.shades[s] === "excluded" ? hatching(context, colour) : colour;
      context.globalAlpha = m.shades[s] === "missing_data" ? .45 : view.zoom > BUILDINGS_FROM ? .6 : .68;
      eachInView(shape, view, i => {
        if (m.shade[i] !== s) return;
        if (isPoint(shape, i)) points.push(i); else drawParcel(context, shape, i, view);
      });
    }
    context.globalAlpha = 1;
    if (view.zoom >= BUILDINGS_FROM && !m.tiles) {
      drawAreas(context, m.backdrop.building_areas.shape, view, "#2b2b2b45");
    }
    context.lineWidth = 2;
    context.strokeStyle = "#fff";
    for (const i of points) {
      circle(context, shape, i, view, 8);
      context.fillStyle = m.data.colours[m.shades[m.shade[i]]];
      context.fill();
      context.stroke();
    }
  }
  function drawParcel(context, shape, i, view) {
    const [west, south, east, north] = shape.box.subarray(4 * i, 4 * i + 4);
    const width = (east - west) * view.scale, height = (north - south) * view.scale;
    if (width < 3 && height < 3) { // a few pixels: a box is enough
      context.fillRect(view.left + west * view.scale, view.top - north * view.scale,
        Math.max(1, width), Math.max(1, height));
      return;
    }
    context.beginPath();
    trace(context, shape, i, view, true);
    context.fill("evenodd");
    if (view.zoom >= OUTLINES_FROM) context.stroke();
  }
  const serviceRadius = zoom => zoom >= 17 ? 7 : zoom >= 15 ? 5 : zoom >= 13.5 ? 3.5 : 2.2;
  function drawServices(context, view, m) {
    const { shape, category, reason } = m.services, radius = serviceRadius(view.zoom);
    if (view.zoom >= STREET_NAMES_FROM && !m.tiles) drawStreetNames(context, view, m.backdrop);
    context.lineWidth = radius > 3 ? 1.6 : .8;
    eachInView(shape, view, i => {
      if (!m.categories.has(category.texts[category.codes[i]])) return;
      const colours = ["#ffffff", m.serviceColours[category.codes[i]]];
      if (reason.texts[reason.codes[i]]) colours.reverse(); // hollow: cannot be reached
      circle(context, shape, i, view, radius);
      [context.strokeStyle, context.fillStyle] = colours;
      context.fill();
      context.stroke();
    });
  }
  function drawMarks(context, view, m) {
    const { shape } = m.parcels;
    for (const [i, colour, width] of [[m.hovered, "#1c1f23", 2], [m.selected, "#d6006c", 3.5]]) {
      if (i < 0 || isEmpty(shape, i)) continue;
      context.lineJoin = "round";
      if (isPoint(shape, i)) circle(context, shape, i, view, 11);
      else { context.beginPath(); trace(context, shape, i, view, true); }
      for (const [stroke, wide] of [["#ffffff", width + 3], [colour, width]]) {
        context.strokeStyle = stroke;
        context.lineWidth = wide;
        context.stroke();
      }
    }
  }

  // ---- what is under the pointer ----
  function place(m, latlng) {
    const { x, y } = L.CRS.EPSG3857.project(latlng), [left, bottom] = m.data.origin;
    const metres = 2 * EARTH / (256 * 2 ** m.map.getZoom()); // of one pixel
    return { x: x - left * m.data.unit, y: y - bottom * m.data.unit, metres };
  }
  function parcelAt(m, latlng) {
    const { x, y, metres } = place(m, latlng), { shape } = m.parcels, around = 10 * metres;
    const here = { west: x - around, east: x + around, south: y - around, north: y + around };
    let best = -1, smallest = Infinity;
    if (!m.showParcels) return -1;
    eachInView(shape, here, i => { // of parcels on top of each other, the smallest
      const [west, south, east, north] = shape.box.subarray(4 * i, 4 * i + 4);
      const away = Math.hypot(west - x, south - y), point = isPoint(shape, i);
      const size = point ? away - 1e9 : (east - west) * (north - south);
      const hit = point ? away < around : contains(shape, i, x, y);
      if (hit && size < smallest) { best = i; smallest = size; }
    });
    return best;
  }
  function serviceAt(m, latlng) {
    const { x, y, metres } = place(m, latlng), { shape, category } = m.services;
    const around = (serviceRadius(m.map.getZoom()) + 3) * metres;
    const here = { west: x - around, east: x + around, south: y - around, north: y + around };
    let best = -1;
    eachInView(shape, here, i => {
      if (m.categories.has(category.texts[category.codes[i]])) best = i;
    });
    return best;
  }
  function hover(m, tip, latlng) {
    const service = latlng ? serviceAt(m, latlng) : -1;
    const parcel = latlng && service < 0 ? parcelAt(m, latlng) : -1;
    m.map.getContainer().classList.toggle("ars-pointing", parcel >= 0);
    if (parcel !== m.hovered) { m.hovered = parcel; m.marks.redraw(); }
    if (service < 0 && parcel < 0) { tip.remove(); return; }
    const content = service >= 0 ? serviceTip(m, service) : element("div", {},
      element("strong", { textContent: short(labelOf(m, parcel)) }), verdict(m, parcel));
    tip.setLatLng(latlng).setContent(content).addTo(m.map);
  }
  const short = text => text.length > 80 ? `${text.slice(0, 80)}…` : text;
  function serviceTip(m, i) {
    const { name, category, reason } = m.services, key = category.texts[category.codes[i]];
    const why = reason.texts[reason.codes[i]];
    return element("div", {},
      element("strong", { textContent: short(name[i] || m.words.unnamed) }),
      short(m.labels.get(key) ?? key),
      why ? element("div", { textContent: word(m, "reason", why) }) : null);
  }
  function verdict(m, i) {
    const score = scoreOf(m, i), text = shadeWord(m, m.shades[m.shade[i]]);
    return score ? `${score} ${m.words.score} · ${text}` : text;
  }

  // ---- the card of one parcel ----
  function choose(m, i, opener = null) {
    const { card } = m;
    m.selected = i;
    m.marks.redraw();
    m.panel.querySelectorAll(".ars-list button").forEach(button => {
      button.setAttribute("aria-current", String(Number(button.dataset.parcel) === i));
    });
    card.hidden = i < 0;
    document.body.classList.toggle("ars-has-card", i >= 0);
    m.map.invalidateSize({ pan: false }); // the card takes its place from the map on a phone
    if (i < 0) { m.opener?.focus(); m.opener = null; card.replaceChildren(); return; }
    m.opener = opener;
    card.replaceChildren(cardHead(m, i), facts(m, i), element("ul", { className: "ars-rows" },
      ...m.criteria.map((criterion, c) => criterionRow(m, i, criterion, c))));
    card.scrollTop = 0;
    if (opener) card.querySelector("h2").focus();
  }
  // Room for the card, where it lies over the map
  function beside(m) {
    const over = m.card.getBoundingClientRect(), box = m.map.getContainer().getBoundingClientRect();
    const hidden = over.top < box.bottom - 1 ? Math.min(box.width * .7, box.right - over.left) : 0;
    return { paddingTopLeft: [60, 30], paddingBottomRight: [hidden + 30, 30] };
  }
  function zoomTo(m, i, opener) {
    openPanel(m, false);
    choose(m, i, opener);
    const { shape } = m.parcels, [left, bottom] = m.data.origin;
    if (isEmpty(shape, i)) return;
    const corner = (x, y) => L.CRS.EPSG3857.unproject(
      L.point(x + left * m.data.unit, y + bottom * m.data.unit));
    const [west, south, east, north] = shape.box.subarray(4 * i, 4 * i + 4);
    m.map.fitBounds([corner(west, south), corner(east, north)], { ...beside(m), maxZoom: 17,
      animate: !window.matchMedia("(prefers-reduced-motion: reduce)").matches });
  }
  function cardHead(m, i) {
    const shade = m.shades[m.shade[i]], score = scoreOf(m, i), rank = m.parcels.rank[i];
    const chip = element("span", { className: "ars-chip ars-word", textContent: shadeWord(m, shade) });
    chip.style.background = m.data.colours[shade];
    chip.style.color = ["very_suitable", "suitable", "excluded"].includes(shade) ? "#fff" : "#1c1f23";
    const close = element("button", { type: "button", className: "ars-close", textContent: "×",
      "aria-label": m.words.close });
    close.addEventListener("click", () => choose(m, -1));
    return element("div", { className: "ars-card-head" },
      element("h2", { tabIndex: -1, textContent: labelOf(m, i) }), close,
      element("div", { className: "ars-verdict" }, chip,
        score ? element("span", { className: "ars-big", textContent: score }) : null,
        score ? element("span", { className: "ars-soft", textContent: m.words.score }) : null,
        rank > 0 ? element("span", { className: "ars-soft", textContent: fill(m.words.rank,
          { rank: number(m, rank), count: number(m, m.assessed) }) }) : null));
  }
  function facts(m, i) {
    const { parcels, words } = m, list = element("dl");
    const add = (term, ...texts) => list.append(element("dt", { textContent: term }),
      ...texts.map(text => element("dd", { textContent: text })));
    if (parcels.label[i] && parcels.label[i] !== parcels.id[i]) add(words.id, parcels.id[i]);
    if (parcels.area[i] >= 0) add(words.area, `${number(m, parcels.area[i])} m²`);
    const municipal = m.data.municipal[parcels.municipal[i]];
    if (municipal) add(words.municipal, words[`municipal.${municipal}`]);
    const reasons = parcels.reasons.texts[parcels.reasons.codes[i]].split(";").map(text => text.trim());
    const given = reasons.filter(reason => reason).map(reason => reasonWord(m, reason));
    if (given.length) add(words.reasons, given.join(". "));
    return list;
  }
  function criterionRow(m, i, criterion, c) {
    const value = m.parcels.value[c][i] / 10000, most = 100 * criterion.weight;
    const points = value < 0 ? "–" : fill(m.words.points_of,
      { points: number(m, value * most, 1), most: number(m, most, 1) });
    const bar = element("span");
    bar.style.width = `${100 * Math.max(0, value)}%`;
    bar.style.background = m.colourOf(criterion.group);
    const row = element("li", {},
      element("div", { className: "ars-row-head" }, element("span", { textContent: criterion.label }),
        element("span", { textContent: points })),
      element("div", { className: "ars-bar", "aria-hidden": "true" }, bar),
      element("div", { className: "ars-row-foot", textContent: measured(m, i, criterion, c, value) }));
    row.dataset.criterion = criterion.key;
    const hard = onTheWay(m, i, criterion, c);
    if (hard) row.append(element("div", { className: "ars-row-foot ars-hard", textContent: hard }));
    return row;
  }
  function onTheWay(m, i, criterion, c) {
    if (!criterion.walk || m.parcels.metres[c][i] < 0) return "";
    const told = Object.entries(m.parcels.hard).filter(([, by]) => by[c]?.[i] > 0).map(
      ([name, by]) => fill(m.words[`on_the_way.${name}`], { metres: number(m, by[c][i]) }));
    return told.length ? `${m.words.on_the_way}: ${told.join(", ")}` : "";
  }
  function measured(m, i, criterion, c, value) {
    const { parcels, words } = m;
    if (!criterion.walk) {
      const raw = parcels.raw[c]?.[i] ?? null;
      if (raw === null) return value < 0 ? words.not_measured : "";
      if (typeof raw === "string") return raw;
      return number(m, raw, Number.isInteger(raw) ? 0 : 1);
    }
    if (!criterion.found) return words.not_found;
    if (parcels.metres[c][i] < 0) {
      const reasons = parcels.reasons.texts[parcels.reasons.codes[i]];
      if (reasons.split(";").some(text => text.trim() === `no_step_free_way: ${criterion.key}`)) {
        return words["reason.no_step_free_way"];
      }
      return value < 0 ? words.not_measured : words.unreachable;
    }
    const service = parcels.names[parcels.nearest[c][i]] || words.unnamed;
    const minutes = Math.max(1, parcels.minutes[c][i]);
    return `${number(m, parcels.metres[c][i])} m · ${number(m, minutes)} min · ${short(service)}`;
  }

  // ---- the panel ----
  function fillPanel(m) {
    const $ = selector => m.panel.querySelector(selector);
    document.documentElement.lang = m.data.language;
    $(".ars-title").textContent = m.data.title;
    for (const at of m.panel.querySelectorAll("[data-word]")) {
      at.textContent = m.words[at.dataset.word];
    }
    $(".ars-notes").append(...m.data.notes.map(note => element("p", { textContent: note })));
    $(".ars-legend").append(...m.shades.map((shade, s) => legendRow(m, shade, s)));
    $(".ars-top").append(...m.data.top.map(i => listRow(m, i)));
    if (!m.data.top.length) $(".ars-top").append(element("li", { textContent: m.words.top_none }));
    $(".ars-search").addEventListener("input", event => search(m, event.target.value));
    $(".ars-show-parcels").addEventListener("change", event => {
      m.showParcels = event.target.checked;
      m.fields.redraw();
    });
    $(".ars-show-tiles").addEventListener("change", event => showTiles(m, event.target.checked));
    $(".ars-toggle").addEventListener("click", () => {
      openPanel(m, !m.panel.classList.contains("ars-open"));
    });
    fillCriteria(m);
    $(".ars-wait").hidden = true;
    $(".ars-body").hidden = false;
  }
  function openPanel(m, wide) {
    const toggle = m.panel.querySelector(".ars-toggle");
    m.panel.classList.toggle("ars-open", wide);
    m.panel.scrollTop = 0;
    toggle.setAttribute("aria-expanded", String(wide));
    toggle.textContent = wide ? m.words.panel_hide : m.words.panel_show;
  }
  function swatch(m, shade) {
    const made = element("span", { className: "ars-swatch" }), colour = m.data.colours[shade];
    const hatched = `repeating-linear-gradient(-45deg, ${colour} 0 2px, #fff 2px 5px)`;
    made.style.background = shade === "excluded" ? hatched : colour;
    return made;
  }
  function legendRow(m, shade, s) {
    const count = m.shade.reduce((sum, each) => sum + (each === s), 0);
    const row = element("li", {}, swatch(m, shade),
      element("span", { className: "ars-word", textContent: shadeWord(m, shade) }),
      element("span", { className: "ars-count", textContent: number(m, count) }));
    row.dataset.shade = shade;
    return row;
  }
  function listRow(m, i) {
    const dot = element("span", { className: "ars-dot" }), rank = m.parcels.rank[i];
    dot.style.background = m.data.colours[m.shades[m.shade[i]]];
    const button = element("button", { type: "button" },
      element("span", { className: "ars-rank", textContent: rank > 0 ? number(m, rank) : "–" }), dot,
      element("span", { className: "ars-name", textContent: labelOf(m, i), title: short(labelOf(m, i)) }),
      element("span", { className: "ars-score", textContent: scoreOf(m, i) }));
    button.dataset.parcel = i;
    button.addEventListener("click", () => zoomTo(m, i, button));
    return element("li", {}, button);
  }
  function search(m, text) {
    const wanted = text.trim().toLowerCase(), hits = [];
    const matches = i => `${m.parcels.id[i]}\n${m.parcels.label[i]}`.toLowerCase().includes(wanted);
    for (let i = 0; wanted && i < m.parcels.id.length && hits.length <= MAX_HITS; i++) {
      if (matches(i)) hits.push(i);
    }
    const rows = hits.slice(0, MAX_HITS).map(i => listRow(m, i));
    m.panel.querySelector(".ars-hits").replaceChildren(...rows);
    const more = hits.length > MAX_HITS ? m.words.more_hits : "";
    m.panel.querySelector(".ars-more-hits").textContent = wanted && !hits.length ? m.words.no_hit : more;
  }
  function showTiles(m, wanted) {
    const message = m.panel.querySelector(".ars-tiles-failed");
    message.textContent = "";
    if (m.tiles) m.tiles.remove();
    m.tiles = wanted ? L.tileLayer(m.data.tiles.url,
      { attribution: m.data.tiles.attribution, maxNativeZoom: 18, maxZoom: 20 }) : null;
    let arrived = 0;
    m.tiles?.on("tileload", () => { arrived++; }).on("tileerror", () => {
      if (arrived || !m.tiles) return;
      m.panel.querySelector(".ars-show-tiles").checked = false;
      showTiles(m, false);
      message.textContent = m.words.tiles_failed;
    }).addTo(m.map);
    m.ground.getPane().hidden = wanted;
    m.fields.redraw();
    m.places.redraw();
  }

  // ---- the table of criteria, which switches the services ----
  function fillCriteria(m) {
    const extra = m.services.category.texts.filter(category => !m.labels.has(category));
    const rows = [...m.criteria, ...extra.map(key => ({ key, label: key, group: "other", found: true,
      walk: true, weight: null, full: null, zero: null }))];
    const table = m.panel.querySelector(".ars-criteria"), boxes = [];
    for (const group of new Set(rows.map(row => row.group))) {
      const members = rows.filter(row => row.group === group), body = element("tbody"), own = [];
      for (const row of members) body.append(memberRow(m, row, own));
      body.prepend(groupRow(m, group, members, own));
      table.append(body);
      boxes.push(...own);
    }
    const all = m.panel.querySelector(".ars-show-services");
    all.addEventListener("change", () => {
      boxes.forEach(box => { box.checked = all.checked; });
      table.dispatchEvent(new Event("change"));
    });
    table.addEventListener("change", () => {
      m.categories = new Set(boxes.filter(box => box.checked).map(box => box.value));
      for (const box of table.querySelectorAll(".ars-group input")) {
        box.checked = box.members.some(one => one.checked);
      }
      all.checked = m.categories.size > 0;
      m.places.redraw();
    });
  }
  const percent = (m, weight) => weight === null ? ""
    : fill(m.words.percent, { number: number(m, 100 * weight, weight < .1 ? 1 : 0) });
  function groupRow(m, group, members, own) {
    const box = element("input", { type: "checkbox", checked: true });
    const bullet = element("span", { className: "ars-bullet" });
    box.members = own;
    box.addEventListener("change", () => own.forEach(one => { one.checked = box.checked; }));
    bullet.style.background = m.colourOf(group);
    const weight = members.reduce((sum, row) => sum + row.weight, 0);
    const name = element("span", { textContent: word(m, "group", group) });
    return element("tr", { className: "ars-group" }, element("th", { scope: "rowgroup", colSpan: 3 },
      element("label", {}, own.length ? box : null, bullet, name)),
      element("td", { textContent: weight ? percent(m, weight) : "" }));
  }
  function memberRow(m, row, own) {
    const code = m.services.category.texts.indexOf(row.key);
    const count = m.services.category.codes.reduce((sum, each) => sum + (each === code), 0);
    const box = element("input", { type: "checkbox", checked: true, value: row.key });
    if (row.walk && count) own.push(box);
    const lacking = row.walk && !row.found, amount = row.walk ? number(m, count) : "";
    const reach = row.full === null || row.zero === null ? ""
      : `${number(m, row.full)}–${number(m, row.zero)}`;
    const name = element("span", { textContent: row.label });
    return element("tr", { className: "ars-member" },
      element("th", { scope: "row" }, element("label", {}, row.walk && count ? box : null, name)),
      element("td", { className: lacking ? "ars-none" : "",
        textContent: lacking ? m.words.none_found : amount }),
      element("td", { textContent: reach + (reach && row.walk ? "\u00a0m" : "") }),
      element("td", { textContent: percent(m, row.weight) }));
  }

  return (map, name) => open(map, name).catch(error => {
    const panel = document.getElementById(name);
    panel.querySelector(".ars-wait").hidden = true;
    panel.querySelector(".ars-failed").hidden = false;
    console.error(error);
  });
})();
