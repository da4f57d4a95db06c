/* The weights: a slider for each group and each criterion, the strategy's own marked on each.
   They always add up to 100 %: what one takes, the others give in proportion. */
"use strict";
window.arsWeights = (() => {
  const { element, span, paragraph, icon, button, colour, swatch, say, told, short, groupName,
    percent } = window.arsPage;
  const TOP = 5; // parcels listed under the sliders

  // ---- sharing out, without a page ----
  function scaled(next, rows, total, start, strategy) {
    const sum = basis => rows.reduce((all, c) => all + basis[c], 0);
    const basis = [start, strategy].find(each => sum(each) > 1e-9) ?? start.map(() => 1);
    const whole = sum(basis);
    for (const c of rows) next[c] = total * basis[c] / whole;
  }
  function spread(start, strategy, members, share) { // `share` to the members, the rest to all others
    const others = [...start.keys()].filter(c => !members.includes(c));
    const next = Float64Array.from(start);
    if (!others.length || !members.length) return next;
    scaled(next, members, share, start, strategy);
    scaled(next, others, 1 - share, start, strategy);
    return next;
  }
  const total = (weights, members) => members.reduce((sum, c) => sum + weights[c], 0);
  const membersOf = (m, key) => [...m.data.criteria.keys()].filter(c => m.data.criteria[c].group === key);
  const differs = m => !window.arsState.same(m.weights, m.strategy);

  // ---- one slider ----
  function slider(m, { name, members, most, shade, ...known }) {
    const input = element("input", { type: "range", min: 0, max: 100 * most, step: most < 1 ? .5 : 1,
      className: "ars-range", "aria-label": say(m, "weight_of", { name }) });
    Object.assign(input.dataset, known);
    input.disabled = members.length === m.data.criteria.length;
    const output = element("span", { className: "ars-weight-share" });
    const tick = element("span", { className: "ars-tick", title: say(m, "strategy_weight") });
    let start = null; // the weights when the reader took hold of it
    input.addEventListener("input", () => {
      start ??= Float64Array.from(m.weights);
      m.setWeights(spread(start, m.strategy, members, input.valueAsNumber / 100), true);
    });
    input.addEventListener("change", () => { start = null; m.settle(); });
    const update = () => {
      const now = total(m.weights, members), own = total(m.strategy, members);
      const digits = most < 1 ? 1 : 0, away = Math.abs(now - own) >= .0005;
      if (start === null) input.value = 100 * Math.min(most, now);
      colour(input, Math.min(1, now / most), "--now");
      colour(tick, Math.min(1, own / most), "--at");
      output.replaceChildren(element("strong", { textContent: percent(m, now, digits) }));
      if (away) output.prepend(element("s", { className: "ars-own", textContent: percent(m, own, digits) }));
      const text = say(m, "weight_value", { now: percent(m, now, digits), own: percent(m, own, digits) });
      input.setAttribute("aria-valuetext", text);
    };
    colour(input, shade);
    return { update, output, track: element("div", { className: "ars-slide" }, input, tick) };
  }

  // ---- groups, each unfolds into its criteria ----
  function criterion(m, c, sliders) {
    const each = m.data.criteria[c], name = short(told(m, each.label), 60);
    const made = slider(m, { name, members: [c], most: m.mostWeight, shade: m.groupColour(each.group),
      weight: each.key });
    sliders.push(made);
    return element("li", { className: "ars-weight" },
      element("div", { className: "ars-weight-head" }, span("ars-name", name),
        each.found ? null : span("ars-none", say(m, "none_found")),
        made.output),
      made.track);
  }
  function group(m, { key }, sliders) {
    const members = membersOf(m, key), name = groupName(m, key), shade = m.groupColour(key);
    const made = slider(m, { name, members, most: 1, shade, group: key });
    const list = element("ul", { className: "ars-weights ars-inner", hidden: !m.unfolded.has(key) },
      ...members.map(c => criterion(m, c, sliders)));
    sliders.push(made);
    const unfold = button({ className: "ars-unfold", "aria-expanded": String(m.unfolded.has(key)) }, () => {
      list.hidden = !list.hidden;
      m.unfolded[list.hidden ? "delete" : "add"](key);
      unfold.setAttribute("aria-expanded", String(!list.hidden));
    }, icon("down"), swatch(shade, "ars-bullet"), span("ars-name", name),
    span("ars-soft ars-members",
      say(m, members.length === 1 ? "criteria_one" : "criteria_in", { count: members.length })));
    return element("li", { className: "ars-weight ars-weight-group" },
      element("div", { className: "ars-weight-head" }, unfold, made.output), made.track, list);
  }

  // ---- ready-made sets ----
  function presets(m) {
    const choice = element("select", { className: "ars-preset" },
      ...m.presets.map((preset, k) => element("option",
        { value: k, textContent: short(told(m, preset.label), 60) })),
      element("option", { value: -1, textContent: say(m, "preset_own"), hidden: true }));
    choice.addEventListener("change", () => {
      m.setWeights(Float64Array.from(m.presets[Number(choice.value)].weights));
    });
    const reset = button({ className: "ars-button ars-reset" }, () => m.setWeights(Float64Array.from(m.strategy)),
      say(m, "reset"));
    const update = () => {
      choice.value = window.arsState.presetOf(m);
      reset.disabled = !differs(m);
    };
    const label = element("label", { className: "ars-field" }, span("", say(m, "presets")), choice);
    return { update, row: element("div", { className: "ars-line" }, label, reset) };
  }

  function build(m, panel) {
    const sliders = [], sets = presets(m);
    const top = element("ol", { className: "ars-list ars-top-now" });
    const note = m.data.model.method === "minimum" ? [element("p", { className: "ars-note",
      textContent: say(m, "weights_minimum") })] : [];
    panel.replaceChildren(element("h2", { textContent: say(m, "weights_title") }),
      paragraph(say(m, "weights_help")), ...note, sets.row,
      element("ul", { className: "ars-weights" }, ...m.data.groups.map(each => group(m, each, sliders))),
      element("h3", { textContent: say(m, "top_now") }), top);
    m.updates.weights = () => {
      sets.update();
      for (const each of sliders) each.update();
      if (!panel.hidden) window.arsLists.fillTop(m, top, TOP);
    };
  }

  return { build, spread, total, membersOf, differs };
})();
