/* The card of one recommended area: what it holds, who owns it, and what the municipality can do with it. */
"use strict";
window.arsArea = (() => {
  const { element, span, paragraph, icon, button, swatch, say, word, short, number, percent,
    squareMetres } = window.arsPage;
  const UNKNOWN = 255, SHOWN = 20;

  function members(m, k) {
    const rows = [];
    for (let i = 0; i < m.parcels.n; i++) if (m.parcels.areaOf[i] === k + 1) rows.push(i);
    return rows.sort((a, b) => m.s.score[b] - m.s.score[a] || a - b);
  }
  function facts(m, k) {
    const { areas, readiness } = m.data, list = element("dl", { className: "ars-facts" });
    const add = (term, text) => list.append(element("dt", { textContent: term }), element("dd", { textContent: text }));
    const instrument = areas.instrument.texts[areas.instrument.codes[k]];
    add(say(m, "area"), squareMetres(m, areas.area[k]));
    if (areas.dwellings[k] < 65535) add(say(m, "dwellings"), say(m, "about", { count: number(m, areas.dwellings[k]) }));
    add(say(m, "municipal_part"), areas.municipal[k] === UNKNOWN ? word(m, "municipal", "unknown")
      : percent(m, areas.municipal[k] / 100));
    add(say(m, "readiness"), word(m, "plan_readiness", readiness[areas.readiness[k]] ?? "unknown"));
    if (areas.shared[k] < 2) add(say(m, "shared_space"), say(m, areas.shared[k] ? "shared_yes" : "shared_no"));
    if (instrument) add(m.words.instrument, word(m, "instrument", instrument));
    add(say(m, "parcels_in"), number(m, areas.parcels[k]));
    return list;
  }
  function parcelsPart(m, k) {
    const rows = members(m, k), list = element("ul", { className: "ars-list" }, ...rows.slice(0, SHOWN).map(i => {
      const row = button({}, () => m.showParcel(i, m.opener), element("span", { className: "ars-rank",
        textContent: m.s.rank[i] ? number(m, m.s.rank[i]) : "–" }), swatch(window.arsCanvas.colour(m, i)),
      element("span", { className: "ars-name" }, span("ars-label", short(m.labelOf(i)))),
      span("ars-score", m.scoreText(i)));
      row.dataset.parcel = i;
      return element("li", {}, row);
    }));
    const rest = rows.length - SHOWN;
    return element("section", {}, element("h3", { textContent: say(m, "parcels_best_first") }), list,
      rest > 0 ? paragraph(say(m, "and_more", { count: number(m, rest) }), "ars-soft") : null);
  }
  function fill(m, card, k) {
    const { areas } = m.data, code = m.data.classes[areas.cls?.[k]];
    card.replaceChildren(element("div", { className: "ars-card-head" },
      element("h2", { tabIndex: -1, textContent: m.areaName(k) }),
      button({ className: "ars-close", "aria-label": say(m, "close"), title: say(m, "close") },
        () => m.closeCard(), icon("close"))),
    element("div", { className: "ars-card-top" }, element("div", { className: "ars-verdict" },
      code ? window.arsCard.chip(m, code) : "",
      span("ars-big", number(m, areas.score[k] / 100, 1)),
      span("ars-soft", say(m, "score_of_area"))),
    m.s.own ? "" : paragraph(say(m, "areas_own_weights"), "ars-note")),
    element("div", { className: "ars-tools" }, button({ className: "ars-button" }, () => m.goToArea(k), icon("target"),
      span("", say(m, "show_in_map")))),
    element("section", {}, facts(m, k)), parcelsPart(m, k));
    m.updates.card = null;
    card.scrollTop = 0;
  }

  return { fill, members };
})();
