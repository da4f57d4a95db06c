/* What every part of the page is made with: elements, words in the chosen language, numbers, icons.
   Texts come from the public: they reach the page through textContent only. */
"use strict";
window.arsPage = (() => {
  const ICONS = { // paths on a field of 24 × 24
    close: "M6 6l12 12M18 6L6 18",
    down: "M6 9l6 6 6-6",
    route: "M6 20a2 2 0 100-4 2 2 0 000 4zm0-4V9a4 4 0 018 0v6a4 4 0 008 0V6",
    print: "M7 9V4h10v5M7 17H4v-7h16v7h-3M7 14h10v6H7z",
    share: "M10 14a4 4 0 005.7 0l3.6-3.6a4 4 0 00-5.7-5.7L12.4 6M14 10a4 4 0 00-5.7 0l-3.6 3.6a4 4 0 005.7 5.7L11.6 18",
    target: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 3v3M12 18v3M3 12h3M18 12h3",
    compare: "M5 5h6v14H5zM13 5h6v14h-6z",
    save: "M12 4v11M7 11l5 5 5-5M5 20h14",
    place: "M12 21s7-6.2 7-11.5A7 7 0 005 9.5C5 14.8 12 21 12 21zM12 12a2.5 2.5 0 100-5 2.5 2.5 0 000 5z",
    home: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
    warning: "M12 4l9 16H3zM12 10v5M12 17.5v.5",
  };
  const SVG = "http://www.w3.org/2000/svg";

  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined) continue;
      if (name in made) made[name] = value; else made.setAttribute(name, value);
    }
    made.append(...children.filter(child => child !== null && child !== undefined && child !== ""));
    return made; // strings become text, never markup
  }
  const span = (className, textContent) => element("span", { className, textContent });
  const paragraph = (textContent, className = null) => element("p", { className, textContent });
  function icon(name) {
    const made = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
    made.setAttribute("viewBox", "0 0 24 24");
    made.setAttribute("aria-hidden", "true");
    made.classList.add("ars-icon");
    path.setAttribute("d", ICONS[name]);
    made.append(path);
    return made;
  }
  function button(properties, onClick, ...children) {
    const made = element("button", { type: "button", ...properties }, ...children);
    made.addEventListener("click", onClick);
    return made;
  }
  function colour(made, value, name = "--colour") {
    made.style.setProperty(name, value);
    return made;
  }
  const swatch = (value, kind = "ars-dot") => colour(element("span", { className: kind }), value);

  // ---- words ----
  const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const say = (m, key, values = {}) => fill(m.words[`map.${key}`] ?? key, values);
  const word = (m, prefix, code) => m.words[`${prefix}.${code}`] ?? code;
  const told = (m, pair) => typeof pair === "string" ? pair : pair?.[m.language] ?? pair?.nb ?? "";
  function short(text, most = 80) { // a long name is cut, never in the middle of a character
    const whole = String(text ?? "");
    if (whole.length <= most) return whole;
    return `${whole.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "").trimEnd()}…`;
  }
  const upper = text => text.charAt(0).toUpperCase() + text.slice(1);
  const groupName = (m, key) => {
    const group = m.data.groups.find(each => each.key === key);
    return short(group ? told(m, group.label) || word(m, "group", key) : word(m, "group", key), 60);
  };

  // ---- numbers, as the language writes them ----
  function number(m, value, digits = 0) {
    const [whole, rest] = Math.abs(value).toFixed(digits).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, m.words.thousands);
    const sign = value < 0 && Number(Math.abs(value).toFixed(digits)) > 0 ? "−" : "";
    return sign + (rest ? grouped + m.words.decimal + rest : grouped);
  }
  const signed = (m, value, digits = 1) => (value > 0 ? "+" : "") + number(m, value, digits);
  const percent = (m, share, digits = 0) => fill(m.words.percent, { number: number(m, 100 * share, digits) });
  const metres = (m, value) => `${number(m, value)}\u00a0m`;
  const squareMetres = (m, value) => `${number(m, value)}\u00a0m²`;

  // ---- colours that text can stand on ----
  function inkOn(hex) {
    const channel = at => {
      const c = parseInt(hex.slice(at, at + 2), 16) / 255;
      return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    };
    const light = .2126 * channel(1) + .7152 * channel(3) + .0722 * channel(5);
    return 1.05 / (light + .05) >= 4.5 ? "#ffffff" : "#14181d";
  }

  // ---- time ----
  function later(run, wait) { // runs once, when it has been quiet so long
    let timer = 0;
    return (...given) => {
      clearTimeout(timer);
      timer = setTimeout(() => run(...given), wait);
    };
  }
  function eachFrame(run) { // at most once for each picture of the screen
    let frame = 0;
    return () => {
      if (!frame) frame = requestAnimationFrame(() => { frame = 0; run(); });
    };
  }
  function ask(m, title, opener, ...content) { // a window over the page; closing it leads back to where it came from
    const { dialog } = m, head = element("h2", { id: `${dialog.id}_title`, tabIndex: -1, textContent: title });
    const close = button({ className: "ars-close", "aria-label": say(m, "close") }, () => dialog.close(),
      icon("close"));
    dialog.setAttribute("aria-labelledby", head.id);
    dialog.replaceChildren(element("div", { className: "ars-dialog-head" }, head, close), ...content);
    dialog.onclose = () => (opener?.isConnected ? opener : m.map.getContainer()).focus();
    dialog.showModal();
    head.focus();
  }
  const quiet = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  function announce(m, text) {
    const at = m.panel.querySelector(".ars-status");
    if (at.textContent !== text) at.textContent = text;
  }
  async function copy(text, field) { // a file from disk may have no clipboard of its own
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      field?.select();
      try { return document.execCommand("copy"); } catch { return false; }
    }
  }
  function save(name, type, text) {
    const link = element("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  return { element, span, paragraph, icon, button, colour, swatch, fill, say, word, told, short, upper, groupName,
    number, signed, percent, metres, squareMetres, inkOn, later, eachFrame, quiet, announce, ask, copy, save };
})();
