/* The filters: which parcels the map, the list and the counts are about. Each choice tells how many
   parcels have it among those that pass all the other filters. */
"use strict";
window.arsFilters = (() => {
  const { element, span, button, swatch, say, word, short, upper, number, squareMetres } = window.arsPage;
  const NONE = { classes: null, leastScore: 0, leastArea: 0, municipal: null, readiness: null };
  const RULES = { any: null, clear: ["no_hit", "below_share"], hit: ["hit"], not_mapped: ["not_mapped"] };

  const nothing = m => ({ ...NONE, constraints: m.data.constraints.map(() => "any") });
  function asked(filter) { // as the scoring wants it
    const { readiness } = filter; // "" is what a parcel without any has
    return { ...filter, readiness: readiness?.has("unknown") ? new Set([...readiness, ""]) : readiness,
      constraints: filter.constraints.map(rule => RULES[rule] ? new Set(RULES[rule]) : "any") };
  }
  function active(filter) {
    const single = ["classes", "leastScore", "leastArea", "municipal", "readiness"].filter(key => filter[key]);
    return single.length + filter.constraints.filter(rule => rule !== "any").length;
  }
  function visible(m, filter = m.filter) {
    return active(filter) ? window.arsScore.filter(m.s, asked(filter)) : null;
  }

  // ---- how many have each choice, of what passes the other filters ----
  function tally(m, without, codeOf) {
    const passes = visible(m, { ...m.filter, ...without }), counts = new Map();
    for (let i = 0; i < m.parcels.n; i++) {
      if (passes && !passes[i]) continue;
      const code = codeOf(i);
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    return counts;
  }
  const occurring = (codes, codeOf, n) => { // the codes that any parcel has, in their own order
    const seen = new Set();
    for (let i = 0; i < n && seen.size < codes.length; i++) seen.add(codeOf(i));
    return codes.filter(code => seen.has(code));
  };

  // ---- the fields ----
  function ticks(m, { title, key, codes, codeOf, nameOf, sample = () => null }) {
    const shown = occurring(codes, codeOf, m.parcels.n), boxes = new Map(), counts = new Map();
    const change = () => {
      const on = shown.filter(code => boxes.get(code).checked);
      m.setFilter({ [key]: on.length === shown.length ? null : new Set(on) });
    };
    const rows = shown.map(code => {
      const box = element("input", { type: "checkbox" }), count = element("span", { className: "ars-count" });
      box.dataset.choice = code;
      box.addEventListener("change", change);
      boxes.set(code, box);
      counts.set(code, count);
      return element("label", { className: "ars-check" }, box, sample(code),
        span("ars-name", upper(nameOf(code))), count);
    });
    const update = () => {
      const found = tally(m, { [key]: null }, codeOf);
      for (const code of shown) {
        boxes.get(code).checked = !m.filter[key] || m.filter[key].has(code);
        counts.get(code).textContent = number(m, found.get(code) ?? 0);
      }
    };
    if (shown.length < 2) { // nothing to choose between: that is told instead
      return { update: () => {}, field: element("p", { className: "ars-soft",
        textContent: shown.length ? say(m, "all_same", { title, name: nameOf(shown[0]) }) : "" }) };
    }
    const legend = element("legend", { textContent: title });
    return { update, field: element("fieldset", { className: "ars-ticks" }, legend, ...rows) };
  }
  function leastScore(m) {
    const input = element("input", { type: "range", className: "ars-range", min: 0, max: 100, step: 1,
      "aria-label": say(m, "least_score") });
    const output = element("strong");
    input.addEventListener("input", () => m.setFilter({ leastScore: input.valueAsNumber }, true));
    input.addEventListener("change", () => m.settle());
    const update = () => {
      input.value = m.filter.leastScore;
      input.style.setProperty("--now", m.filter.leastScore / 100);
      const text = m.filter.leastScore ? `${number(m, m.filter.leastScore)} ${m.words.score}` : say(m, "no_limit");
      output.textContent = text;
      input.setAttribute("aria-valuetext", text);
    };
    const head = element("div", { className: "ars-weight-head" },
      span("ars-name", say(m, "least_score")), output);
    return { update, field: element("div", { className: "ars-field" }, head,
      element("div", { className: "ars-slide" }, input)) };
  }
  function leastArea(m) {
    const input = element("input", { type: "number", min: 0, max: 1e8, step: 100, inputMode: "numeric",
      className: "ars-text" });
    input.addEventListener("input", () => {
      const value = input.valueAsNumber;
      m.setFilter({ leastArea: Number.isFinite(value) ? Math.min(1e8, Math.max(0, value)) : 0 });
    });
    const update = () => {
      if (document.activeElement !== input) input.value = m.filter.leastArea || "";
    };
    return { update, field: element("label", { className: "ars-field" },
      span("", say(m, "least_area")), input) };
  }
  function constraint(m, k) {
    const { name, effect } = m.data.constraints[k], answers = m.data.answers, options = new Map();
    const select = element("select", { className: "ars-rule" }, ...m.rules.map(rule => {
      const option = element("option", { value: rule });
      options.set(rule, option);
      return option;
    }));
    select.addEventListener("change", () => {
      m.setFilter({ constraints: m.filter.constraints.map((rule, at) => at === k ? select.value : rule) });
    });
    const update = () => {
      const others = m.filter.constraints.map((rule, at) => at === k ? "any" : rule);
      const found = tally(m, { constraints: others }, i => answers[m.parcels.answer[k][i]]);
      for (const [rule, option] of options) {
        const codes = RULES[rule] ?? [...found.keys()];
        const count = codes.reduce((sum, code) => sum + (found.get(code) ?? 0), 0);
        option.textContent = say(m, `rule_${rule}`, { count: number(m, count) });
      }
      select.value = m.filter.constraints[k];
    };
    return { update, field: element("label", { className: "ars-field" },
      span("", `${short(name)} (${word(m, "effect", effect)})`), select) };
  }

  function fields(m) {
    const { parcels, data, s } = m;
    return [
      ticks(m, { title: say(m, "legend"), key: "classes", codes: s.shades, codeOf: i => s.shades[s.shade[i]],
        nameOf: m.shadeWord,
        sample: code => swatch(m.shadeColour(code), code === "excluded" ? "ars-dot ars-hatched" : "ars-dot") }),
      leastScore(m), leastArea(m),
      ticks(m, { title: m.words.municipal, key: "municipal", codes: data.municipal,
        codeOf: i => data.municipal[parcels.municipal[i]], nameOf: code => word(m, "municipal", code) }),
      ticks(m, { title: say(m, "readiness"), key: "readiness", codes: m.readiness,
        codeOf: i => data.readiness[parcels.readiness[i]] ?? "unknown",
        nameOf: code => word(m, "plan_readiness", code) }),
      ...data.constraints.map((_, k) => constraint(m, k)),
    ];
  }
  function build(m, panel) {
    const made = fields(m), rules = made.slice(5).map(each => each.field);
    const clear = button({ className: "ars-button ars-clear" }, () => m.setFilter(nothing(m)), say(m, "clear_filters"));
    panel.replaceChildren(element("h2", { textContent: say(m, "filters_title") }),
      ...made.slice(0, 5).map(each => each.field),
      ...(rules.length ? [element("h3", { textContent: say(m, "constraints") }), ...rules] : []), clear);
    m.updates.filters = () => {
      if (panel.hidden) return;
      clear.disabled = !active(m.filter);
      for (const each of made) each.update();
    };
  }
  function inWords(m) { // what is filtered on, for print
    const { filter } = m, list = (set, prefix) => [...set].map(code => word(m, prefix, code)).join(", ");
    const shades = filter.classes && [...filter.classes].map(code => m.shadeWord(code));
    return [
      shades ? `${say(m, "legend")}: ${shades.join(", ")}` : "",
      filter.leastScore ? `${say(m, "least_score")}: ${number(m, filter.leastScore)}` : "",
      filter.leastArea ? `${say(m, "least_area")}: ${squareMetres(m, filter.leastArea)}` : "",
      filter.municipal ? `${m.words.municipal}: ${list(filter.municipal, "municipal")}` : "",
      filter.readiness ? `${say(m, "readiness")}: ${list(filter.readiness, "plan_readiness")}` : "",
      ...filter.constraints.map((rule, k) => rule === "any" ? ""
        : `${short(m.data.constraints[k].name)}: ${say(m, `told_${rule}`)}`),
    ].filter(Boolean);
  }

  return { build, visible, active, nothing, inWords, rules: Object.keys(RULES) };
})();
