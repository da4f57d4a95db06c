/* What lies above the parcels as signs: recommended areas, given sites, services, and what the reader has chosen with
   the walks from there. */
"use strict";
window.arsSigns = (() => {
  const { FORMS, across, down, first, isPoint, isEmpty, eachInView, spotIn, outline, contour, strokeTwice, beside,
    sign, write, font, short, roundedBox } = window.arsShapes;
  const { shadeColour } = window.arsFields;
  const SERVICE_NAMES_FROM = 17, SITE_NAMES_FROM = 13;
  const AROUND_M = 20; // Web Mercator metres, half of that on the ground at 60° north: a street is bridged
  const MOST_APART = 16; // pixels between the outermost of routes that share a street
  const INK = "#14171a", CHOSEN = "#d6006c";

  // ---- recommended areas and given sites ----
  const spots = new WeakMap();
  function spotOf(shape, i) {
    if (!spots.has(shape)) spots.set(shape, Array.from({ length: shape.n }, (_, k) => spotIn(shape, k)));
    return spots.get(shape)[i];
  }
  function drawAreas(pen, view, m) {
    const { areas } = m.data;
    if (!areas || !m.showAreas) return;
    const width = view.zoom >= 14 ? 2.4 : 1.5;
    eachInView(areas.shape, view, i => contour(pen, areas.shape, i, view, AROUND_M, INK, width));
  }
  function drawBadges(pen, view, m, free) {
    const { areas } = m.data;
    if (areas && m.showAreas) eachInView(areas.shape, view, i => drawBadge(pen, view, areas, i, INK, free));
  }
  function drawBadge(pen, view, { shape, rank }, i, fill, free = null) {
    const spot = spotOf(shape, i), x = across(view, spot.x), y = down(view, spot.y);
    const radius = view.zoom >= 14 ? 12 : 9;
    if (free && !free.take([[x - radius, y - radius, x + radius, y + radius]])) return;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    strokeTwice(pen, "#ffffff", 3, "#00000030", 5);
    pen.fillStyle = fill;
    pen.fill();
    font(pen, radius, "700");
    pen.fillStyle = "#ffffff";
    pen.fillText(String(rank[i]), x, y + .5);
  }
  function drawSites(pen, view, m, free) {
    const { sites } = m.data;
    if (!sites || m.showSites === false) return;
    const fills = m.s.shades.map(shade => shadeColour(m, shade));
    pen.lineJoin = "round";
    eachInView(sites.shape, view, i => {
      if (isEmpty(sites.shape, i)) return;
      const { x, y } = spotOf(sites.shape, i), at = [across(view, x), down(view, y)];
      pen.setLineDash([5, 3]);
      if (!isPoint(sites.shape, i)) { outline(pen, sites.shape, i, view); strokeTwice(pen, INK, 2); }
      pen.setLineDash([]);
      sign(pen, "diamond", ...at, 8);
      pen.fillStyle = fills[sites.cls[i]] ?? m.data.statusColours.missing_data;
      strokeTwice(pen, INK, 2, "#ffffff", 6);
      pen.fill();
      if (view.zoom >= SITE_NAMES_FROM) nameBeside(pen, sites.label[i], ...at, 16, free, "700");
    });
  }
  function nameBeside(pen, text, x, y, gap, free, weight = "400") {
    if (!text) return;
    font(pen, 12, weight);
    const shown = short(text, 28), width = pen.measureText(shown).width;
    if (!free.take([[x + gap - 3, y - 8, x + gap + 3 + width, y + 8]])) return;
    pen.textAlign = "left";
    write(pen, shown, x + gap, y + .5);
  }

  // ---- services ----
  const serviceRadius = zoom => zoom >= 17 ? 7 : zoom >= 15 ? 5 : zoom >= 14 ? 3.4 : 2.2;
  function signOf(m, category) { // the colour and the form of its group
    m.signs ??= new Map();
    if (!m.signs.has(category)) {
      const { criteria, groups, groupColours } = m.data;
      const group = criteria.find(({ key }) => key === category)?.group;
      const place = Math.max(0, groups.findIndex(({ key }) => key === group)), form = FORMS[place % FORMS.length];
      m.signs.set(category, { colour: groupColours[group] ?? groupColours.other, form });
    }
    return m.signs.get(category);
  }
  function drawService(pen, { colour: fill, form }, x, y, radius, hollow) {
    sign(pen, form, x, y, radius);
    pen.lineWidth = radius > 3 ? 1.6 : .8;
    pen.fillStyle = hollow ? "#ffffff" : fill; // hollow: cannot be reached
    pen.strokeStyle = hollow ? fill : "#ffffff";
    pen.fill();
    pen.stroke();
  }
  function servicesInView(view, m) {
    const { shape, category } = m.data.services, shown = [];
    const wanted = category.texts.map(text => m.categories.has(text));
    eachInView(shape, view, i => { if (wanted[category.codes[i]] && !isEmpty(shape, i)) shown.push(i); });
    return shown.map(i => [i, across(view, shape.X[first(shape, i)]), down(view, shape.Y[first(shape, i)])]);
  }
  function drawServices(pen, view, m) {
    const { category, reason } = m.data.services, radius = serviceRadius(view.zoom);
    const signs = category.texts.map(text => signOf(m, text));
    for (const [i, x, y] of servicesInView(view, m)) {
      drawService(pen, signs[category.codes[i]], x, y, radius, reason.texts[reason.codes[i]] !== "");
    }
  }
  function drawServiceNames(pen, view, m, free) {
    if (view.zoom < SERVICE_NAMES_FROM) return;
    const shown = servicesInView(view, m);
    for (const [, x, y] of shown) free.take([[x - 7, y - 7, x + 7, y + 7]]); // no number on a sign
    for (const [i, x, y] of shown) nameBeside(pen, m.data.services.name[i], x, y, 12, free);
  }
  function symbol(m, category, size = 14) {
    const made = Object.assign(document.createElement("canvas"), { width: 2 * size, height: 2 * size });
    const pen = made.getContext("2d");
    made.setAttribute("aria-hidden", "true");
    Object.assign(made.style, { width: `${size}px`, height: `${size}px` });
    pen.scale(2, 2);
    drawService(pen, signOf(m, category), size / 2, size / 2, size * .38, false);
    return made;
  }

  // ---- what is chosen, and the ways from there ----
  const ROUTE_COLOURS = ["#0072b2", "#d55e00", "#007f5f", "#a6307f", "#5b3a00", "#3b3fb6", "#b8860b", "#111111"];
  const ROUTE_DASHES = [[], [9, 5], [2, 5], [12, 4, 2, 4]];
  const routeStyle = c => ({ colour: ROUTE_COLOURS[c % ROUTE_COLOURS.length],
    dash: ROUTE_DASHES[Math.floor(c / ROUTE_COLOURS.length + c) % ROUTE_DASHES.length] });
  function drawMarks(pen, view, m) {
    const { parcels, areas } = m.data, chosen = (shape, i, stroke, width) => {
      if (!(i >= 0) || isEmpty(shape, i)) return;
      outline(pen, shape, i, view);
      strokeTwice(pen, stroke, width);
    };
    pen.lineJoin = pen.lineCap = "round";
    if (areas) for (const i of [m.hoveredArea, m.selectedArea]) {
      if (!(i >= 0)) continue;
      contour(pen, areas.shape, i, view, AROUND_M, CHOSEN, 3);
      drawBadge(pen, view, areas, i, CHOSEN);
    }
    chosen(parcels.shape, m.hovered, INK, 2);
    (m.compared ?? []).forEach(i => chosen(parcels.shape, i, CHOSEN, 2.5));
    chosen(parcels.shape, m.selected, CHOSEN, 3.5);
    drawRoutes(pen, view, m.routes ?? []);
    (m.compared ?? []).forEach((i, k) => drawLetter(pen, view, parcels.shape, i, "ABCDEF"[k]));
  }
  function drawRoutes(pen, view, routes) {
    const apart = Math.min(3, MOST_APART / (routes.length - 1)); // where they share a street all of them show
    const lines = routes.map(({ points }, k) => {
      const pixels = points.map((at, j) => j % 2 ? down(view, at) : across(view, at));
      return beside(pixels, routes.length > 1 ? apart * (k - (routes.length - 1) / 2) : 0);
    });
    pen.lineCap = "butt";
    for (const halo of [true, false]) {
      lines.forEach((points, k) => {
        pen.beginPath();
        for (let j = 0; j < points.length; j += 2) pen.lineTo(points[j], points[j + 1]);
        pen.setLineDash(halo ? [] : routes[k].dash ?? []);
        pen.lineWidth = (halo ? 7 : 3.4) + (routes[k].strong ? 2 : 0);
        pen.strokeStyle = halo ? "#ffffffd9" : routes[k].colour;
        pen.stroke();
      });
    }
    pen.setLineDash([]);
    lines.forEach((points, k) => {
      pen.beginPath();
      pen.arc(points.at(-2), points.at(-1), 6, 0, 2 * Math.PI);
      pen.fillStyle = routes[k].colour;
      strokeTwice(pen, "#ffffff", 3);
      pen.fill();
    });
  }
  function drawLetter(pen, view, shape, i, letter) {
    if (isEmpty(shape, i)) return;
    const [west, south, east, north] = shape.box.subarray(4 * i, 4 * i + 4);
    const x = across(view, (west + east) / 2), y = down(view, (south + north) / 2);
    roundedBox(pen, x, y, 18, 18, 4);
    pen.fillStyle = CHOSEN;
    strokeTwice(pen, "#ffffff", 2, "#00000030", 4);
    pen.fill();
    font(pen, 12, "700");
    pen.fillStyle = "#ffffff";
    pen.fillText(letter, x, y + .5);
  }

  return { drawAreas, drawBadges, drawSites, drawServices, drawServiceNames, serviceRadius, symbol, routeStyle,
    drawMarks };
})();
