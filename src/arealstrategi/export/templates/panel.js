/* The panel: its tabs, which are a sheet under the map on a phone, the language, and what differs from the strategy. */
"use strict";
window.arsPanel = (() => {
  const { element, span, icon, button, say, short, number } = window.arsPage;
  const TABS = { results: "tab_results", weights: "tab_weights", filters: "tab_filters", layers: "tab_layers",
    about: "tab_about" };

  // ---- the panel: tabs, language, what differs from the strategy ----
  function buildTabs(m) {
    const bar = m.panel.querySelector(".ars-tabs"), body = m.panel.querySelector(".ars-body");
    m.tabs = {};
    for (const key of Object.keys(TABS)) {
      const tab = button({ className: "ars-tab", role: "tab", id: `${m.name}_tab_${key}`,
        "aria-controls": `${m.name}_panel_${key}` }, () => showTab(m, key, true));
      const panel = element("div", { className: "ars-tab-panel", role: "tabpanel", id: `${m.name}_panel_${key}`,
        "aria-labelledby": tab.id, tabIndex: 0, hidden: true });
      tab.dataset.tab = key;
      bar.append(tab);
      body.append(panel);
      m.tabs[key] = { tab, panel };
    }
    bar.addEventListener("keydown", event => {
      const keys = Object.keys(TABS), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = keys[(keys.indexOf(m.tab) + step + keys.length) % keys.length];
      showTab(m, next);
      m.tabs[next].tab.focus();
    });
  }
  function showTab(m, key, pressed = false) {
    const again = pressed && key === m.tab && m.panel.classList.contains("ars-open");
    m.tab = key;
    for (const [each, { tab, panel }] of Object.entries(m.tabs)) {
      tab.setAttribute("aria-selected", String(each === key));
      tab.tabIndex = each === key ? 0 : -1;
      panel.hidden = each !== key;
    }
    m.updates[key === "results" ? "lists" : key]?.();
    if (pressed) openSheet(m, !again);
  }
  function openSheet(m, wide) { // on a phone the panel is a sheet under the map
    const toggle = m.panel.querySelector(".ars-toggle");
    m.panel.classList.toggle("ars-open", wide);
    toggle.setAttribute("aria-expanded", String(wide));
    const text = say(m, wide ? "panel_hide" : "panel_show");
    toggle.title = text;
    toggle.setAttribute("aria-label", text);
  }
  function chips(m) {
    const row = m.panel.querySelector(".ars-chips"), filters = window.arsFilters.active(m.filter);
    const add = (text, label, undo) => button({ className: "ars-undo", "aria-label": label, title: label }, undo,
      span("", text), icon("close"));
    const made = [
      window.arsWeights.differs(m) && add(say(m, "own_weights"), say(m, "own_weights_undo"),
        () => m.setWeights(Float64Array.from(m.strategy))),
      filters && add(say(m, "shown_of", { shown: number(m, m.shown), count: number(m, m.parcels.n) }),
        say(m, "clear_filters"), () => m.setFilter(window.arsFilters.nothing(m))),
      m.difference !== null && add(say(m, "view_if", { name: short(m.data.scenarios[m.difference].name, 40) }),
        say(m, "view_today_back"), () => m.setDifference(null)),
    ].filter(Boolean);
    const held = row.contains(document.activeElement);
    row.replaceChildren(...made);
    if (held) (row.querySelector("button") ?? m.tabs[m.tab].tab).focus();
    m.tabs.weights.tab.classList.toggle("ars-marked", Boolean(window.arsWeights.differs(m)));
    m.tabs.filters.tab.classList.toggle("ars-marked", filters > 0);
  }
  function speak(m) { // puts every word of the page in the chosen language
    const other = Object.keys(m.data.words).find(each => each !== m.language), box = m.map.getContainer();
    document.documentElement.lang = m.language;
    for (const at of m.panel.querySelectorAll("[data-word]")) at.textContent = say(m, at.dataset.word);
    for (const at of m.panel.querySelectorAll("[data-label]")) {
      at.setAttribute("aria-label", say(m, at.dataset.label));
      if (at.matches("button")) at.title = say(m, at.dataset.label);
    }
    const language = m.panel.querySelector(".ars-language");
    language.textContent = m.data.words[other]["map.this_language"];
    language.lang = other;
    for (const [key, { tab }] of Object.entries(m.tabs)) tab.textContent = say(m, TABS[key]);
    box.setAttribute("aria-label", `${say(m, "map")}. ${say(m, "map_help")}`);
    m.panel.setAttribute("aria-label", say(m, "panel"));
    m.card.setAttribute("aria-label", say(m, m.selectedArea >= 0 ? "card_area" : "card"));
    m.tray.setAttribute("aria-label", say(m, "compare_tray"));
    m.paper.setAttribute("aria-label", say(m, "print"));
    window.arsPointing.nameControls(m, box);
  }
  function fill(m) {
    m.updates = { card: m.updates.card, cardTools: m.updates.cardTools };
    speak(m);
    window.arsLists.build(m, m.tabs.results.panel);
    window.arsWeights.build(m, m.tabs.weights.panel);
    window.arsFilters.build(m, m.tabs.filters.panel);
    window.arsLayers.build(m, m.tabs.layers.panel);
    window.arsLayers.about(m, m.tabs.about.panel);
    m.updates.chips = () => chips(m);
    window.arsCompare.fillTray(m);
    openSheet(m, m.panel.classList.contains("ars-open"));
  }
  function wire(m) {
    const $ = selector => m.panel.querySelector(selector), languages = Object.keys(m.data.words);
    $(".ars-title").textContent = m.data.title;
    $(".ars-share").prepend(icon("share"));
    $(".ars-print-button").prepend(icon("print"));
    $(".ars-toggle").append(icon("down"));
    $(".ars-language").addEventListener("click", () => m.setLanguage(languages.find(each => each !== m.language)));
    $(".ars-share").addEventListener("click", event => window.arsPrint.share(m, event.currentTarget));
    $(".ars-print-button").addEventListener("click", () => window.print());
    $(".ars-toggle").addEventListener("click", () => openSheet(m, !m.panel.classList.contains("ars-open")));
  }
  function build(m) {
    buildTabs(m);
    wire(m);
  }

  return { build, fill, showTab, openSheet };
})();
