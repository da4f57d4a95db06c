/* What the suitability map draws with: the data block, shapes in typed arrays, canvases that follow
   the map, the backdrop. */
"use strict";
window.suitabilityCanvas = (() => {
  const EARTH = Math.PI * 6378137; // half the width of the Web Mercator world, metres
  const KINDS = { // drawn in this order; width in pixels at zoom 16
    water: { area: "#b5d3e7", line: "#b5d3e7", width: 3, from: 0 },
    green: { area: "#d9e6cf", line: "#d9e6cf", width: 2, from: 0 },
    path: { area: "#efece4", line: "#b9ad98", width: 1.3, from: 15, dash: [4, 3] },
    street: { area: "#ffffff", line: "#ffffff", width: 5, from: 12.5, casing: "#cdc7bb" },
    main_street: { area: "#ffffff", line: "#ffe9a8", width: 8, from: 0, casing: "#c9b98a" },
  };

  // ---- the data block ----
  async function read(block) {
    const packed = atob(block.textContent.trim()), bytes = new Uint8Array(packed.length);
    for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
    block.textContent = "";
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  // Shapes: feature i has the lines feature[i]..feature[i+1], line j the vertices line[j]..line[j+1]
  function unpack(packed, unit) {
    const { lines, vertices, x, y } = packed, n = lines.length;
    const shape = { n, X: new Float32Array(x.length), Y: new Float32Array(x.length),
      feature: new Uint32Array(n + 1), line: new Uint32Array(vertices.length + 1),
      box: new Float32Array(4 * n) };
    for (let i = 0, a = 0, b = 0; i < x.length; i++) {
      shape.X[i] = (a += x[i]) * unit;
      shape.Y[i] = (b += y[i]) * unit;
    }
    for (let i = 0; i < n; i++) shape.feature[i + 1] = shape.feature[i] + lines[i];
    vertices.forEach((count, j) => { shape.line[j + 1] = shape.line[j] + count; });
    for (let i = 0; i < n; i++) {
      let w = Infinity, s = Infinity, e = -Infinity, t = -Infinity;
      for (let k = first(shape, i); k < first(shape, i + 1); k++) {
        w = Math.min(w, shape.X[k]); e = Math.max(e, shape.X[k]);
        s = Math.min(s, shape.Y[k]); t = Math.max(t, shape.Y[k]);
      }
      shape.box.set([w, s, e, t], 4 * i);
    }
    return shape;
  }
  const first = (shape, i) => shape.line[shape.feature[i]];
  const isPoint = (shape, i) => first(shape, i + 1) - first(shape, i) === 1;
  const isEmpty = (shape, i) => first(shape, i + 1) === first(shape, i);

  function contains(shape, i, x, y) {
    let inside = false;
    for (let j = shape.feature[i]; j < shape.feature[i + 1]; j++) {
      const start = shape.line[j], end = shape.line[j + 1];
      for (let k = start, p = end - 1; k < end; p = k++) {
        if ((shape.Y[k] > y) !== (shape.Y[p] > y) && x < shape.X[k] +
            (shape.X[p] - shape.X[k]) * (y - shape.Y[k]) / (shape.Y[p] - shape.Y[k])) {
          inside = !inside;
        }
      }
    }
    return inside;
  }

  // ---- drawing ----
  function trace(context, shape, i, view, closed) {
    for (let j = shape.feature[i]; j < shape.feature[i + 1]; j++) {
      let k = shape.line[j];
      const end = shape.line[j + 1];
      context.moveTo(view.left + shape.X[k] * view.scale, view.top - shape.Y[k] * view.scale);
      for (k++; k < end; k++) {
        context.lineTo(view.left + shape.X[k] * view.scale, view.top - shape.Y[k] * view.scale);
      }
      if (closed) context.closePath();
    }
  }
  function eachInView(shape, view, visit) {
    const b = shape.box;
    for (let i = 0; i < shape.n; i++) {
      if (b[4 * i] <= view.east && b[4 * i + 2] >= view.west &&
          b[4 * i + 1] <= view.north && b[4 * i + 3] >= view.south) visit(i);
    }
  }
  function circle(context, shape, i, view, radius) {
    const k = first(shape, i);
    context.beginPath();
    context.arc(view.left + shape.X[k] * view.scale, view.top - shape.Y[k] * view.scale,
      radius, 0, 2 * Math.PI);
  }
  function drawAreas(context, shape, view, colour) {
    context.fillStyle = colour;
    eachInView(shape, view, i => {
      context.beginPath();
      trace(context, shape, i, view, true);
      context.fill("evenodd");
    });
  }
  function drawLines(context, shape, view, colour, width, dash = []) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(dash);
    let waiting = 0;
    const flush = () => { context.stroke(); context.beginPath(); waiting = 0; };
    context.beginPath();
    eachInView(shape, view, i => {
      trace(context, shape, i, view, false);
      if (++waiting === 200) flush(); // one huge path is slower than many small ones
    });
    flush();
    context.setLineDash([]);
  }
  function drawBackdrop(context, view, { backdrop }) {
    const shown = Object.entries(KINDS).filter(([, style]) => view.zoom >= style.from);
    const width = style => Math.max(.8, style.width * 2 ** Math.min(2, (view.zoom - 16) * .8));
    context.lineJoin = context.lineCap = "round";
    for (const [kind, style] of shown) {
      drawAreas(context, backdrop[`${kind}_areas`].shape, view, style.area);
    }
    for (const [kind, style] of shown.filter(([, each]) => each.casing)) {
      drawLines(context, backdrop[`${kind}_lines`].shape, view, style.casing, width(style) + 1.6);
    }
    for (const [kind, style] of shown) {
      context.lineCap = style.dash ? "butt" : "round";
      drawLines(context, backdrop[`${kind}_lines`].shape, view, style.line, width(style), style.dash);
    }
  }
  function hatching(context, colour) {
    const tile = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
    const pen = tile.getContext("2d");
    pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    for (const shift of [-8, 0, 8]) { pen.moveTo(shift, 8); pen.lineTo(shift + 8, 0); }
    pen.stroke();
    return context.createPattern(tile, "repeat");
  }
  function drawStreetNames(context, view, backdrop) {
    const placed = [];
    context.font = "12px system-ui, 'Segoe UI', Arial, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = "#ffffffd9";
    context.fillStyle = "#3d4249";
    for (const layer of [backdrop.main_street_lines, backdrop.street_lines]) {
      eachInView(layer.shape, view, i => {
        const name = layer.name.texts[layer.name.codes[i]].slice(0, 40);
        const spot = name && straightest(layer.shape, i, view);
        if (!spot || spot.length < context.measureText(name).width * .8) return;
        const near = other => Math.hypot(other.x - spot.x, other.y - spot.y) <
          (other.name === name ? 320 : 60);
        if (placed.some(near)) return;
        placed.push({ ...spot, name });
        context.save();
        context.translate(spot.x, spot.y);
        context.rotate(spot.angle);
        context.strokeText(name, 0, 0);
        context.fillText(name, 0, 0);
        context.restore();
      });
    }
  }
  function straightest(shape, i, view) { // where a name fits: along the longest piece of a street
    let best = null;
    for (let k = first(shape, i) + 1; k < first(shape, i + 1); k++) {
      const dx = (shape.X[k] - shape.X[k - 1]) * view.scale;
      const dy = (shape.Y[k - 1] - shape.Y[k]) * view.scale;
      const length = Math.hypot(dx, dy);
      if (best && length <= best.length) continue;
      const x = view.left + (shape.X[k] + shape.X[k - 1]) / 2 * view.scale;
      const y = view.top - (shape.Y[k] + shape.Y[k - 1]) / 2 * view.scale;
      best = { x, y, length, angle: Math.atan(dy / (dx || 1e-9)) };
    }
    return best;
  }

  // A canvas that follows the map; `draw(context, view, m)` paints one picture of it.
  function sheet(m, zIndex, draw) {
    const { map, data } = m, pane = map.createPane(`ars-${zIndex}`);
    pane.style.zIndex = zIndex;
    pane.style.pointerEvents = "none";
    const Sheet = L.Renderer.extend({
      options: { pane: `ars-${zIndex}`, padding: .2 },
      _initContainer() {
        this._container = document.createElement("canvas");
        this._container.setAttribute("aria-hidden", "true");
        this._context = this._container.getContext("2d");
      },
      _destroyContainer() { this._container.remove(); },
      _updatePaths() {},
      _update() {
        if (this._map._animatingZoom && this._bounds) return;
        L.Renderer.prototype._update.call(this);
        const size = this._bounds.getSize(), ratio = window.devicePixelRatio || 1;
        L.DomUtil.setPosition(this._container, this._bounds.min);
        Object.assign(this._container, { width: size.x * ratio, height: size.y * ratio });
        Object.assign(this._container.style, { width: `${size.x}px`, height: `${size.y}px` });
        this.redraw();
      },
      redraw() {
        if (!this._map || !this._bounds) return;
        const zoom = this._map.getZoom(), corner = this._map.getPixelOrigin().add(this._bounds.min);
        const scale = 256 * 2 ** zoom / (2 * EARTH), size = this._bounds.getSize();
        const left = (data.origin[0] * data.unit + EARTH) * scale - corner.x;
        const top = (EARTH - data.origin[1] * data.unit) * scale - corner.y;
        const view = { zoom, scale, left, top, west: -left / scale, east: (size.x - left) / scale,
          north: top / scale, south: (top - size.y) / scale };
        const ratio = window.devicePixelRatio || 1;
        this._context.setTransform(ratio, 0, 0, ratio, 0, 0);
        this._context.clearRect(0, 0, size.x, size.y);
        draw(this._context, view, m);
      },
    });
    return new Sheet().addTo(map);
  }

  return { EARTH, read, unpack, first, isPoint, isEmpty, contains, trace, eachInView, circle,
    drawAreas, drawBackdrop, drawStreetNames, hatching, sheet };
})();
