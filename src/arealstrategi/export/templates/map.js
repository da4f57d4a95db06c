/* Starts the page: opens the data, keeps what is shown and chosen in `m`, and lets every change of weights,
   filters, view or language reach the map, the panel and the card. */
"use strict";
window.suitabilityMap = (() => {
  const { say, number, squareMetres, later, eachFrame, quiet, announce } = window.arsPage;
  const { arsCanvas: canvas, arsScore: scoring, arsState: state, arsPanel: panel, arsPointing: pointing } = window;
  const FIRST_ROUTES = 3, NO_AREA = 0xFFFFFFFF, NEAREST = 17;

  // ---- one map: `m` holds the data, what is shown and what is chosen ----
  async function open(map, name) {
    const data = await window.arsData.read(document.getElementById(`${name}_data`));
    const part = end => document.getElementById(name + end);
    const m = { map, name, data, panel: part(""), card: part("_card"), tray: part("_tray"), dialog: part("_dialog"),
      paper: part("_paper"), parcels: data.parcels, services: data.services, s: scoring.prepare(data),
      language: data.language, words: data.words[data.language], presets: data.presets, palette: "viridis",
      showParcels: true, showAreas: true, showSites: true, showZones: new Set(), categories: null, tiles: null,
      hovered: -1, selected: -1, hoveredArea: -1, selectedArea: -1, compared: [], routes: [], moving: false,
      difference: null, visible: null, opener: null, updates: {}, unfolded: new Set(), listed: 20, list: "top",
      tab: "results", previewed: -1, mostCompared: window.arsCompare.MOST, rules: window.arsFilters.rules };
    m.readiness = [...new Set([...data.readiness, "unknown"])];
    m.categories = new Set(data.services.category.texts);
    m.strategy = Float64Array.from(data.presets[0].weights);
    m.weights = Float64Array.from(m.strategy);
    m.filter = window.arsFilters.nothing(m);
    m.mostWeight = data.presets.some(({ weights }) => Math.max(...weights) > .4) ? 1 : .5;
    m.shownRoutes = new Set(heaviest(m, FIRST_ROUTES));
    lookUps(m);
    actions(m);
    start(m);
  }
  function heaviest(m, count) { // the criteria whose routes are drawn at first: of different groups
    const seen = new Set(), { criteria } = m.data;
    return criteria.filter(({ walk }) => walk).sort((a, b) => b.weight - a.weight).filter(({ group }) =>
      !seen.has(group) && seen.add(group)).slice(0, count).map(({ key }) => key);
  }
  function lookUps(m) {
    const { data, parcels } = m, of = (column, i) => column ? column.texts[column.codes[i]] ?? "" : "";
    m.labelOf = i => parcels.label[i] || parcels.id[i];
    m.addressOf = i => of(parcels.address, i);
    m.placeName = i => of(parcels.place, i);
    m.placeOf = i => m.addressOf(i) || m.placeName(i);
    m.scoreText = i => Number.isFinite(m.s.score[i]) ? number(m, m.s.score[i], 1) : "";
    m.areaText = i => parcels.area[i] === NO_AREA ? "–" : squareMetres(m, parcels.area[i]);
    m.shadeWord = shade => m.words[`class.${shade}`] ?? m.words[`status.${shade}`] ?? shade;
    m.shadeColour = shade => data.palettes[m.palette][shade] ?? data.statusColours[shade];
    m.groupColour = group => data.groupColours[group] ?? data.groupColours.other;
    m.areaName = k => say(m, "area_name", { rank: number(m, data.areas.rank[k]) });
  }

  // ---- every change goes through one of these ----
  function actions(m) {
    m.frame = eachFrame(() => recount(m));
    m.settle = later(() => settle(m), 160);
    m.keep = later(() => state.remember(m), 300);
    m.setWeights = (weights, live = false) => {
      m.weights = weights;
      m.unscored = true;
      change(m, live);
    };
    m.setFilter = (fields, live = false) => {
      m.filter = { ...m.filter, ...fields };
      change(m, live);
    };
    m.setDifference = row => {
      m.difference = row;
      change(m, false);
    };
    m.setPalette = palette => {
      m.palette = palette;
      m.redrawAll();
      change(m, false);
    };
    goingActions(m);
    routeActions(m);
  }
  function goingActions(m) { // to what is chosen, on the map and in the card
    m.redrawAll = () => Object.values(m.sheets).forEach(sheet => sheet.redraw());
    m.showParcel = (i, opener) => { panel.openSheet(m, false); choose(m, i, opener); m.goToParcel(i); };
    m.showArea = (k, opener) => { panel.openSheet(m, false); chooseArea(m, k, opener); m.goToArea(k); };
    m.choose = (i, opener) => choose(m, i, opener);
    m.chooseArea = (k, opener) => chooseArea(m, k, opener);
    m.closeCard = () => choose(m, -1);
    m.setLanguage = language => setLanguage(m, language);
    m.goTo = bounds => pointing.goTo(m, bounds);
    m.goToParcel = i => pointing.goTo(m, pointing.withRoutes(m, canvas.bounds(m, m.parcels.shape, i)));
    m.goToArea = k => pointing.goTo(m, canvas.bounds(m, m.data.areas.shape, k));
    m.goToPoint = (latlng, zoom) => {
      panel.openSheet(m, false);
      m.map.setView(latlng, Math.max(zoom, m.map.getZoom()), { animate: !quiet() });
      m.map.getContainer().focus({ preventScroll: true });
    };
    m.compare = i => compare(m, i);
    m.restore = text => restore(m, text);
  }
  function change(m, live) {
    m.moving = live;
    if (live) { m.frame(); return; }
    recount(m);
    m.keep();
    announce(m, say(m, "shown_of", { shown: number(m, m.shown), count: number(m, m.parcels.n) }));
  }
  function recount(m, draw = true) {
    if (m.unscored) scoring.score(m.s, m.weights);
    m.unscored = false;
    m.visible = window.arsFilters.visible(m);
    m.counts = scoring.countVisible(m.s, m.visible);
    m.shown = m.counts.reduce((sum, count) => sum + count, 0);
    if (draw) m.sheets.fields.redraw();
    window.arsLists.fillLegend(m);
    for (const [part, update] of Object.entries(m.updates)) {
      if (!(m.moving && part === "filters" && m.tab !== "filters")) update?.();
    }
  }
  function settle(m) {
    m.moving = false;
    m.sheets.fields.redraw();
    m.updates.filters?.();
    state.remember(m);
    announce(m, say(m, "shown_of", { shown: number(m, m.shown), count: number(m, m.parcels.n) }));
  }

  // ---- routes along the streets ----
  function routeActions(m) {
    m.hasRoutes = () => Boolean(m.data.routes);
    m.hasRoute = (i, c) => Boolean(m.data.routes) && m.data.criteria[c].walk && m.parcels.metres[c][i] < 65535;
    m.toggleRoute = c => {
      const { key } = m.data.criteria[c];
      m.shownRoutes[m.shownRoutes.has(key) ? "delete" : "add"](key);
      drawRoutes(m);
      m.updates.card?.();
    };
    m.previewRoute = c => {
      if (c === m.previewed) return;
      m.previewed = c;
      drawRoutes(m);
    };
    const walks = () => m.data.criteria.filter((_, c) => m.hasRoute(m.selected, c)).map(({ key }) => key);
    m.allRoutesShown = () => walks().every(key => m.shownRoutes.has(key));
    m.toggleAllRoutes = () => {
      const all = walks(), on = m.allRoutesShown();
      for (const key of all) m.shownRoutes[on ? "delete" : "add"](key);
      drawRoutes(m);
      m.updates.card?.();
    };
  }
  function drawRoutes(m) {
    const { criteria } = m.data, i = m.selected;
    const wanted = i < 0 ? [] : [...criteria.keys()].filter(c => m.hasRoute(i, c)
      && (m.shownRoutes.has(criteria[c].key) || c === m.previewed));
    m.routes = wanted.map(c => ({ points: window.arsData.route(m.data, i, c), ...canvas.routeStyle(c), row: c,
      strong: c === m.previewed })).filter(({ points }) => points);
    m.sheets.marks.redraw();
  }

  // ---- choosing a parcel or an area ----
  function showCard(m, shown, opener) {
    const { card } = m, had = !card.hidden;
    m.panel.querySelectorAll(".ars-list button[data-parcel]").forEach(row => {
      row.setAttribute("aria-current", String(Number(row.dataset.parcel) === m.selected));
    });
    card.hidden = !shown;
    card.setAttribute("aria-label", say(m, m.selectedArea >= 0 ? "card_area" : "card"));
    document.body.classList.toggle("ars-has-card", shown);
    if (shown === had) m.map.fire("resize"); else m.map.invalidateSize({ animate: false });
    drawRoutes(m);
    m.keep();
    if (!shown) {
      m.updates.card = m.updates.cardTools = null;
      card.replaceChildren();
      if (had) (m.opener?.isConnected ? m.opener : m.map.getContainer()).focus({ preventScroll: true });
      m.opener = null;
      return;
    }
    m.opener = opener ?? m.opener;
    if (opener) card.querySelector("h2").focus({ preventScroll: true });
  }
  function choose(m, i, opener = null) {
    m.selected = i;
    m.selectedArea = m.previewed = -1;
    if (i >= 0) window.arsCard.fill(m, m.card, i);
    showCard(m, i >= 0, opener);
  }
  function chooseArea(m, k, opener = null) {
    m.selected = m.previewed = -1;
    m.selectedArea = k;
    window.arsArea.fill(m, m.card, k);
    showCard(m, true, opener);
  }
  function compare(m, i) {
    const { compared } = m;
    if (compared.includes(i)) m.compared = compared.filter(each => each !== i);
    else if (compared.length < m.mostCompared) m.compared = [...compared, i];
    window.arsCompare.fillTray(m);
    m.updates.cardTools?.();
    m.sheets.marks.redraw();
    m.keep();
  }

  function setLanguage(m, language) {
    m.language = language;
    m.words = m.data.words[language];
    panel.fill(m);
    if (m.selected >= 0) window.arsCard.fill(m, m.card, m.selected);
    if (m.selectedArea >= 0) window.arsArea.fill(m, m.card, m.selectedArea);
    recount(m);
    m.sheets.places.redraw();
    m.keep();
  }

  // ---- what came with the address ----
  function restore(m, text) {
    const said = state.read(text, m);
    if (said.none) return false;
    m.weights = said.weights;
    m.unscored = true;
    for (const key of ["filter", "difference", "compared"]) m[key] = said[key];
    m.palette = said.palette ?? "viridis";
    m.selected = m.selectedArea = -1;
    setLanguage(m, said.language ?? m.data.language);
    if (said.selectedArea >= 0) chooseArea(m, said.selectedArea); else choose(m, said.selected);
    if (said.view) m.map.setView(said.view.centre, said.view.zoom, { animate: false });
    else if (m.selected >= 0) m.goToParcel(m.selected);
    m.redrawAll();
    return true;
  }

  // ---- the start: first the parcels, then the panel ----
  function start(m) {
    m.onFirst = () => performance.mark("ars-first");
    m.counts = scoring.countVisible(m.s, null);
    m.map.fitBounds(m.data.bounds, { animate: false, maxZoom: NEAREST });
    canvas.start(m.map, m);
    canvas.afterFrame(() => {
      panel.build(m);
      pointing.start(m);
      panel.fill(m);
      panel.showTab(m, m.tab);
      recount(m, false);
      window.arsPrint.wire(m);
      restore(m, location.hash);
      window.addEventListener("hashchange", () => restore(m, location.hash));
      m.panel.querySelector(".ars-wait").hidden = true;
      const parts = m.panel.querySelectorAll(".ars-head-tools, .ars-legend-part, .ars-bar-of-tabs, .ars-body");
      for (const part of parts) part.hidden = false;
      m.panel.dataset.ready = "true";
      setTimeout(() => scoring.warmUp(m.s));
    });
  }

  return (map, name) => open(map, name).catch(error => {
    const panel = document.getElementById(name);
    panel.querySelector(".ars-wait").hidden = true;
    panel.querySelector(".ars-failed").hidden = false;
    console.error(error);
  });
})();
