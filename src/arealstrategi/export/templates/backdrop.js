/* The map's backdrop, drawn from the OpenStreetMap data in the file: water, green, streets and buildings below and
   above the parcels, and the names of places, streets and houses. */
"use strict";
window.arsBackdrop = (() => {
  const { across, down, first, eachInView, fillAreas, strokeLines, write, font, short } = window.arsShapes;
  const KINDS = { // drawn in this order; width in pixels at zoom 16
    water: { area: "#b5d3e7", line: "#a3c8e0", width: 3, from: 0 },
    green: { area: "#d9e6cf", line: "#d9e6cf", width: 2, from: 0 },
    path: { area: "#efece4", line: "#b9ad98", width: 1.3, from: 15, dash: [4, 3] },
    street: { area: "#ffffff", line: "#ffffff", width: 5, from: 12.5, casing: "#cdc7bb" },
    main_street: { area: "#ffffff", line: "#ffe9a8", width: 8, from: 0, casing: "#c9b98a" },
  };
  const BUILDINGS_FROM = 15.5, STREET_NAMES_FROM = 16, HOUSE_NUMBERS_FROM = 17.75;
  const PLACES = [ // by importance: city, town, village, suburb, quarter or hamlet, neighbourhood
    { from: 0, to: 16.5, size: 18, weight: "600" }, { from: 8, to: 16.5, size: 16, weight: "600" },
    { from: 11, to: 17, size: 14, weight: "600" }, { from: 12, to: 18, size: 13, weight: "600" },
    { from: 13, to: 18, size: 12, weight: "600" }, { from: 14, to: 19, size: 12, weight: "400" },
  ];
  const LONGEST_NAME = 40, BEND = .2, FAR_APART = 320; // characters; radians; pixels between equal names

  const layer = ({ backdrop }, name) => backdrop[name] ?? null;
  function drawGround(pen, view, data) {
    const shown = Object.entries(KINDS).filter(([, { from }]) => view.zoom >= from);
    const width = kind => Math.max(.8, kind.width * 2 ** Math.min(2, (view.zoom - 16) * .8));
    const lines = (name, kind, colour, wide, dash) => {
      const found = layer(data, `${name}_lines`);
      if (!found) return;
      pen.lineCap = dash ? "butt" : "round";
      strokeLines(pen, found.shape, view, colour, wide, dash);
    };
    pen.lineJoin = "round";
    for (const [name, kind] of shown) {
      const found = layer(data, `${name}_areas`);
      if (found) fillAreas(pen, found.shape, view, kind.area);
    }
    for (const [name, kind] of shown) if (kind.casing) lines(name, kind, kind.casing, width(kind) + 1.6);
    for (const [name, kind] of shown) lines(name, kind, kind.line, width(kind), kind.dash);
  }
  function drawBuildings(pen, view, data) {
    const found = layer(data, "building_areas");
    if (found && view.zoom >= BUILDINGS_FROM) fillAreas(pen, found.shape, view, "#2b2b2b45");
  }

  // ---- names; `free` is the room that is left for texts ----
  function drawPlaces(pen, view, { backdrop: { places } }, free) {
    if (!places) return;
    const { shape, name, kind } = places, shown = [];
    eachInView(shape, view, i => {
      const style = PLACES[Math.min(kind[i], PLACES.length - 1)];
      if (name[i] && view.zoom >= style.from && view.zoom <= style.to) shown.push(i);
    });
    shown.sort((a, b) => kind[a] - kind[b] || a - b);
    for (const i of shown) {
      const { size, weight } = PLACES[Math.min(kind[i], PLACES.length - 1)], text = short(name[i], LONGEST_NAME);
      const x = across(view, shape.X[first(shape, i)]), y = down(view, shape.Y[first(shape, i)]);
      font(pen, size, weight, kind[i] > 4 ? "italic" : "normal");
      const half = pen.measureText(text).width / 2 + 4;
      if (free.take([[x - half, y - size * .7, x + half, y + size * .7]])) write(pen, text, x, y);
    }
  }
  function drawStreetNames(pen, view, data, free) {
    const placed = new Map();
    if (view.zoom < STREET_NAMES_FROM) return;
    font(pen, 12);
    for (const kind of ["main_street_lines", "street_lines"]) {
      const found = layer(data, kind);
      if (!found?.name) continue;
      eachInView(found.shape, view, i => {
        const text = found.name.texts[found.name.codes[i]].slice(0, LONGEST_NAME);
        const spot = text && straightest(found.shape, i, view);
        if (!spot || spot.length < pen.measureText(text).width * .9) return;
        const others = placed.get(text) ?? [];
        if (others.some(other => Math.hypot(other.x - spot.x, other.y - spot.y) < FAR_APART)) return;
        if (!free.take(along(spot, pen.measureText(text).width))) return;
        placed.set(text, [...others, spot]);
        pen.save();
        pen.translate(spot.x, spot.y);
        pen.rotate(spot.angle);
        write(pen, text, 0, 0, "#3d4249");
        pen.restore();
      });
    }
  }
  // The longest piece of a street that bends little, within the view: there a name fits
  function straightest(shape, i, view) {
    const end = first(shape, i + 1);
    let best = null, start = first(shape, i), heading = null;
    const angleOf = (a, b) => Math.atan2(shape.Y[a] - shape.Y[b], shape.X[b] - shape.X[a]);
    for (let k = start + 1; k < end; k++) {
      const angle = angleOf(k - 1, k), turn = heading === null ? 0 : Math.abs(Math.sin((angle - heading) / 2)) * 2;
      if (heading === null || turn > BEND) { start = k - 1; heading = angle; }
      const dx = (shape.X[k] - shape.X[start]) * view.scale, dy = (shape.Y[start] - shape.Y[k]) * view.scale;
      const length = Math.hypot(dx, dy);
      if (best && length <= best.length) continue;
      const x = across(view, (shape.X[k] + shape.X[start]) / 2), y = down(view, (shape.Y[k] + shape.Y[start]) / 2);
      best = { x, y, length, angle: Math.atan(dy / (dx || 1e-9)) };
    }
    return best;
  }
  function along({ x, y, angle }, width) { // a turned text as a row of small boxes
    const count = Math.max(1, Math.ceil(width / 16)), boxes = [];
    for (let k = 0; k < count; k++) {
      const off = ((k + .5) / count - .5) * width, cx = x + off * Math.cos(angle), cy = y + off * Math.sin(angle);
      boxes.push([cx - 9, cy - 8, cx + 9, cy + 8]);
    }
    return boxes;
  }
  function drawHouseNumbers(pen, view, { backdrop: { addresses } }, free) {
    if (!addresses || view.zoom < HOUSE_NUMBERS_FROM) return;
    const { shape, text } = addresses;
    font(pen, 11);
    eachInView(shape, view, i => {
      const number = /\d+\s?\p{L}?$/u.exec(text[i].slice(-8))?.[0];
      if (!number) return;
      const x = across(view, shape.X[first(shape, i)]), y = down(view, shape.Y[first(shape, i)]);
      if (free.take([[x - 11, y - 8, x + 11, y + 8]])) write(pen, number, x, y, "#565d66");
    });
  }

  return { drawGround, drawBuildings, drawPlaces, drawStreetNames, drawHouseNumbers, BUILDINGS_FROM };
})();
