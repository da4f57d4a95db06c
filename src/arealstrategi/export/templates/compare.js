/* Two or three parcels side by side: the same facts in the same rows, the best of each in bold. */
"use strict";
window.arsCompare = (() => {
  const { element, span, paragraph, icon, button, colour, swatch, say, word, told, short, groupName, number,
    squareMetres, ask } = window.arsPage;
  const MOST = 3;

  // ---- the tray on the map: who is compared ----
  function fillTray(m) {
    const { tray, compared } = m, hold = tray.contains(document.activeElement);
    tray.hidden = !compared.length;
    document.body.classList.toggle("ars-has-tray", compared.length > 0);
    tray.replaceChildren(...compared.map((i, k) => element("span", { className: "ars-compared" },
      span("ars-letter", "ABC"[k]),
      span("ars-name", short(m.labelOf(i), 24)),
      button({ className: "ars-remove", "aria-label": say(m, "compare_remove", { name: short(m.labelOf(i), 60) }) },
        () => m.compare(i), icon("close")))),
    button({ className: "ars-button ars-primary", disabled: compared.length < 2 },
      event => open(m, event.currentTarget),
      compared.length < 2 ? say(m, "compare_one_more") : say(m, "compare_open", { count: compared.length })));
    if (hold) (tray.querySelector("button:not(:disabled)") ?? m.map.getContainer()).focus();
  }

  // ---- the table ----
  function best(values, step) { // what is highest, as far as it can be seen: to the nearest step
    const seen = value => Math.round(value / step), known = values.filter(Number.isFinite).map(seen);
    const top = Math.max(...known);
    if (known.length < 2 || known.every(value => value === top)) return () => false;
    return value => seen(value) === top;
  }
  function row(m, title, cells, numbers = [], step = 1) {
    const leads = best(numbers, step);
    return element("tr", {}, element("th", { scope: "row" }, title), ...cells.map((cell, k) => {
      const made = element("td", { className: leads(numbers[k]) ? "ars-leads" : "" },
        ...(Array.isArray(cell) ? cell : [cell]));
      if (leads(numbers[k])) made.append(span("ars-unseen", ` (${say(m, "best")})`));
      return made;
    }));
  }
  function criterionCells(m, c) {
    const values = m.compared.map(i => window.arsScore.contributions(m.s, i, m.weights).values[c]);
    const shade = m.groupColour(m.data.criteria[c].group);
    const cells = m.compared.map((i, k) => [
      element("span", { className: "ars-bar", "aria-hidden": "true" },
        colour(colour(element("span"), shade), values[k] || 0, "--now")),
      span("ars-measured", window.arsCard.measured(m, i, c)
        || (Number.isNaN(values[k]) ? say(m, "value_unknown") : number(m, values[k], 2)))]);
    return row(m, short(told(m, m.data.criteria[c].label), 60), cells, values, .1);
  }
  function groupRows(m, key) {
    const scores = m.compared.map(i => window.arsScore.groupScores(m.s, i, m.weights)[key]);
    const title = element("span", { className: "ars-group-name" }, swatch(m.groupColour(key), "ars-bullet"),
      groupName(m, key));
    const head = row(m, title, scores.map(value => Number.isFinite(value) ? number(m, value) : "–"), scores);
    head.className = "ars-group-row";
    return [head, ...window.arsWeights.membersOf(m, key).map(c => criterionCells(m, c))];
  }
  const answerWord = (m, code) => code === "no_hit" ? say(m, "told_clear") : word(m, "answer", code);
  function topRows(m) {
    const { parcels, data, s, compared } = m, each = tell => compared.map(tell);
    const scores = each(i => s.score[i]), areas = each(i => parcels.area[i]);
    const heads = new Map(compared.map(i => [i, new Map(window.arsCard.headlines(m, i))]));
    const codes = [...new Set(compared.flatMap(i => [...heads.get(i).keys()]))];
    return [
      row(m, say(m, "legend"), each(i => [window.arsCard.chip(m, s.shades[s.shade[i]])])),
      row(m, say(m, "head_score"), each(i => m.scoreText(i) || "–"), scores, .1),
      row(m, say(m, "head_rank"), each(i => s.rank[i] ? number(m, s.rank[i]) : "–"), each(i => -s.rank[i] || NaN)),
      ...codes.map(code => {
        const values = each(i => heads.get(i).get(code) ?? NaN);
        const cells = values.map(value => Number.isFinite(value) ? number(m, value) : "–");
        return row(m, word(m, "headline", code), cells, values);
      }),
      row(m, say(m, "area"), areas.map(value => value === 0xFFFFFFFF ? say(m, "unknown") : squareMetres(m, value))),
      row(m, m.words.municipal, each(i => word(m, "municipal", data.municipal[parcels.municipal[i]]))),
      row(m, say(m, "readiness"),
        each(i => word(m, "plan_readiness", data.readiness[parcels.readiness[i]] ?? "unknown"))),
      row(m, say(m, "reasons"), each(i => window.arsCard.reasons(m, i).map(text => window.arsCard.reasonWords(m, text))
        .join(". ") || say(m, "none"))),
      ...data.constraints.map(({ name }, k) => row(m, short(name, 60),
        each(i => answerWord(m, data.answers[parcels.answer[k][i]])))),
    ];
  }
  function table(m) {
    const heads = m.compared.map((i, k) => element("th", { scope: "col" },
      span("ars-letter", "ABC"[k]), " ",
      span("", short(m.labelOf(i), 80)),
      span("ars-sub", short(m.placeOf(i), 60))));
    return element("table", { className: "ars-compare-table" },
      element("thead", {}, element("tr", {}, element("td"), ...heads)),
      element("tbody", {}, ...topRows(m)),
      ...m.data.groups.map(({ key }) => element("tbody", {}, ...groupRows(m, key))));
  }
  function open(m, opener) {
    const around = element("div", { className: "ars-scroll", tabIndex: 0, role: "region",
      "aria-label": say(m, "compare_title") }, table(m));
    ask(m, say(m, "compare_title"), opener, paragraph(say(m, m.s.own ? "compare_help" : "compare_own"),
      "ars-soft"), around);
  }

  return { fillTray, open, MOST };
})();
