/* Scores of every parcel by the reader's own weights, as scoring.py and assessment.py work them out. Only numbers
   in typed arrays: nothing here knows the page. By the strategy's own weights the numbers are Python's. */
"use strict";
window.arsScore = (() => {
  const { lazily } = window.arsData;
  const NO_VALUE = 65535, NO_CLASS = 255, NO_AREA = 0xFFFFFFFF, VALUE_STEPS = 60000;
  const SAME_SHARE = 1e-9;
  // Values are whole sixty-thousandths, so a score is known to 0.001 points: what is that near a limit reaches it.
  const NEAR = .001, TIES_PER_POINT = 2000;

  // ---- what is made once ----
  function prepare(data) {
    const { parcels, criteria, model } = data, n = parcels.n;
    const groups = new Map();
    criteria.forEach(({ group }, c) => groups.set(group, [...(groups.get(group) ?? []), c]));
    const s = { data, n, model, groups, shades: [...data.classes, "missing_data", "excluded"],
      deduction: Float32Array.from(parcels.deduction).map(steps => steps / 100),
      outside: parcels.unassessable,
      strategy: normalise(criteria.map(({ weight }) => weight)),
      excluded: data.statuses.indexOf("excluded"), missing: data.statuses.indexOf("missing_data"),
      assessed: data.statuses.indexOf("assessed"),
      total: new Float32Array(n), lacks: new Uint8Array(n), mean: new Float32Array(n),
      left: new Float64Array(criteria.length),
      cap: new Uint8Array(n), ties: new Uint32Array(100 * TIES_PER_POINT + 3),
      score: new Float32Array(n), allowed: new Float32Array(n), cls: new Uint8Array(n), rank: new Uint32Array(n),
      status: new Uint8Array(n), shade: new Uint8Array(n), counts: new Uint32Array(data.classes.length + 2) };
    lazily(s, "values", () => parcels.value.map(shares));
    lazily(s, "gapRows", () => rowsWithGaps(parcels.value, n));
    s.join = joining(s);
    return score(s, s.strategy);
  }
  // Makes ready what the first other weights will ask for
  const warmUp = s => s.values.length + s.gapRows.length;
  function shares(packed) { // 0–1; what is unknown stands as 0 and is looked up where it matters
    const column = new Float32Array(packed.length);
    for (let i = 0; i < packed.length; i++) column[i] = packed[i] === NO_VALUE ? 0 : packed[i] / VALUE_STEPS;
    return column;
  }
  const isUnknown = (s, c, row) => s.data.parcels.value[c][row] === NO_VALUE;
  function rowsWithGaps(columns, n) {
    const gap = new Uint8Array(n), rows = [];
    for (const column of columns) for (let i = 0; i < n; i++) if (column[i] === NO_VALUE) gap[i] = 1;
    for (let i = 0; i < n; i++) if (gap[i]) rows.push(i);
    return Uint32Array.from(rows);
  }
  function normalise(weights) {
    const clean = Float64Array.from(weights, weight => Number.isFinite(weight) && weight > 0 ? weight : 0);
    return scaleUp(clean);
  }
  function scaleUp(weights) { // in place, to add up to 1; where all are 0 they stay 0
    let sum = 0;
    for (let c = 0; c < weights.length; c++) sum += weights[c];
    for (let c = 0; sum > 0 && c < weights.length; c++) weights[c] /= sum;
    return weights;
  }
  // By the weakest criterion, only those that are called critical decide, if one of them has a weight
  function deciding(s, weights) {
    if (s.model.method !== "minimum") return weights;
    const critical = normalise(weights.map((weight, c) => s.data.criteria[c].critical ? weight : 0));
    return critical.some(weight => weight > 0) ? critical : weights;
  }
  const isSum = ({ method, alpha }) => method === "weighted_sum" || (method === "owa" && alpha === 1);

  // ---- values joined into one, of all parcels that lack none: `join(total, weights)` ----
  function joining(s) {
    const { method, floor, alpha } = s.model;
    if (isSum(s.model)) return (total, weights) => addUp(s.values, total, weights);
    if (method === "minimum") return (total, weights) => leastOf(s.values, total, weights);
    if (method === "geometric") {
      const logs = once(() => s.values.map(column => column.map(value => Math.log(Math.max(value, floor)))));
      return (total, weights) => {
        addUp(logs(), total, weights);
        for (let i = 0; i < s.n; i++) total[i] = Math.exp(total[i]);
      };
    }
    s.power = power(alpha);
    s.sorted = once(() => sortRows(s.values, s.n));
    return (total, weights) => ordered(s, total, weights);
  }
  function once(make) {
    let made = null;
    return () => made ??= make();
  }
  function addUp(columns, total, weights) {
    total.fill(0);
    columns.forEach((column, c) => {
      const weight = weights[c];
      if (weight > 0) for (let i = 0; i < total.length; i++) total[i] += weight * column[i];
    });
  }
  function leastOf(columns, total, weights) {
    total.fill(1);
    columns.forEach((column, c) => {
      if (weights[c] > 0) for (let i = 0; i < total.length; i++) if (column[i] < total[i]) total[i] = column[i];
    });
  }
  // x to the power of alpha for x from 0 to 1, out of a table: the exact one takes ten times as long
  function power(alpha) {
    const STEPS = 65536, table = Float64Array.from({ length: STEPS + 2 }, (_, k) => (k / STEPS) ** alpha);
    return x => {
      if (x < 1 / 1024) return x ** alpha; // too steep for straight pieces
      const at = x * STEPS, k = Math.floor(at);
      return table[k] + (at - k) * (table[k + 1] - table[k]);
    };
  }
  // The criteria of each parcel from its best value to its worst: that does not hang on the weights
  function sortRows(columns, n) {
    const many = columns.length, order = new Uint8Array(n * many), value = new Float32Array(n * many);
    for (let i = 0; i < n; i++) {
      const from = i * many;
      for (let c = 0; c < many; c++) {
        const own = columns[c][i];
        let k = from + c;
        for (; k > from && value[k - 1] < own; k--) { value[k] = value[k - 1]; order[k] = order[k - 1]; }
        value[k] = own;
        order[k] = c;
      }
    }
    return { order, value };
  }
  function ordered(s, total, weights) {
    for (let i = 0; i < s.n; i++) total[i] = orderedRow(s, i, weights);
  }
  function orderedRow(s, row, weights) {
    const { order, value } = s.sorted(), many = weights.length, raised = s.power;
    let reached = 0, before = 0, sum = 0;
    for (let at = row * many, end = at + many; at < end; at++) {
      const weight = weights[order[at]];
      if (weight === 0) continue;
      reached = Math.min(1, reached + weight);
      const after = raised(reached);
      sum += (after - before) * value[at];
      before = after;
    }
    return reached > 0 ? sum : NaN;
  }

  // ---- one parcel that lacks a value ----
  // Its weights: what is unknown is left out and the others are scaled up, or counts as 0 where the strategy says so
  function ownWeights(s, row, weights) {
    const worst = s.model.missing === "worst", { left } = s;
    for (let c = 0; c < left.length; c++) left[c] = worst || !isUnknown(s, c, row) ? weights[c] : 0;
    return scaleUp(left);
  }
  function joinRow(s, row, weights) {
    const own = ownWeights(s, row, weights), { method, floor } = s.model, sums = isSum(s.model);
    if (method === "owa" && !sums) return orderedRow(s, row, own);
    let sum = 0, least = 1, counted = false;
    for (let c = 0; c < own.length; c++) {
      if (own[c] === 0) continue;
      const value = s.values[c][row];
      sum += own[c] * (sums ? value : Math.log(Math.max(value, floor)));
      least = Math.min(least, value);
      counted = true;
    }
    if (!counted) return NaN;
    if (method === "minimum") return least;
    return sums ? sum : Math.exp(sum);
  }
  function lacksTooMuch(s, row, weights) {
    const { missing, leastKnown } = s.model;
    let known = 0, lacks = false;
    for (let c = 0; c < weights.length; c++) {
      if (isUnknown(s, c, row)) lacks ||= weights[c] > 0; else known += weights[c];
    }
    if (missing === "worst") return false;
    return missing === "require" ? lacks : known < leastKnown - SAME_SHARE;
  }

  // ---- groups and gates ----
  // Mean of one group's criteria, 0–1. What is unknown counts as 0 only where the score itself counts it so.
  function groupOf(s, row, members, weights, decides) {
    const worst = s.model.missing === "worst";
    let sum = 0, known = 0;
    for (const c of members) {
      if (weights[c] === 0 || (isUnknown(s, c, row) && !(worst && decides[c] > 0))) continue;
      sum += weights[c] * s.values[c][row];
      known += weights[c];
    }
    return known > 0 ? sum / known : NaN;
  }
  function groupScores(s, row, weights) {
    const own = normalise(weights), decides = deciding(s, own), scores = {};
    for (const [group, members] of s.groups) {
      if (members.some(c => own[c] > 0)) scores[group] = 100 * groupOf(s, row, members, own, decides);
    }
    return scores;
  }
  const gatesThatHold = (s, weights) => s.model.gates.filter(
    ({ group }) => (s.groups.get(group) ?? []).some(c => weights[c] > 0));
  const reaches = (scored, least) => scored >= least - NEAR;
  function belowGates(s, row, weights) {
    const own = normalise(weights), scores = groupScores(s, row, own);
    return gatesThatHold(s, own).filter(({ group, min }) => !reaches(scores[group], min));
  }
  // The best class that gates leave each parcel
  function capByGates(s, weights, decides) {
    s.cap.fill(0);
    for (const { group, min, best } of gatesThatHold(s, weights)) {
      const members = s.groups.get(group), most = s.data.classes.indexOf(best);
      addUp(s.values, s.mean, normalise(weights.map((weight, c) => members.includes(c) ? weight : 0)));
      for (const row of s.gapRows) s.mean[row] = groupOf(s, row, members, weights, decides);
      for (let i = 0; i < s.n; i++) {
        if (!reaches(100 * s.mean[i], min) && s.cap[i] < most) s.cap[i] = most;
      }
    }
  }

  // ---- status, score, class and rank of every parcel ----
  function score(s, weights) {
    s.weights = normalise(weights);
    s.own = s.weights.every((weight, c) => Math.abs(weight - s.strategy[c]) < 1e-7);
    if (s.own) return asPacked(s);
    const decides = deciding(s, s.weights), { criteria } = s.data;
    const walked = criteria.filter(({ walk }, c) => walk && decides[c] > 0);
    const nothing = walked.length > 0 && !walked.some(({ found }) => found);
    const none = nothing || !s.weights.some(weight => weight > 0);
    s.join(s.total, decides);
    s.lacks.fill(Number(none));
    for (const row of s.gapRows) {
      s.total[row] = joinRow(s, row, decides);
      s.lacks[row] = Number(none || lacksTooMuch(s, row, decides));
    }
    capByGates(s, s.weights, decides);
    judge(s);
    classify(s);
    rankAll(s);
    return count(s);
  }
  function judge(s) {
    const { status: packed } = s.data.parcels, { n, total, lacks, outside, deduction, status, allowed } = s;
    const { excluded, missing, assessed } = s;
    for (let i = 0; i < n; i++) {
      const joined = total[i], unknown = (lacks[i] | outside[i]) === 1 || joined !== joined;
      allowed[i] = unknown ? NaN : Math.max(0, 100 * joined - deduction[i]);
      status[i] = packed[i] === excluded ? excluded : unknown ? missing : assessed;
    }
  }
  function classify(s) {
    const { n, status, allowed, score: points, cls, cap, assessed } = s, { limits } = s.data;
    const [first, ...others] = limits.slice(0, -1).map(limit => limit - NEAR);
    for (let i = 0; i < n; i++) {
      const own = status[i] === assessed ? allowed[i] : NaN;
      let place = own >= first ? 0 : 1;
      for (let k = 0; k < others.length; k++) if (!(own >= others[k])) place = k + 2;
      points[i] = own;
      cls[i] = own !== own ? NO_CLASS : Math.max(place, cap[i]);
    }
  }
  // Competition ranks 1, 2, 2, 4 by counting: sorting would take longer than all the rest
  function rankAll(s) {
    const { ties, n, rank, score: points } = s;
    ties.fill(0);
    for (let i = 0; i < n; i++) { // 0: no score
      const tie = points[i] >= 0 ? (points[i] * TIES_PER_POINT + 1.5) | 0 : 0;
      rank[i] = tie;
      ties[tie]++;
    }
    ties[0] = 0;
    for (let k = ties.length - 1, better = 0; k > 0; k--) {
      const here = ties[k];
      ties[k] = better + 1;
      better += here;
    }
    for (let i = 0; i < n; i++) rank[i] = ties[rank[i]];
  }
  function asPacked(s) {
    const { parcels } = s.data, points = step => step === NO_VALUE ? NaN : step / 100;
    for (let i = 0; i < s.n; i++) {
      s.allowed[i] = points(parcels.allowed[i]);
      s.status[i] = parcels.status[i];
      s.score[i] = s.status[i] === s.assessed ? points(parcels.score[i]) : NaN;
      s.cls[i] = parcels.cls[i];
      s.rank[i] = parcels.rank[i];
    }
    return count(s);
  }
  function count(s) {
    const { n, status, cls, rank, shade, counts, excluded } = s, missing = s.shades.length - 2;
    counts.fill(0);
    s.ranked = 0;
    for (let i = 0; i < n; i++) {
      shade[i] = status[i] === excluded ? missing + 1 : cls[i] === NO_CLASS ? missing : cls[i];
      counts[shade[i]]++;
      if (rank[i] > 0) s.ranked++;
    }
    return s;
  }

  // ---- what each criterion gives one parcel ----
  // Points add up to the score before what is deducted, if the method is a sum; else no points can be told.
  function contributions(s, row, weights) {
    const decides = deciding(s, normalise(weights)), own = ownWeights(s, row, decides).slice();
    const exact = isSum(s.model);
    const worst = s.model.missing === "worst";
    const values = s.values.map((column, c) => isUnknown(s, c, row) ? NaN : column[row]);
    const counted = (value, c) => Number.isNaN(value) && worst && decides[c] > 0 ? 0 : value;
    const points = values.map((value, c) => exact ? 100 * own[c] * counted(value, c) : NaN);
    return { exact, weights: Array.from(own), values, points, deduction: s.data.parcels.deduction[row] / 100 };
  }

  // ---- lists and filters ----
  // The best parcels of those that are visible, the best first
  function order(s, visible, most) {
    const starts = new Uint32Array(s.n + 2), listed = i => s.rank[i] > 0 && (!visible || visible[i]);
    let many = 0;
    for (let i = 0; i < s.n; i++) if (listed(i)) { starts[s.rank[i] + 1]++; many++; }
    for (let k = 1; k < starts.length; k++) starts[k] += starts[k - 1];
    const rows = new Uint32Array(many);
    for (let i = 0; i < s.n; i++) if (listed(i)) rows[starts[s.rank[i]]++] = i;
    return rows.subarray(0, most);
  }
  // `wanted`: sets of codes ("": none is given), limits, and for each constraint "any", an answer or a set of them
  function filter(s, wanted) {
    const { parcels, municipal, readiness, answers } = s.data, tests = [];
    const ask = (column, codes, among) => {
      const pass = Uint8Array.from({ length: 256 }, (_, code) => Number(among.has(codes[code] ?? "")));
      tests.push(i => pass[column[i]]);
    };
    if (wanted.classes) ask(s.shade, s.shades, wanted.classes);
    if (wanted.leastScore > 0) tests.push(i => reaches(s.score[i], wanted.leastScore));
    if (wanted.leastArea > 0) tests.push(i => parcels.area[i] !== NO_AREA && parcels.area[i] >= wanted.leastArea);
    if (wanted.municipal) ask(parcels.municipal, municipal, wanted.municipal);
    if (wanted.readiness) ask(parcels.readiness, readiness, wanted.readiness);
    (wanted.constraints ?? []).forEach((allowed, k) => {
      if (!allowed || allowed === "any") return;
      ask(parcels.answer[k], answers, typeof allowed === "string" ? new Set([allowed]) : allowed);
    });
    const visible = new Uint8Array(s.n).fill(1);
    for (const test of tests) for (let i = 0; i < s.n; i++) if (visible[i] && !test(i)) visible[i] = 0;
    return visible;
  }
  function countVisible(s, visible) {
    const counts = new Uint32Array(s.shades.length);
    for (let i = 0; i < s.n; i++) if (!visible || visible[i]) counts[s.shade[i]]++;
    return counts;
  }

  return { prepare, warmUp, score, groupScores, belowGates, contributions, order, filter, countVisible };
})();
