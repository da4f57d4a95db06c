/* The page on paper, a clean A4: the map as it is shown, legend, weights in use, the best parcels, sources;
   and the small window from which the state is handed on. */
"use strict";
window.arsPrint = (() => {
  const { element, span, paragraph, button, say, told, short, upper, groupName, number, percent, ask,
    copy } = window.arsPage;
  const WIDTH = 1060, HEIGHT = 640, ROWS = 12;

  // ---- paper ----
  function legend(m) {
    const shown = m.panel.querySelector(".ars-legend").cloneNode(true);
    return element("ul", { className: "ars-print-legend" }, ...shown.children);
  }
  function topTable(m) {
    const rows = [...window.arsScore.order(m.s, m.visible, ROWS)];
    const heads = ["rank", "parcel", "legend", "score", "area_m2"].map(key => say(m, `head_${key}`));
    const line = i => [number(m, m.s.rank[i]),
      [m.labelOf(i), m.placeOf(i)].filter(Boolean).map(text => short(text, 40)).join(", "),
      m.shadeWord(m.s.shades[m.s.shade[i]]), m.scoreText(i), m.areaText(i)];
    return element("table", {}, element("caption", {}, say(m, "top")),
      element("thead", {}, element("tr", {}, ...heads.map(text => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...rows.map(i => element("tr", {}, ...line(i).map(text => element("td", {}, text))))));
  }
  function weightRow(m, { key }) { // a group, and under it what its criteria weigh
    const members = window.arsWeights.membersOf(m, key), of = weights => window.arsWeights.total(weights, members);
    const each = members.map(c => `${short(told(m, m.data.criteria[c].label), 60)} ${percent(m, m.weights[c], 1)}`);
    const own = Math.abs(of(m.weights) - of(m.strategy)) >= .0005;
    return element("tr", {},
      element("th", { scope: "row" }, element("strong", {}, groupName(m, key)), span(null, each.join(", ")),
        own ? span(null, say(m, "weight_beside", { own: percent(m, of(m.strategy), 1) })) : null),
      element("td", {}, element("strong", {}, percent(m, of(m.weights), 1))));
  }
  function weightTable(m) {
    const title = say(m, window.arsWeights.differs(m) ? "weights_print_own" : "weights_print");
    return element("table", {}, element("caption", {}, title),
      element("tbody", {}, ...m.data.groups.map(each => weightRow(m, each))));
  }
  function chosen(m) { // the parcel whose card is open
    const i = m.selected;
    if (i < 0) return null;
    const place = [m.addressOf(i), m.placeName(i)].filter(Boolean).map(text => short(text, 60)).join(", ");
    const said = [upper(m.shadeWord(m.s.shades[m.s.shade[i]])), m.scoreText(i) && `${m.scoreText(i)} ${m.words.score}`,
      m.s.rank[i] > 0 && say(m, "rank", { rank: number(m, m.s.rank[i]), count: number(m, m.s.ranked) }), place];
    return element("p", {}, element("strong", {}, `${short(m.labelOf(i))}: `),
      said.filter(Boolean).join(" · "));
  }
  function foot(m) {
    const day = new Date().toLocaleDateString(m.language === "nb" ? "nb-NO" : "en-GB");
    const credits = (told(m, m.data.credits) || []).map(text => short(text, 200));
    const lines = [...(told(m, m.data.notes) || []).map(text => short(text, 300)), say(m, "how_limits"),
      `${say(m, "sources")}: ${(credits.length ? credits : [say(m, "credit_osm")]).join(" · ")}`,
      say(m, "printed", { date: day })];
    return element("div", { className: "ars-print-foot" }, ...lines.map(text => paragraph(text)));
  }
  function asked(m) { // what the picture shows besides suitability today, and which parcels are left out
    const filters = window.arsFilters.inWords(m);
    return [m.difference === null ? "" : say(m, "view_if", { name: short(m.data.scenarios[m.difference].name, 60) }),
      filters.length ? `${say(m, "filters_on")} ${filters.join(". ")}` : "",
      filters.length ? say(m, "shown_of", { shown: number(m, m.shown), count: number(m, m.parcels.n) }) : ""]
      .filter(Boolean).map(text => paragraph(text));
  }
  function fill(m) {
    const picture = window.arsCanvas.picture(m, WIDTH, HEIGHT);
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", say(m, "map"));
    m.paper.replaceChildren(...[element("h2", {}, short(m.data.title, 200)), ...asked(m), picture, legend(m), chosen(m),
      element("div", { className: "ars-print-columns" }, topTable(m), weightTable(m)), foot(m)].filter(Boolean));
  }
  function wire(m) {
    window.addEventListener("beforeprint", () => fill(m));
    window.addEventListener("afterprint", () => m.paper.replaceChildren());
  }

  // ---- handing on what is set ----
  function field(m, name, text) {
    const input = element("input", { className: "ars-text", readOnly: true, value: text });
    const done = element("span", { className: "ars-soft", role: "status" });
    const take = button({ className: "ars-button" }, async () => {
      done.textContent = say(m, await copy(text, input) ? "copied" : "copy_failed");
    }, say(m, "copy"));
    return element("div", { className: "ars-share-field" }, element("label", { className: "ars-field" },
      span("", name), input), take, done);
  }
  function paste(m) {
    const input = element("input", { className: "ars-text", spellcheck: false, autocomplete: "off" });
    const done = element("span", { className: "ars-soft", role: "status" });
    const use = button({ className: "ars-button" }, () => {
      done.textContent = say(m, m.restore(input.value) ? "code_used" : "code_unknown");
    }, say(m, "code_use"));
    return element("div", { className: "ars-share-field" }, element("label", { className: "ars-field" },
      span("", say(m, "code_paste")), input), use, done);
  }
  function share(m, opener) {
    const link = window.arsState.address(m);
    ask(m, say(m, "share_title"), opener, paragraph(say(m, "share_help")),
      field(m, say(m, "code"), window.arsState.write(m)), link ? field(m, say(m, "link"), link) : "", paste(m));
  }

  return { fill, wire, share };
})();
