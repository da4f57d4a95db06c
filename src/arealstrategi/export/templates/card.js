/* The card of one parcel: its score, what each criterion gives, where its people would walk, what is
   in the way, and what is not known. */
"use strict";
window.arsCard = (() => {
  const { element, span, paragraph, icon, button, colour, swatch, say, word, told, short, upper, groupName,
    number, signed, percent, metres, squareMetres, inkOn } = window.arsPage;
  const UNREACHABLE = 65535, NO_AREA = 0xFFFFFFFF, HEADLINES = ["safe", "central", "social"];

  // ---- the head ----
  function gauge(m, score) { // where the score lies among the classes
    const limits = [...m.data.limits, 0], bar = element("div", { className: "ars-gauge", "aria-hidden": "true" });
    let least = 100;
    for (const [k, code] of m.data.classes.entries()) {
      const part = swatch(m.shadeColour(code), "ars-part");
      part.style.flexGrow = least - limits[k];
      least = limits[k];
      bar.prepend(part);
    }
    bar.append(colour(element("span", { className: "ars-needle" }), score / 100, "--at"));
    return bar;
  }
  function chip(m, shade) {
    const made = span("ars-chip", m.shadeWord(shade));
    const back = m.shadeColour(shade);
    colour(made, back);
    return colour(made, inkOn(back), "--ink-on");
  }
  function verdict(m, i) {
    const { s } = m, shade = s.shades[s.shade[i]], score = s.score[i], parts = [chip(m, shade)];
    if (Number.isFinite(score)) {
      parts.push(span("ars-big", number(m, score, 1)),
        span("ars-soft", m.words.score));
    }
    return [element("div", { className: "ars-verdict" }, ...parts), Number.isFinite(score) ? gauge(m, score) : null];
  }
  function head(m, i) {
    const sub = [m.addressOf(i), m.placeName(i)].filter(Boolean).map(text => short(text, 60)).join(" · ");
    return element("div", { className: "ars-card-head" },
      element("h2", { tabIndex: -1, textContent: short(m.labelOf(i), 120) }),
      sub ? paragraph(sub, "ars-sub") : null,
      button({ className: "ars-close", "aria-label": say(m, "close"), title: say(m, "close") },
        () => m.closeCard(), icon("close")));
  }
  function tools(m, i) {
    const compare = button({ className: "ars-button" }, () => m.compare(i), icon("compare"),
      span("", say(m, "compare_this")));
    const update = () => {
      const on = m.compared.includes(i);
      compare.setAttribute("aria-pressed", String(on));
      compare.disabled = !on && m.compared.length >= m.mostCompared;
    };
    update();
    m.updates.cardTools = update;
    return element("div", { className: "ars-tools" }, compare,
      button({ className: "ars-button" }, () => m.goToParcel(i), icon("target"),
        span("", say(m, "show_in_map"))));
  }

  // ---- what decides before the points ----
  function reasonWords(m, text) {
    const [code, ...detail] = text.split(": "), known = m.words[`reason.${code}`];
    if (!known) return short(text);
    const name = detail.join(": "), criterion = m.data.criteria.find(each => each.key === name);
    const said = criterion ? told(m, criterion.label) : m.data.groups.some(each => each.key === name)
      ? groupName(m, name) : name;
    return said ? `${known}: ${short(said)}` : known;
  }
  function reasons(m, i) { // gates follow the reader's weights, the rest is as it was found
    const { texts, codes } = m.parcels.reasons;
    return (texts[codes[i]] ?? "").split(";").map(text => text.trim())
      .filter(text => text && !text.startsWith("group_below_minimum"));
  }
  function gates(m, i) {
    return window.arsScore.belowGates(m.s, i, m.weights).map(gate => say(m, "gate",
      { group: groupName(m, gate.group), min: number(m, gate.min), best: word(m, "class", gate.best) }));
  }
  function warnings(m, i) {
    const { s } = m, shade = s.shades[s.shade[i]], list = reasons(m, i).map(text => reasonWords(m, text)), notes = [];
    if (shade === "excluded") {
      const allowed = s.allowed[i];
      notes.push(box(say(m, "why"), list, Number.isFinite(allowed)
        ? say(m, "score_if_allowed", { score: number(m, allowed, 1) }) : "", "ars-out"));
    } else if (shade === "missing_data") {
      notes.push(box(say(m, "why"), list, "", "ars-unknown"));
    } else if (list.length) notes.push(box(say(m, "reasons"), list, "", ""));
    return [...notes, ...gates(m, i).map(text => box(text, [], "", ""))];
  }
  function box(title, lines, foot, kind) {
    return element("div", { className: `ars-note ${kind}` }, element("strong", { textContent: title }),
      lines.length ? element("ul", {}, ...lines.map(text => element("li", { textContent: text }))) : null,
      foot ? paragraph(foot) : null);
  }
  function sureness(m, i) {
    const { rankLow, rankHigh, topShare } = m.parcels, lines = [];
    if (m.s.rank[i] > 0) {
      lines.push(upper(say(m, "rank", { rank: number(m, m.s.rank[i]), count: number(m, m.s.ranked) })));
    }
    if (rankLow?.[i] > 0 && m.s.own) {
      lines.push(rankLow[i] === rankHigh[i] ? say(m, "band_same", { rank: number(m, rankLow[i]) })
        : say(m, "band", { low: number(m, rankLow[i]), high: number(m, rankHigh[i]) }));
    }
    if (!m.s.own && m.parcels.rank[i] > 0) {
      lines.push(say(m, "with_strategy", { score: number(m, m.parcels.score[i] / 100, 1),
        rank: number(m, m.parcels.rank[i]) }));
    }
    if (m.difference !== null) {
      const by = window.arsLists.changes(m)(i);
      lines.push(say(m, Number.isFinite(by) ? "with_scenario" : "with_scenario_unknown",
        { name: short(m.data.scenarios[m.difference].name, 60), points: signed(m, by || 0) }));
    }
    if (topShare && topShare[i] > 0 && topShare[i] < 255 && m.s.own) {
      lines.push(say(m, "top_share", { share: percent(m, topShare[i] / 100) }));
    }
    return lines.map(text => paragraph(text, "ars-sure"));
  }

  // ---- headline scores: safe, central, social ----
  function headlines(m, i) {
    const { weights, values } = window.arsScore.contributions(m.s, i, m.weights);
    return HEADLINES.map(code => {
      let sum = 0, whole = 0;
      m.data.criteria.forEach((each, c) => {
        if (each.headline !== code || Number.isNaN(values[c])) return;
        sum += weights[c] * values[c];
        whole += weights[c];
      });
      return [code, whole > 0 ? 100 * sum / whole : NaN];
    }).filter(([, value]) => Number.isFinite(value));
  }
  function headlinePart(m, i) {
    const list = headlines(m, i).map(([code, value]) => element("div", { className: "ars-headline" },
      element("dt", { textContent: word(m, "headline", code) }),
      element("dd", {}, element("strong", { textContent: number(m, value) }),
        element("span", { className: "ars-bar", "aria-hidden": "true" },
          colour(element("span"), value / 100, "--now")))));
    return list.length ? element("dl", { className: "ars-headlines" }, ...list) : null;
  }

  // ---- a row per criterion ----
  function walkWords(m, i, c) {
    const { parcels, data } = m, criterion = data.criteria[c];
    if (!criterion.found) return say(m, "not_found");
    if (parcels.metres[c][i] === UNREACHABLE) {
      if (reasons(m, i).includes(`no_step_free_way: ${criterion.key}`)) return m.words["reason.no_step_free_way"];
      return parcels.value[c][i] === 65535 ? say(m, "not_measured") : m.words.unreachable;
    }
    const row = parcels.service[c]?.[i], name = row ? data.services.name[row - 1] || say(m, "unnamed") : "";
    const minutes = Math.max(1, Math.round(parcels.minutes[c][i] / 10));
    return [metres(m, parcels.metres[c][i]), `${number(m, minutes)}\u00a0min`, short(name, 60)]
      .filter(Boolean).join(" · ");
  }
  function measured(m, i, c) {
    if (m.data.criteria[c].walk) return walkWords(m, i, c);
    const column = m.parcels.raw[c], raw = column?.texts ? column.texts[column.codes[i]] : column?.[i];
    if (raw === undefined || raw === "" || Number.isNaN(raw)) {
      return m.parcels.value[c][i] === 65535 ? say(m, "not_measured") : "";
    }
    if (typeof raw !== "string") return say(m, "measured", { value: number(m, raw, Number.isInteger(raw) ? 0 : 1) });
    return m.words[`plan_readiness.${raw}`] ?? short(raw);
  }
  function onTheWay(m, i, c) {
    if (!m.data.criteria[c].walk || m.parcels.metres[c][i] === UNREACHABLE) return "";
    const hard = Object.entries(m.parcels.hard).filter(([, by]) => by[c]?.[i] > 0).map(
      ([name, by]) => say(m, `on_the_way.${name}`, { metres: number(m, by[c][i]) }));
    return hard.length ? `${say(m, "on_the_way")}: ${hard.join(", ")}` : "";
  }
  function pointsWords(m, { exact, weights, values, points }, c) {
    if (Number.isNaN(values[c])) return [say(m, weights[c] > 0 ? "value_unknown" : "left_out"), ""];
    const share = number(m, 100 * weights[c], 1), value = number(m, values[c], 2);
    return exact ? [`${value} × ${share} = `, number(m, points[c], 1)] : [`${value} × ${share} %`, ""];
  }
  function routeButton(m, i, c) {
    if (!m.data.criteria[c].walk || m.parcels.metres[c][i] === UNREACHABLE || !m.hasRoute(i, c)) return null;
    const name = short(told(m, m.data.criteria[c].label), 60);
    const made = button({ className: "ars-route", title: say(m, "route_show"),
      "aria-label": say(m, "route_to", { name }) }, () => m.toggleRoute(c), icon("route"));
    colour(made, window.arsCanvas.routeStyle(c).colour);
    made.dataset.route = m.data.criteria[c].key;
    return made;
  }
  function criterionRow(m, i, c) {
    const criterion = m.data.criteria[c], name = told(m, criterion.label), hard = onTheWay(m, i, c);
    const formula = span("ars-formula", ""), points = element("strong", { className: "ars-points" });
    const bar = colour(element("span"), m.groupColour(criterion.group)), track = element("div",
      { className: "ars-bar", "aria-hidden": "true" }, bar);
    const route = routeButton(m, i, c);
    const row = element("li", {}, element("div", { className: "ars-row-text" },
      element("div", { className: "ars-row-head" }, span("ars-name", short(name, 60)),
        element("span", { className: "ars-sum" }, formula, points)), track,
      element("div", { className: "ars-row-foot", textContent: measured(m, i, c) }),
      hard ? element("div", { className: "ars-row-foot ars-hard", textContent: hard }) : null), route);
    row.dataset.criterion = criterion.key;
    if (route) {
      row.addEventListener("pointerenter", () => m.previewRoute(c));
      row.addEventListener("pointerleave", () => m.previewRoute(-1));
    }
    const update = sums => {
      [formula.textContent, points.textContent] = pointsWords(m, sums, c);
      colour(bar, Number.isNaN(sums.values[c]) ? 0 : sums.values[c], "--now");
      track.classList.toggle("ars-hatched", Number.isNaN(sums.values[c]));
      row.classList.toggle("ars-no-weight", sums.weights[c] === 0);
      route?.setAttribute("aria-pressed", String(m.shownRoutes.has(criterion.key)));
    };
    return { row, update };
  }
  function groupPart(m, i, key) {
    const rows = window.arsWeights.membersOf(m, key).map(c => ({ c, ...criterionRow(m, i, c) }));
    const sum = element("span", { className: "ars-sum" });
    const update = sums => {
      const add = column => rows.reduce((all, { c }) => all + (column[c] || 0), 0);
      sum.textContent = sums.exact ? say(m, "points_of", { points: number(m, add(sums.points), 1),
        most: number(m, 100 * add(sums.weights), 1) }) : percent(m, add(sums.weights), 1);
      for (const row of rows) row.update(sums);
    };
    return { update, part: element("section", { className: "ars-group" }, element("h4", {},
      swatch(m.groupColour(key), "ars-bullet"), span("ars-name", groupName(m, key)), sum),
    element("ul", { className: "ars-rows" }, ...rows.map(({ row }) => row))) };
  }
  function criteriaPart(m, i) {
    const groups = m.data.groups.map(({ key }) => groupPart(m, i, key));
    const taken = element("p", { className: "ars-taken" }), total = element("p", { className: "ars-total" });
    const all = button({ className: "ars-button ars-all-routes" }, () => m.toggleAllRoutes(), icon("route"),
      element("span"));
    const update = () => {
      const sums = window.arsScore.contributions(m.s, i, m.weights), on = m.allRoutesShown();
      for (const each of groups) each.update(sums);
      taken.textContent = sums.deduction > 0 ? say(m, "deduction", { points: number(m, sums.deduction, 1) }) : "";
      total.textContent = sums.exact ? "" : say(m, "not_a_sum");
      all.lastChild.textContent = say(m, on ? "routes_hide" : "routes_show");
      all.classList.toggle("ars-on", on);
    };
    const walker = say(m, "walker", { profile: told(m, m.data.walker.label) });
    return { update, part: element("section", { className: "ars-criteria-part" },
      element("h3", { textContent: say(m, "how_points_add_up") }),
      paragraph(`${say(m, "formula")} ${walker}`, "ars-soft"),
      m.hasRoutes() ? all : null, total, ...groups.map(({ part }) => part), taken) };
  }

  // ---- constraints and facts ----
  function constraintsPart(m, i) {
    const { constraints, answers } = m.data, clear = [], rows = [];
    constraints.forEach(({ name, effect }, k) => {
      const answer = answers[m.parcels.answer[k][i]], share = m.parcels.share[k]?.[i];
      if (answer === "no_hit") { clear.push(short(name)); return; }
      const more = answer === "not_mapped" ? "" : [answer === "hit" ? word(m, "effect", effect) : "",
        share > 0 && share <= 100 ? say(m, "share_of_parcel", { share: percent(m, share / 100) }) : ""]
        .filter(Boolean).join(", ");
      rows.push(element("li", { className: `ars-answer-${answer}` }, element("strong", { textContent: short(name) }),
        span("", `${upper(word(m, "answer", answer))}${more ? ` – ${more}` : ""}`)));
    });
    if (!constraints.length) return null;
    return element("section", {}, element("h3", { textContent: say(m, "constraints") }),
      element("ul", { className: "ars-answers" }, ...rows),
      clear.length ? paragraph(say(m, "no_hit_in", { names: clear.join(", ") }), "ars-soft") : null);
  }
  function facts(m, i) {
    const { parcels, data } = m, list = element("dl", { className: "ars-facts" });
    const add = (term, ...texts) => list.append(element("dt", { textContent: term }),
      ...texts.map(text => element("dd", {}, text)));
    const ready = data.readiness[parcels.readiness[i]] ?? "unknown", purpose = parcels.purpose;
    add(say(m, "area"), parcels.area[i] === NO_AREA ? say(m, "unknown") : squareMetres(m, parcels.area[i]));
    add(m.words.municipal, word(m, "municipal", data.municipal[parcels.municipal[i]]));
    add(say(m, "readiness"), word(m, "plan_readiness", ready));
    if (purpose?.texts[purpose.codes[i]]) add(say(m, "purpose"), short(purpose.texts[purpose.codes[i]]));
    if (parcels.label[i] !== parcels.id[i]) add(say(m, "id"), short(parcels.id[i]));
    const area = parcels.areaOf?.[i] ?? 0;
    if (area > 0) {
      add(say(m, "in_area"), button({ className: "ars-link" }, () => m.showArea(area - 1, m.opener),
        m.areaName(area - 1)));
    }
    return element("section", {}, element("h3", { textContent: say(m, "facts") }), list);
  }

  function fill(m, card, i) {
    const criteria = criteriaPart(m, i), top = element("div", { className: "ars-card-top" });
    const parts = [head(m, i), top, tools(m, i), criteria.part, constraintsPart(m, i), facts(m, i)];
    card.replaceChildren(...parts.filter(Boolean));
    m.updates.card = () => {
      top.replaceChildren(...[...verdict(m, i), ...warnings(m, i), ...sureness(m, i), headlinePart(m, i)]
        .filter(Boolean));
      criteria.update();
      m.updates.cardTools?.();
    };
    m.updates.card();
    card.scrollTop = 0;
  }

  return { fill, chip, headlines, measured, reasons, reasonWords };
})();
