/* What the reader has set, as a short text: behind # in the address, or as a code to paste, because a
   mailed file has no address of its own. Whatever comes in is clamped; what is not known is left out. */
"use strict";
window.arsState = (() => {
  const WHOLE = 10000; // weights are written in parts of this
  const MOST = 4000; // characters that are looked at
  const clamp = (value, least, most) => Math.min(most, Math.max(least, value));
  const finite = (text, least, most) => {
    const value = /^-?\d{1,9}(\.\d{1,9})?$/.test(text ?? "") ? Number(text) : NaN;
    return Number.isFinite(value) ? clamp(value, least, most) : null;
  };

  // ---- weights ----
  function same(one, other) {
    return one.every((weight, c) => Math.abs(weight - other[c]) < .5 / WHOLE);
  }
  function shares(raw) {
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return Float64Array.from(raw, weight => weight / total);
  }
  function presetOf(m) {
    return m.presets.findIndex(preset => same(m.weights, preset.weights));
  }
  function readWeights(text, m) {
    const parts = (text ?? "").split("-");
    if (parts.length !== m.data.criteria.length || !parts.every(part => /^\d{1,5}$/.test(part))) return null;
    const raw = parts.map(part => clamp(Number(part), 0, WHOLE));
    if (!raw.some(weight => weight > 0)) return null;
    const found = shares(raw);
    const preset = m.presets.find(each => same(found, each.weights));
    return preset ? Float64Array.from(preset.weights) : found; // as exact as they were
  }

  // ---- sets of codes: each is one bit of a number ----
  const bits = (set, codes) => codes.reduce((sum, code, i) => sum + (set.has(code) ? 2 ** i : 0), 0);
  function fromBits(text, codes) {
    const value = finite(text, 0, 2 ** codes.length - 1);
    return value === null ? null : new Set(codes.filter((_, i) => Math.floor(value / 2 ** i) % 2 === 1));
  }

  // ---- writing ----
  const id = (m, i) => m.parcels.id[i].slice(0, 200).replace(/[\ud800-\udfff]/g, "?"); // no half characters
  function write(m) {
    const parts = [], put = (key, value) => parts.push(`${key}=${value}`), { filter } = m;
    const { lat, lng } = m.map.getCenter(), idOf = i => encodeURIComponent(id(m, i)).replaceAll("~", "%7E");
    put("v", `${m.map.getZoom().toFixed(2)}/${lat.toFixed(5)}/${lng.toFixed(5)}`);
    if (!same(m.weights, m.strategy)) put("w", Array.from(m.weights, w => Math.round(w * WHOLE)).join("-"));
    if (filter.classes) put("c", bits(filter.classes, m.s.shades));
    if (filter.leastScore) put("s", filter.leastScore);
    if (filter.leastArea) put("a", filter.leastArea);
    if (filter.municipal) put("m", bits(filter.municipal, m.data.municipal));
    if (filter.readiness) put("r", bits(filter.readiness, m.readiness));
    const rules = filter.constraints.map(rule => m.rules.indexOf(rule));
    if (rules.some(rule => rule > 0)) put("k", rules.join(""));
    if (m.difference !== null) put("d", m.difference);
    if (m.selected >= 0) put("p", idOf(m.selected));
    if (m.selectedArea >= 0) put("o", m.selectedArea);
    if (m.compared.length) put("x", m.compared.map(idOf).join("~"));
    if (m.language !== m.data.language) put("l", m.language);
    if (m.palette !== "viridis") put("f", m.palette);
    return parts.join("&");
  }

  // ---- reading ----
  function split(text) {
    const found = new Map(), whole = String(text).trim().slice(0, MOST);
    for (const part of whole.slice(whole.indexOf("#") + 1).split("&")) {
      const at = part.indexOf("=");
      if (at > 0 && !found.has(part.slice(0, at))) found.set(part.slice(0, at), part.slice(at + 1));
    }
    return found;
  }
  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return null; }
  }
  function rowOf(m, text) {
    const wanted = text === undefined ? null : decoded(text);
    return wanted ? m.parcels.id.findIndex((_, i) => id(m, i) === wanted) : -1;
  }
  function readView(text) {
    const [zoom, lat, lng] = (text ?? "").split("/");
    const view = [finite(zoom, 4, 20), finite(lat, -85, 85), finite(lng, -180, 180)];
    return view.includes(null) ? null : { zoom: view[0], centre: [view[1], view[2]] };
  }
  function readRules(text, m) {
    const digits = /^\d{1,200}$/.test(text ?? "") ? [...text] : [];
    return m.data.constraints.map((_, k) => m.rules[Number(digits[k] ?? 0)] ?? "any");
  }
  const codeOf = (text, known) => known.includes(text) ? text : null;

  function read(text, m) { // every field is there; null: it was not said
    const said = split(text), none = said.size === 0;
    const row = (key, count) => /^\d{1,6}$/.test(said.get(key) ?? "") && Number(said.get(key)) < count
      ? Number(said.get(key)) : null;
    return {
      none,
      view: readView(said.get("v")),
      weights: readWeights(said.get("w"), m) ?? Float64Array.from(m.strategy),
      filter: {
        classes: fromBits(said.get("c"), m.s.shades),
        leastScore: finite(said.get("s"), 0, 100) ?? 0,
        leastArea: finite(said.get("a"), 0, 1e8) ?? 0,
        municipal: fromBits(said.get("m"), m.data.municipal),
        readiness: fromBits(said.get("r"), m.readiness),
        constraints: readRules(said.get("k"), m),
      },
      difference: row("d", m.data.scenarios?.length ?? 0),
      selected: rowOf(m, said.get("p")),
      selectedArea: row("o", m.data.areas?.n ?? 0) ?? -1,
      compared: (said.get("x") ?? "").split("~").slice(0, 3).map(id => rowOf(m, id || undefined))
        .filter((i, at, all) => i >= 0 && all.indexOf(i) === at),
      language: codeOf(said.get("l"), Object.keys(m.data.words)),
      palette: codeOf(said.get("f"), Object.keys(m.data.palettes)),
    };
  }

  // ---- the address ----
  function remember(m) { // inside another page (a notebook) the address is not ours to change
    try {
      history.replaceState(null, "", `#${write(m)}`);
    } catch { /* the code can still be copied */ }
  }
  function address(m) {
    const own = location.href.split("#")[0];
    return own.startsWith("about:") ? "" : `${own}#${write(m)}`;
  }

  return { write, read, remember, address, presetOf, same };
})();
