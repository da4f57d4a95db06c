/* Draws the map on canvases that follow it, finds what is under the pointer, and makes the printed picture. */
"use strict";
window.arsCanvas = (() => {
  const { EARTH, viewOf, isPoint, eachInView, contains, strokeTwice, room, write, font } = window.arsShapes;
  const { drawGround, drawBuildings, drawPlaces, drawStreetNames, drawHouseNumbers } = window.arsBackdrop;
  const { differenceLegend, shadeColour, colour, drawFields, zoneStyle, drawZones } = window.arsFields;
  const { drawAreas, drawBadges, drawSites, drawServices, drawServiceNames, serviceRadius, symbol, routeStyle,
    drawMarks } = window.arsSigns;
  const FIELDS_OPACITY = .8, FIELDS_ON_TILES = .62, INK = "#14171a", GROUND = "#f4f2ed";

  // ---- what lies above the parcels ----
  function drawAbove(pen, view, m) {
    const free = room(view), { data } = m;
    drawZones(pen, view, m);
    if (!m.tiles) drawBuildings(pen, view, data);
    drawAreas(pen, view, m);
    drawServices(pen, view, m);
    drawBadges(pen, view, m, free);
    drawSites(pen, view, m, free);
    if (!m.tiles) {
      drawPlaces(pen, view, data, free);
      drawStreetNames(pen, view, data, free);
    }
    drawServiceNames(pen, view, m, free);
    if (!m.tiles) drawHouseNumbers(pen, view, data, free);
  }

  // ---- canvases that follow the map ----
  const DRAWINGS = { // from the ground up
    ground: { zIndex: 210, draw: (pen, view, { data, tiles }) => { if (!tiles) drawGround(pen, view, data); } },
    fields: { zIndex: 310, draw: drawFields, opacity: ({ tiles }) => tiles ? FIELDS_ON_TILES : FIELDS_OPACITY },
    places: { zIndex: 460, draw: drawAbove },
    marks: { zIndex: 470, draw: drawMarks },
  };
  const pixelRatio = () => Math.min(2, window.devicePixelRatio || 1);
  function sheet(m, name, drawing) {
    const pane = m.map.createPane(`ars-${name}`);
    Object.assign(pane.style, { zIndex: drawing.zIndex, pointerEvents: "none" });
    const Sheet = L.Renderer.extend({
      options: { pane: `ars-${name}`, padding: .2 },
      _initContainer() {
        this._container = document.createElement("canvas");
        this._container.setAttribute("aria-hidden", "true");
        this._pen = this._container.getContext("2d");
      },
      _destroyContainer() { this._container.remove(); },
      _updatePaths() {},
      _update() { // Leaflet asks twice after a jump: the second time nothing has moved
        if (this._map._animatingZoom && this._bounds) return;
        L.Renderer.prototype._update.call(this);
        L.DomUtil.setPosition(this._container, this._bounds.min);
        const { x, y } = this._bounds.getSize(), corner = this._map.getPixelOrigin().add(this._bounds.min);
        const shows = [this._map.getZoom(), corner.x, corner.y, x, y, pixelRatio()].join();
        if (shows === this._shows) return;
        this._shows = shows;
        this._corner = corner;
        fit(this._container, x, y);
        if (name === "fields") m.painted = null; // the canvas was emptied
        this.redraw();
      },
      redraw() {
        if (!this._map || !this._bounds || (m.onlyFields && name !== "fields")) return;
        paint(this, pane, drawing, m);
      },
    });
    return new Sheet().addTo(m.map);
  }
  function fit(container, x, y) {
    const ratio = pixelRatio();
    Object.assign(container, { width: Math.round(x * ratio), height: Math.round(y * ratio) });
    Object.assign(container.style, { width: `${x}px`, height: `${y}px` });
  }
  function paint({ _map: map, _bounds: bounds, _pen: pen, _corner: corner }, pane, { draw, opacity }, m) {
    const { x, y } = bounds.getSize(), ratio = pixelRatio();
    if (opacity) pane.style.opacity = opacity(m);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (draw !== drawFields) pen.clearRect(0, 0, x, y); // those are not always painted from the ground up
    draw(pen, viewOf(m.data, map.getZoom(), corner, x, y), m);
  }
  const afterFrame = run => requestAnimationFrame(() => setTimeout(run)); // once the browser has shown what stands
  function start(map, m) { // the parcels at once, what lies below and above them in the next frame
    m.map = map;
    m.onlyFields = true;
    m.sheets = Object.fromEntries(Object.entries(DRAWINGS).map(([name, drawing]) => [name, sheet(m, name, drawing)]));
    m.onFirst?.();
    afterFrame(() => {
      m.onlyFields = false;
      redraw(m);
    });
    return m.sheets;
  }
  function redraw(m, ...names) {
    for (const name of names.length ? names : Object.keys(DRAWINGS)) m.sheets[name].redraw();
  }

  // ---- what is under the pointer ----
  function here(m, { lat, lng }, pixels) {
    const { x, y } = L.CRS.EPSG3857.project(L.latLng(lat, lng)), [left, bottom] = m.data.origin, { unit } = m.data;
    const metres = pixels * 2 * EARTH / (256 * 2 ** m.map.getZoom()), at = [x - left * unit, y - bottom * unit];
    return { x: at[0], y: at[1], metres, west: at[0] - metres, east: at[0] + metres, south: at[1] - metres,
      north: at[1] + metres };
  }
  function smallestAt(shape, around, wanted) { // of shapes on top of each other the smallest; a point before all
    let best = -1, smallest = Infinity;
    eachInView(shape, around, i => {
      if (!wanted(i)) return;
      const [west, south, east, north] = shape.box.subarray(4 * i, 4 * i + 4), point = isPoint(shape, i);
      const away = Math.hypot(west - around.x, south - around.y);
      const size = point ? away - 1e9 : (east - west) * (north - south);
      const hit = point ? away < around.metres : contains(shape, i, around.x, around.y);
      if (hit && size < smallest) { best = i; smallest = size; }
    });
    return best;
  }
  function parcelAt(m, latlng) {
    if (!m.showParcels) return -1;
    return smallestAt(m.data.parcels.shape, here(m, latlng, 10), i => !m.visible || m.visible[i] === 1);
  }
  function areaAt(m, latlng) {
    return m.data.areas && m.showAreas ? smallestAt(m.data.areas.shape, here(m, latlng, 1), () => true) : -1;
  }
  function siteAt(m, latlng) {
    return m.data.sites && m.showSites !== false ? smallestAt(m.data.sites.shape, here(m, latlng, 10), () => true) : -1;
  }
  function serviceAt(m, latlng) {
    const { shape, category } = m.data.services, around = here(m, latlng, serviceRadius(m.map.getZoom()) + 3);
    return smallestAt(shape, around, i => m.categories.has(category.texts[category.codes[i]]));
  }
  function latlng({ data: { origin, unit } }, x, y) {
    return L.CRS.EPSG3857.unproject(L.point(x + origin[0] * unit, y + origin[1] * unit));
  }
  function bounds(m, { box }, i) {
    return L.latLngBounds(latlng(m, box[4 * i], box[4 * i + 1]), latlng(m, box[4 * i + 2], box[4 * i + 3]));
  }

  // ---- the printed picture ----
  function picture(m, width, height, ratio = 2) {
    const blank = () => Object.assign(document.createElement("canvas"),
      { width: width * ratio, height: height * ratio });
    const made = blank(), pen = made.getContext("2d"), size = m.map.getSize(), centre = m.map.getCenter();
    const zoom = m.map.getZoom() + Math.log2(Math.min(width / size.x, height / size.y));
    const corner = m.map.project(centre, zoom).subtract([width / 2, height / 2]);
    const view = viewOf(m.data, zoom, corner, width, height);
    const printed = { ...m, moving: false, painted: null, tiles: null };
    pen.scale(ratio, ratio);
    pen.fillStyle = GROUND;
    pen.fillRect(0, 0, width, height);
    drawGround(pen, view, m.data);
    const fields = blank(), own = fields.getContext("2d");
    own.scale(ratio, ratio);
    drawFields(own, view, printed);
    pen.globalAlpha = FIELDS_OPACITY;
    pen.drawImage(fields, 0, 0, width, height);
    pen.globalAlpha = 1;
    drawAbove(pen, view, printed);
    drawMarks(pen, view, { ...printed, hovered: -1, hoveredArea: -1 });
    drawMargin(pen, view, Math.cos(centre.lat * Math.PI / 180) / view.scale);
    return made;
  }
  function drawMargin(pen, { width, height }, metresPerPixel) { // scale bar, north, whose data
    const most = 140 * metresPerPixel, power = 10 ** Math.floor(Math.log10(most));
    const length = [5, 2, 1].map(times => times * power).find(metres => metres <= most), long = length / metresPerPixel;
    const label = length >= 1000 ? `${length / 1000} km` : `${length} m`;
    pen.lineJoin = "miter";
    pen.beginPath();
    for (const [x, y] of [[0, -6], [0, 0], [long, 0], [long, -6]]) pen.lineTo(16 + x, height - 16 + y);
    strokeTwice(pen, INK, 2, "#ffffffd0", 6);
    font(pen, 12, "600");
    write(pen, label, 16 + long / 2, height - 28, INK);
    write(pen, "N", width - 24, 20, INK);
    pen.beginPath();
    for (const [x, y] of [[0, 28], [7, 48], [0, 43], [-7, 48]]) pen.lineTo(width - 24 + x, y);
    pen.closePath();
    pen.fillStyle = INK;
    strokeTwice(pen, INK, 1, "#ffffffd0", 4);
    pen.fill();
    font(pen, 11);
    pen.textAlign = "right";
    write(pen, "© OpenStreetMap", width - 10, height - 12, INK);
  }

  return { start, afterFrame, redraw, differenceLegend, shadeColour, colour, zoneStyle, routeStyle, symbol, parcelAt,
    areaAt, siteAt, serviceAt, latlng, bounds, picture };
})();
