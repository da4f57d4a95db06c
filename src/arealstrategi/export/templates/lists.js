/* What the panel lists: the legend with its counts, the search, the best parcels, the recommended areas,
   the given sites, and the same list as a file. */
"use strict";
window.arsLists = (() => {
  const { element, span, paragraph, icon, button, swatch, say, word, short, upper, number, signed, percent,
    squareMetres, save } = window.arsPage;
  const STEP = 20, MAX_HITS = 8;
  const CLOSE = 1e-6, NO_AREA = 0xFFFFFFFF, NOT_COMPARABLE = -32768;

  // ---- legend ----
  function legendRow(m, shade, count) {
    const hatched = shade === "excluded" ? " ars-hatched" : "";
    const row = element("li", {}, swatch(m.shadeColour(shade), `ars-swatch${hatched}`),
      span("ars-name", upper(m.shadeWord(shade))),
      span("ars-count", number(m, count)));
    row.dataset.shade = shade;
    return row;
  }
  function differenceWords(m, { from, to }) {
    if (!Number.isFinite(from)) return say(m, "change_under", { to: signed(m, to, 0) });
    if (!Number.isFinite(to)) return say(m, "change_over", { from: signed(m, from, 0) });
    return from < 0 && to > 0 ? say(m, "change_same")
      : say(m, "change_between", { from: signed(m, from, 0), to: signed(m, to, 0) });
  }
  function changes(m) { // points, NaN where the two cannot be compared
    const packed = m.data.scenarios[m.difference].change;
    return i => packed[i] === NOT_COMPARABLE ? NaN : packed[i] / 100;
  }
  function differenceLegend(m) {
    const steps = window.arsCanvas.differenceLegend(m), counts = steps.map(() => 0), change = changes(m);
    let none = 0;
    for (let i = 0; i < m.parcels.n; i++) {
      if (m.visible && !m.visible[i]) continue;
      const by = change(i), at = steps.findIndex(step => by >= step.from && by < step.to);
      if (at < 0) none++; else counts[at]++;
    }
    const rows = steps.map((step, k) => element("li", {}, swatch(step.colour, "ars-swatch"),
      span("ars-name", differenceWords(m, step)),
      span("ars-count", number(m, counts[k]))));
    const last = legendRow(m, "missing_data", none);
    last.querySelector(".ars-name").textContent = say(m, "not_comparable");
    return [[...rows, last], steps.map((step, k) => [step.colour, counts[k]])];
  }
  function classLegend(m) {
    const { shades } = m.s;
    return [shades.map((shade, k) => legendRow(m, shade, m.counts[k])),
      shades.map((shade, k) => [m.shadeColour(shade), m.counts[k]])];
  }
  function fillLegend(m) {
    const list = m.panel.querySelector(".ars-legend"), bar = m.panel.querySelector(".ars-share-bar");
    const kind = [m.difference, m.language, m.palette].join();
    if (m.difference === null && list.dataset.kind === kind) { // the numbers alone are new
      m.counts.forEach((count, k) => {
        list.children[k].lastChild.textContent = number(m, count);
        bar.children[k].style.flexGrow = count;
      });
      return;
    }
    const [rows, parts] = m.difference === null ? classLegend(m) : differenceLegend(m);
    const heading = m.panel.querySelector(".ars-legend-part h2");
    list.dataset.kind = kind;
    list.classList.toggle("ars-of-change", m.difference !== null);
    heading.classList.toggle("ars-unseen", m.difference === null);
    heading.textContent = say(m, m.difference === null ? "legend" : "change_title");
    list.replaceChildren(...rows);
    bar.replaceChildren(...parts.map(([shade, count]) => {
      const part = swatch(shade, "ars-part");
      part.style.flexGrow = count;
      return part;
    }));
  }

  // ---- the ranked list ----
  function parcelRow(m, i, lead, trail, note = "") {
    const row = button({}, () => m.showParcel(i, row), span("ars-rank", lead),
      swatch(window.arsCanvas.colour(m, i)),
      element("span", { className: "ars-name" },
        span("ars-label", short(m.labelOf(i))),
        note ? span("ars-sub", note) : null),
      span("ars-score", trail));
    row.dataset.parcel = i;
    row.setAttribute("aria-current", String(i === m.selected));
    return element("li", {}, row);
  }
  function scoreRow(m, i) {
    const rank = m.s.rank[i], was = m.parcels.rank[i], parts = [short(m.placeOf(i), 40)];
    if (!m.s.own && was && was !== rank) parts.unshift(say(m, "was_rank", { rank: number(m, was) }));
    return parcelRow(m, i, rank ? number(m, rank) : "–", m.scoreText(i), parts.filter(Boolean).join(" · "));
  }
  function changeRow(m, i, by) {
    return parcelRow(m, i, "", signed(m, by), short(m.placeOf(i), 40));
  }
  function mostChanged(m, count) {
    const change = changes(m), rows = [];
    for (let i = 0; i < m.parcels.n; i++) {
      if ((!m.visible || m.visible[i]) && Math.abs(change(i)) > CLOSE) rows.push(i);
    }
    return rows.sort((a, b) => Math.abs(change(b)) - Math.abs(change(a)) || a - b).slice(0, count);
  }
  function fillTop(m, list, count) {
    const differing = m.difference !== null, change = differing && changes(m);
    const rows = differing ? mostChanged(m, count) : window.arsScore.order(m.s, m.visible, count);
    const held = list.contains(document.activeElement) ? document.activeElement.dataset.parcel : null;
    list.replaceChildren(...[...rows].map(i => differing ? changeRow(m, i, change(i)) : scoreRow(m, i)));
    if (!rows.length) list.append(element("li", { className: "ars-soft", textContent: say(m, "top_none") }));
    if (held) list.querySelector(`[data-parcel="${held}"]`)?.focus();
    return rows.length;
  }
  function topPart(m) {
    const list = element("ol", { className: "ars-top ars-list" });
    const more = button({ className: "ars-button" }, () => {
      const first = list.childElementCount;
      m.listed += STEP;
      update();
      list.children[first]?.querySelector("button")?.focus();
    }, say(m, "more"));
    const file = button({ className: "ars-button ars-csv" }, () => saveList(m), say(m, "save_list"));
    const update = () => { more.hidden = fillTop(m, list, m.listed) < m.listed; };
    return { update, part: element("div", {}, list, element("div", { className: "ars-line" }, more, file)) };
  }

  // ---- recommended areas and given sites ----
  function areaRow(m, k) {
    const { areas } = m.data, municipal = areas.municipal[k];
    const sub = [squareMetres(m, areas.area[k]), areas.dwellings[k] ? say(m, "dwellings_about",
      { count: number(m, areas.dwellings[k]) }) : "", municipal > 0 && municipal < 255
      ? say(m, "municipal_share", { share: percent(m, municipal / 100) }) : ""];
    const row = button({}, () => m.showArea(k, row), element("span", { className: "ars-badge",
      textContent: number(m, areas.rank[k]) }),
    element("span", { className: "ars-name" },
      span("ars-label", m.areaName(k)),
      span("ars-sub", sub.filter(Boolean).join(" · "))),
    span("ars-score", number(m, areas.score[k] / 100, 1)));
    row.dataset.area = k;
    return element("li", {}, row);
  }
  function areasPart(m) {
    const rows = Array.from({ length: m.data.areas.n }, (_, k) => areaRow(m, k));
    const note = paragraph(say(m, "areas_help"));
    const own = paragraph(say(m, "areas_own_weights"), "ars-note");
    const update = () => { own.hidden = m.s.own; };
    const list = element("ol", { className: "ars-list ars-areas" }, ...rows);
    return { update, part: element("div", {}, note, own, list) };
  }
  function sitesPart(m) {
    const { sites } = m.data, classes = m.data.classes;
    const rows = Array.from({ length: sites.n }, (_, k) => {
      const code = classes[sites.cls[k]] ?? "missing_data", score = sites.score[k];
      return element("li", {}, button({}, () => m.goTo(window.arsCanvas.bounds(m, sites.shape, k)),
        element("span", { className: "ars-rank" }), swatch(m.shadeColour(code)),
        element("span", { className: "ars-name" },
          span("ars-label", short(sites.label[k])),
          span("ars-sub", sites.place?.[k] && sites.place[k] > 0
            ? say(m, "site_place", { rank: number(m, sites.place[k]) }) : upper(m.shadeWord(code)))),
        span("ars-score", score === 65535 || !Number.isFinite(score) ? "–"
          : number(m, score / 100, 1))));
    });
    const list = element("ol", { className: "ars-list" }, ...rows);
    return { update: () => {}, part: element("div", {}, paragraph(say(m, "sites_help")), list) };
  }
  function buildLists(m) { // a choice between the lists that there are
    const kinds = [["top", topPart(m)]];
    if (m.data.areas?.n) kinds.push(["areas", areasPart(m)]);
    if (m.data.sites?.n) kinds.push(["sites", sitesPart(m)]);
    if (!kinds.some(([kind]) => kind === m.list)) m.list = "top";
    const choices = kinds.map(([kind]) => button({ className: "ars-choice" }, () => show(kind),
      say(m, `list_${kind}`)));
    const show = kind => {
      m.list = kind;
      kinds.forEach(([each, made], k) => {
        made.part.hidden = each !== kind;
        choices[k].setAttribute("aria-pressed", String(each === kind));
      });
    };
    show(m.list);
    const update = () => kinds.forEach(([, made]) => made.update());
    const bar = kinds.length > 1 ? element("div", { className: "ars-choices", role: "group",
      "aria-label": say(m, "lists") }, ...choices) : element("h2", { textContent: say(m, "top") });
    return { update, parts: [bar, ...kinds.map(([, made]) => made.part)] };
  }

  // ---- search: places, addresses, parcels ----
  function lowered(m) { // once, when it is first needed
    const { parcels, data } = m, { places, addresses } = data.backdrop;
    const lower = texts => Array.from(texts ?? [], text => text.toLowerCase());
    const through = column => column ? { texts: lower(column.texts), codes: column.codes } : null;
    m.index ??= { ids: lower(parcels.id), labels: lower(parcels.label), address: through(parcels.address),
      place: through(parcels.place), places: lower(places?.name), addresses: lower(addresses?.text) };
    return m.index;
  }
  function matches(texts, wanted, most) { // those that begin with it come first
    const begin = [], within = [];
    for (let i = 0; i < texts.length && begin.length < most; i++) {
      const at = texts[i].indexOf(wanted);
      if (at === 0) begin.push(i); else if (at > 0 && within.length < most) within.push(i);
    }
    return [...begin, ...within].slice(0, most);
  }
  function parcelHits(m, wanted, most) {
    const { ids, labels, address, place } = lowered(m), exact = [], hits = [];
    const through = column => column && column.texts.map(text => text.includes(wanted));
    const inAddress = through(address), inPlace = through(place);
    for (let i = 0; i < ids.length && exact.length + hits.length < most; i++) {
      if (ids[i] === wanted || labels[i] === wanted) exact.push(i);
      else if (ids[i].includes(wanted) || labels[i].includes(wanted) || inAddress?.[address.codes[i]] ||
        inPlace?.[place.codes[i]]) hits.push(i);
    }
    return [...exact, ...hits];
  }
  function placeRow(m, text, kind, at) {
    return element("li", {}, button({ className: "ars-place-hit" }, at, icon("place"),
      element("span", { className: "ars-name" }, span("ars-label", short(text)),
        span("ars-sub", say(m, `hit_${kind}`)))));
  }
  function spot(m, layer, k, zoom) {
    const { shape } = layer, at = shape.line[shape.feature[k]];
    return () => m.goToPoint(window.arsCanvas.latlng(m, shape.X[at], shape.Y[at]), zoom);
  }
  function search(m, text) {
    const wanted = text.trim().toLowerCase().slice(0, 200), index = lowered(m);
    const { places, addresses } = m.data.backdrop;
    const found = wanted ? parcelHits(m, wanted, MAX_HITS + 1) : [];
    const rows = !wanted ? [] : [
      ...matches(index.places, wanted, 4).map(k => placeRow(m, places.name[k], "place", spot(m, places, k, 15))),
      ...matches(index.addresses, wanted, 4).map(
        k => placeRow(m, addresses.text[k], "address", spot(m, addresses, k, 17))),
      ...found.slice(0, MAX_HITS).map(i => scoreRow(m, i))];
    m.panel.querySelector(".ars-hits").replaceChildren(...rows);
    const more = found.length > MAX_HITS ? say(m, "more_hits") : "";
    m.panel.querySelector(".ars-more-hits").textContent = wanted && !rows.length ? say(m, "no_hit") : more;
  }

  // ---- the list as a file that a spreadsheet opens ----
  function cell(value) {
    const text = String(value ?? "").replace(/\s+/g, " ");
    const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+([.,]\d+)?$/.test(text) ? `'${text}` : text;
    return /[;"\n,]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }
  function csv(m) {
    const { parcels, s, data } = m, plain = (value, digits) => value.toFixed(digits).replace(".", m.words.decimal);
    const heads = ["rank", "id", "parcel", "score", "legend", "area_m2"].map(key => say(m, `head_${key}`));
    const lines = [[...heads, m.words.municipal].map(cell).join(";")];
    for (const i of window.arsScore.order(s, m.visible, parcels.n)) {
      const area = parcels.area[i];
      const shade = m.shadeWord(s.shades[s.shade[i]]);
      lines.push([s.rank[i], parcels.id[i], parcels.label[i], plain(s.score[i], 1), shade,
        area === NO_AREA ? "" : area, word(m, "municipal", data.municipal[parcels.municipal[i]])]
        .map(cell).join(";"));
    }
    return `\ufeff${lines.join("\r\n")}\r\n`;
  }
  const saveList = m => save(say(m, "file_list"), "text/csv;charset=utf-8", csv(m));

  // ---- the tab ----
  function view(m) { // what the map shows: today, or what one scenario changes
    if (!m.data.scenarios?.length) return { update: () => {}, parts: [] };
    const choice = element("select", { className: "ars-scenario" },
      element("option", { value: "", textContent: say(m, "view_today") }),
      ...m.data.scenarios.map((one, k) => element("option",
        { value: k, textContent: say(m, "view_if", { name: short(one.name, 60) }) })));
    choice.addEventListener("change", () => m.setDifference(choice.value === "" ? null : Number(choice.value)));
    const sum = element("p", { className: "ars-note ars-change", hidden: true });
    const update = () => {
      choice.value = m.difference ?? "";
      sum.hidden = m.difference === null;
      if (m.difference !== null) sum.textContent = changeWords(m);
    };
    return { update, parts: [element("label", { className: "ars-field" },
      span("", say(m, "view")), choice), sum] };
  }
  function changeWords(m) {
    const change = changes(m), counts = { better: 0, worse: 0, same: 0 };
    for (let i = 0; i < m.parcels.n; i++) {
      const by = change(i);
      if (by >= .05) counts.better++; else if (by <= -.05) counts.worse++; else if (by === by) counts.same++;
    }
    return say(m, "change_sum", Object.fromEntries(Object.entries(counts).map(([key, value]) =>
      [key, number(m, value)])));
  }
  function build(m, panel) {
    const field = element("input", { type: "search", className: "ars-search ars-text", autocomplete: "off",
      spellcheck: false, placeholder: say(m, "search_example") });
    const hits = element("ul", { className: "ars-hits ars-list" }), lists = buildLists(m), seen = view(m);
    field.addEventListener("input", () => search(m, field.value));
    field.addEventListener("keydown", event => {
      if (event.key === "ArrowDown" || event.key === "Enter") hits.querySelector("button")?.focus();
      if (event.key === "Escape" && field.value) { field.value = ""; search(m, ""); event.stopPropagation(); }
    });
    panel.replaceChildren(element("label", { className: "ars-field ars-find" },
      span("", say(m, "find")), field), hits,
    element("p", { className: "ars-more-hits", role: "status" }), ...seen.parts, ...lists.parts);
    m.updates.lists = () => {
      seen.update();
      if (!panel.hidden) lists.update();
    };
  }

  return { build, fillLegend, fillTop, changes };
})();
