/* Shapes in typed arrays and how they get onto a canvas: views, outlines, lines, patterns, signs, texts that keep
   out of each other's way. Feature i of a shape has the lines feature[i]…feature[i+1], line j the vertices
   line[j]…line[j+1]; metres in Web Mercator from the data's origin. */
"use strict";
window.arsShapes = (() => {
  const EARTH = Math.PI * 6378137; // half the width of the Web Mercator world, metres
  const SAME_PX = .6; // vertices nearer to each other than this are drawn as one
  const LINES_AT_ONCE = 200; // one huge path is slower than many small ones
  const FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif";

  // ---- views: what of the world a canvas of so many pixels shows ----
  // `corner`: of the canvas, in pixels of the whole world at that zoom
  function viewOf(data, zoom, corner, width, height) {
    const scale = 256 * 2 ** zoom / (2 * EARTH); // pixels per metre
    const left = (data.origin[0] * data.unit + EARTH) * scale - corner.x;
    const top = (EARTH - data.origin[1] * data.unit) * scale - corner.y;
    return { zoom, scale, left, top, width, height, west: -left / scale, east: (width - left) / scale,
      north: top / scale, south: (top - height) / scale };
  }
  const across = (view, x) => view.left + x * view.scale;
  const down = (view, y) => view.top - y * view.scale;

  // ---- shapes ----
  const first = (shape, i) => shape.line[shape.feature[i]];
  const isPoint = (shape, i) => first(shape, i + 1) - first(shape, i) === 1;
  const isEmpty = (shape, i) => first(shape, i + 1) === first(shape, i);
  function eachInView({ box, n }, view, visit) {
    const { west, south, east, north } = view;
    for (let i = 0, b = 0; i < n; i++, b += 4) {
      if (box[b] <= east && box[b + 2] >= west && box[b + 1] <= north && box[b + 3] >= south) visit(i);
    }
  }
  function contains(shape, i, x, y) {
    const { X, Y, line } = shape;
    let inside = false;
    for (let j = shape.feature[i]; j < shape.feature[i + 1]; j++) {
      for (let k = line[j], p = line[j + 1] - 1; k < line[j + 1]; p = k++) {
        if ((Y[k] > y) !== (Y[p] > y) && x < X[k] + (X[p] - X[k]) * (y - Y[k]) / (Y[p] - Y[k])) inside = !inside;
      }
    }
    return inside;
  }
  // A spot inside a feature, where it is widest of a few heights: there its number stands
  function spotIn(shape, i) {
    const [west, south, east, north] = shape.box.subarray(4 * i, 4 * i + 4);
    let best = { x: (west + east) / 2, y: (south + north) / 2, width: 0 };
    for (let step = 1; step < 12; step++) {
      const y = south + (north - south) * step / 12, cuts = crossings(shape, i, y);
      for (let k = 0; k + 1 < cuts.length; k += 2) {
        const width = cuts[k + 1] - cuts[k];
        if (width > best.width) best = { x: (cuts[k] + cuts[k + 1]) / 2, y, width };
      }
    }
    return best;
  }
  function crossings(shape, i, y) {
    const { X, Y, line } = shape, cuts = [];
    for (let j = shape.feature[i]; j < shape.feature[i + 1]; j++) {
      for (let k = line[j], p = line[j + 1] - 1; k < line[j + 1]; p = k++) {
        if ((Y[k] > y) !== (Y[p] > y)) cuts.push(X[k] + (X[p] - X[k]) * (y - Y[k]) / (Y[p] - Y[k]));
      }
    }
    return cuts.sort((a, b) => a - b);
  }

  // ---- outlines and lines ----
  function trace(pen, shape, i, view, closed) {
    const { X, Y, line, feature } = shape, { left, top, scale } = view;
    for (let j = feature[i]; j < feature[i + 1]; j++) {
      const last = line[j + 1] - 1;
      let x = left + X[line[j]] * scale, y = top - Y[line[j]] * scale;
      pen.moveTo(x, y);
      for (let k = line[j] + 1; k <= last; k++) {
        const nextX = left + X[k] * scale, nextY = top - Y[k] * scale;
        if (k < last && Math.abs(nextX - x) < SAME_PX && Math.abs(nextY - y) < SAME_PX) continue;
        pen.lineTo(x = nextX, y = nextY);
      }
      if (closed) pen.closePath();
    }
  }
  function outline(pen, shape, i, view) {
    pen.beginPath();
    if (isPoint(shape, i)) circle(pen, shape, i, view, 10); else trace(pen, shape, i, view, true);
  }
  function circle(pen, shape, i, view, radius) {
    const k = first(shape, i);
    pen.arc(across(view, shape.X[k]), down(view, shape.Y[k]), radius, 0, 2 * Math.PI);
  }
  function fillAreas(pen, shape, view, colour) {
    const { box } = shape, least = .7 / view.scale;
    pen.fillStyle = colour;
    eachInView(shape, view, i => {
      if (box[4 * i + 2] - box[4 * i] < least && box[4 * i + 3] - box[4 * i + 1] < least) return;
      pen.beginPath();
      trace(pen, shape, i, view, true);
      pen.fill("evenodd");
    });
  }
  function strokeLines(pen, shape, view, colour, width, dash = []) {
    let waiting = 0;
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.beginPath();
    eachInView(shape, view, i => {
      trace(pen, shape, i, view, false);
      if (++waiting < LINES_AT_ONCE) return;
      pen.stroke();
      pen.beginPath();
      waiting = 0;
    });
    pen.stroke();
    pen.setLineDash([]);
  }
  // The same path twice, a wide one below: it can be told from anything that lies under it
  function strokeTwice(pen, colour, width, halo = "#ffffff", haloWidth = width + 3.5) {
    for (const [stroke, wide] of [[halo, haloWidth], [colour, width]]) {
      pen.strokeStyle = stroke;
      pen.lineWidth = wide;
      pen.stroke();
    }
  }
  // One line around all parts of a feature, `reach` metres outside of them: it bridges the streets between the parts.
  // Drawn as a wide outline whose inside is taken away again, on a canvas as large as the feature.
  let scratch = null;
  function contour(pen, shape, i, view, reach, colour, width, halo = "#ffffff") {
    const [west, south, east, north] = shape.box.subarray(4 * i, 4 * i + 4), { a: ratio } = pen.getTransform();
    const edge = Math.max(1, reach * view.scale), margin = edge + width + 4;
    const left = Math.max(-margin, across(view, west) - margin), top = Math.max(-margin, down(view, north) - margin);
    const right = Math.min(view.width + margin, across(view, east) + margin);
    const bottom = Math.min(view.height + margin, down(view, south) + margin);
    if (right <= left || bottom <= top) return;
    scratch ??= document.createElement("canvas");
    Object.assign(scratch, { width: Math.ceil((right - left) * ratio), height: Math.ceil((bottom - top) * ratio) });
    const own = scratch.getContext("2d");
    own.setTransform(ratio, 0, 0, ratio, -left * ratio, -top * ratio);
    own.lineJoin = "round";
    own.beginPath();
    trace(own, shape, i, view, true);
    const spread = (paint, by) => {
      own.strokeStyle = own.fillStyle = paint;
      own.lineWidth = 2 * by;
      own.stroke();
      own.fill();
    };
    spread(halo, edge + width + 1.5);
    spread(colour, edge + width);
    own.globalCompositeOperation = "destination-out";
    spread("#000", edge);
    pen.drawImage(scratch, left, top, scratch.width / ratio, scratch.height / ratio);
  }
  // A line beside a line, as far to its right as `offset` says; points [x, y, x, y …] in pixels
  function beside(points, offset) {
    const moved = new Float32Array(points.length), last = points.length - 2;
    for (let k = 0; k <= last; k += 2) {
      const [a, b] = [Math.max(0, k - 2), Math.min(last, k + 2)];
      const dx = points[b] - points[a], dy = points[b + 1] - points[a + 1], length = Math.hypot(dx, dy) || 1;
      moved[k] = points[k] - dy / length * offset;
      moved[k + 1] = points[k + 1] + dx / length * offset;
    }
    return moved;
  }

  // ---- patterns, drawn twice as large as they are shown ----
  const TILE = 20;
  const TILES = {
    hatch: pen => { for (const x of [-TILE, 0, TILE]) { pen.moveTo(x, TILE); pen.lineTo(x + TILE, 0); } },
    backHatch: pen => { for (const x of [-TILE, 0, TILE]) { pen.moveTo(x, 0); pen.lineTo(x + TILE, TILE); } },
    bars: pen => { pen.moveTo(TILE / 2, 0); pen.lineTo(TILE / 2, TILE); },
    dots: pen => { for (const at of [5, 15]) { pen.moveTo(at + 1.2, at); pen.arc(at, at, 1.2, 0, 7); } },
  };
  const made = new Map();
  function pattern(pen, kind, colour, width) { // width in the page's pixels
    const key = `${kind} ${colour} ${width}`;
    if (!made.has(key)) {
      const tile = Object.assign(document.createElement("canvas"), { width: TILE, height: TILE });
      const own = tile.getContext("2d");
      own.strokeStyle = colour;
      own.lineWidth = 2 * width;
      TILES[kind](own);
      own.stroke();
      made.set(key, tile);
    }
    const repeated = pen.createPattern(made.get(key), "repeat");
    repeated.setTransform(new DOMMatrix([.5, 0, 0, .5, 0, 0]));
    return repeated;
  }

  // ---- signs: a form for each group beside its colour ----
  const FORMS = ["circle", "square", "diamond", "triangle", "hexagon", "cap"];
  function sign(pen, form, x, y, radius) {
    pen.beginPath();
    if (form === "circle") { pen.arc(x, y, radius, 0, 2 * Math.PI); return; }
    if (form === "square") { const half = radius * .88; pen.rect(x - half, y - half, 2 * half, 2 * half); return; }
    const [corners, turn, size] = { diamond: [4, 0, 1.22], triangle: [3, .5, 1.3], hexagon: [6, 0, 1.1],
      cap: [3, -.5, 1.3] }[form];
    for (let k = 0; k < corners; k++) {
      const angle = 2 * Math.PI * k / corners - Math.PI * turn;
      pen.lineTo(x + size * radius * Math.cos(angle), y + size * radius * Math.sin(angle));
    }
    pen.closePath();
  }

  // ---- texts ----
  // Keeps the room that was given away; `take(boxes)` gives it only where all of it is free
  function room(view) {
    const taken = [], free = ([w, n, e, s]) => w > -60 && n > -20 && e < view.width + 60 && s < view.height + 20 &&
      taken.every(([west, north, east, south]) => e < west || w > east || s < north || n > south);
    return { take(boxes) {
      if (!boxes.every(free)) return false;
      taken.push(...boxes);
      return true;
    } };
  }
  function write(pen, text, x, y, colour = "#2f343a", halo = "#ffffffe6") {
    pen.lineJoin = "round";
    pen.lineWidth = 3.2;
    pen.strokeStyle = halo;
    pen.fillStyle = colour;
    pen.strokeText(text, x, y);
    pen.fillText(text, x, y);
  }
  function font(pen, size, weight = "400", style = "normal") {
    pen.font = `${style} ${weight} ${size}px ${FONT}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
  }
  function short(text, most) { // never in the middle of a character
    return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "").trimEnd()}…`;
  }
  function roundedBox(pen, x, y, width, height, radius) {
    pen.beginPath();
    pen.roundRect(x - width / 2, y - height / 2, width, height, radius);
  }

  return { EARTH, FORMS, viewOf, across, down, first, isPoint, isEmpty, eachInView, contains, spotIn, trace, outline,
    circle, fillAreas, strokeLines, strokeTwice, contour, beside, pattern, sign, room, write, font, short, roundedBox };
})();
