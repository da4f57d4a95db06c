/* What the map shows and in which colours, and the page about the map: how to read it, the criteria, the sources. */
"use strict";
window.arsLayers = (() => {
  const { element, span, paragraph, swatch, say, word, told, short, groupName, number, percent } = window.arsPage;

  // ---- what is drawn ----
  function tick(m, text, checked, change, sample = null) {
    const box = element("input", { type: "checkbox", checked });
    box.addEventListener("change", () => change(box.checked));
    return element("label", { className: "ars-check" }, box, sample, element("span", { className: "ars-name" }, text));
  }
  function things(m) {
    const { sheets } = m, rows = [tick(m, say(m, "show_parcels"), m.showParcels, on => {
      m.showParcels = on;
      sheets.fields.redraw();
    })];
    const over = (key, text) => tick(m, text, m[key], on => {
      m[key] = on;
      sheets.places.redraw();
      sheets.marks.redraw();
    });
    if (m.data.areas?.n) rows.push(over("showAreas", say(m, "show_areas")));
    if (m.data.sites?.n) rows.push(over("showSites", say(m, "show_sites")));
    return rows;
  }
  function zones(m) {
    return m.data.constraints.map(({ name, effect, zones: shape }, k) => shape?.n ? tick(m,
      `${short(name)} (${word(m, "effect", effect)})`, m.showZones.has(k), on => {
        m.showZones[on ? "add" : "delete"](k);
        m.sheets.places.redraw();
      }, swatch(window.arsCanvas.zoneStyle(effect).colour, "ars-swatch ars-hatched")) : null).filter(Boolean);
  }
  function hasUnmapped(m) {
    const code = m.data.answers.indexOf("not_mapped");
    return m.parcels.answer.some(column => column.includes(code));
  }
  function palettes(m) {
    return Object.entries(m.data.palettes).map(([name, colours]) => {
      const box = element("input",
        { type: "radio", name: `${m.name}_palette`, value: name, checked: m.palette === name });
      box.addEventListener("change", () => m.setPalette(name));
      const parts = m.data.classes.map(code => swatch(colours[code], "ars-part"));
      const strip = element("span", { className: "ars-strip" }, ...parts);
      return element("label", { className: "ars-check" }, box,
        span("ars-name", say(m, `palette_${name}`)), strip);
    });
  }
  function background(m) {
    const message = element("p", { className: "ars-tiles-failed", role: "status" });
    const label = tick(m, say(m, "show_tiles"), m.tiles !== null, on => showTiles(m, on));
    label.querySelector("input").className = "ars-show-tiles";
    return [label, message];
  }
  function showTiles(m, wanted, failed = false) {
    const box = m.panel.querySelector(".ars-show-tiles"), message = m.panel.querySelector(".ars-tiles-failed");
    m.tiles?.remove();
    m.tiles = wanted ? L.tileLayer(m.data.tiles.url,
      { attribution: m.data.tiles.attribution, maxNativeZoom: 18, maxZoom: 20 }) : null;
    let arrived = 0;
    m.tiles?.on("tileload", () => { arrived++; }).on("tileerror", () => {
      if (!arrived && m.tiles) showTiles(m, false, true);
    }).addTo(m.map);
    box.checked = wanted;
    message.textContent = failed ? say(m, "tiles_failed") : "";
    m.redrawAll();
  }

  // ---- services, by group and category ----
  function servicesPart(m) {
    const { criteria, services, groups } = m.data, known = new Map(criteria.map(each => [each.key, each]));
    const counts = new Map();
    for (const code of services.category.codes) counts.set(code, (counts.get(code) ?? 0) + 1);
    const of = key => [...services.category.texts.keys()].filter(code => counts.get(code)
      && (known.get(services.category.texts[code])?.group ?? "") === key);
    const parts = [...groups.map(({ key }) => key), ""].map(key => [key, of(key)]).filter(([, codes]) => codes.length);
    const boxes = [], list = element("div", { className: "ars-services" });
    for (const [key, codes] of parts) {
      const own = codes.map(code => serviceRow(m, services.category.texts[code], known, counts.get(code)));
      const group = tick(m, key ? groupName(m, key) : word(m, "group", "other"), true, on => set(own, on));
      const box = group.querySelector("input");
      boxes.push({ box, own });
      list.append(element("div", { className: "ars-service-group" }, group, ...own.map(({ label }) => label)));
    }
    const all = tick(m, say(m, "show_services"), true, on => set(boxes.flatMap(each => each.own), on));
    const set = (rows, on) => { rows.forEach(({ box }) => { box.checked = on; }); apply(); };
    const apply = (draw = true) => {
      const rows = boxes.flatMap(each => each.own);
      m.categories = new Set(rows.filter(({ box }) => box.checked).map(({ key }) => key));
      for (const { box, own } of boxes) box.checked = own.some(each => each.box.checked);
      all.querySelector("input").checked = m.categories.size > 0;
      if (draw) m.sheets.places.redraw();
    };
    list.addEventListener("change", () => apply());
    apply(false);
    return boxes.length ? [element("h3", { textContent: say(m, "services") }), all, list] : [];
  }
  function serviceRow(m, key, known, count) {
    const name = known.has(key) ? told(m, known.get(key).label) : key;
    const label = tick(m, short(name, 60), m.categories.has(key), () => {}, window.arsCanvas.symbol(m, key, 16));
    label.append(span("ars-count", number(m, count)));
    return { label, key, box: label.querySelector("input") };
  }

  function build(m, panel) {
    const drawn = zones(m);
    panel.replaceChildren(element("h2", { textContent: say(m, "layers") }), ...things(m),
      ...(drawn.length ? [element("h3", { textContent: say(m, "constraints") }), ...drawn] : []),
      ...(drawn.length && hasUnmapped(m) ? [paragraph(say(m, "dots_not_mapped"))] : []),
      element("fieldset", { className: "ars-ticks" }, element("legend", {}, say(m, "palette")), ...palettes(m)),
      element("h3", { textContent: say(m, "background") }), ...background(m), ...servicesPart(m));
  }

  // ---- about the map ----
  function anchors(m, { full, zero, walk }) {
    if (full === null || zero === null) return "";
    const unit = walk ? "\u00a0m" : "", digits = value => Number.isInteger(value) ? 0 : 1;
    const shown = value => number(m, value, digits(value)) + unit;
    return say(m, walk ? "anchors" : "anchors_of", { full: shown(full), zero: shown(zero) });
  }
  function criterionPart(m, each) {
    const name = element("strong", { textContent: short(told(m, each.label), 60) });
    const share = span("ars-count", percent(m, each.weight, 1));
    const lines = [anchors(m, each), told(m, each.why), each.found ? "" : say(m, "not_found")].filter(Boolean);
    return element("li", {}, element("div", { className: "ars-row-head" }, name, share),
      ...lines.map(text => paragraph(short(text, 600))));
  }
  function criteriaList(m) {
    return m.data.groups.flatMap(({ key, weight }) => [element("h4", {}, swatch(m.groupColour(key), "ars-bullet"),
      span("ars-name", groupName(m, key)),
      span("ars-count", percent(m, weight))),
    element("ul", { className: "ars-why" }, ...m.data.criteria.filter(each => each.group === key).map(
      each => criterionPart(m, each)))]);
  }
  function about(m, panel) {
    const paragraphs = keys => keys.map(key => paragraph(say(m, key)));
    const notes = told(m, m.data.notes) || [], credits = told(m, m.data.credits) || [];
    const method = say(m, `method_${m.data.model.method}`, { alpha: number(m, m.data.model.alpha ?? 1, 1) });
    panel.replaceChildren(element("h2", { textContent: say(m, "how_to_read") }),
      ...paragraphs(["how_colour", "how_distance", "how_points"]),
      paragraph(say(m, "walker", { profile: told(m, m.data.walker.label) })),
      paragraph(method), ...paragraphs(["how_limits"]),
      ...(notes.length ? [element("h3", { textContent: say(m, "notes") })] : []),
      element("div", { className: "ars-notes" }, ...notes.map(text => paragraph(text))),
      element("h3", { textContent: say(m, "criteria") }), paragraph(say(m, "criteria_help")),
      ...criteriaList(m),
      element("h3", { textContent: say(m, "keyboard") }), ...paragraphs(["map_help"]),
      element("h3", { textContent: say(m, "sources") }),
      element("ul", { className: "ars-credits" }, ...(credits.length ? credits : [say(m, "credit_osm")]).map(
        text => element("li", { textContent: text }))));
  }

  return { build, about };
})();
