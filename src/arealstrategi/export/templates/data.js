/* The data of the page: opens the block that Python packed (export/packing/block.py), gives every
   array as a typed array, unpacks shapes and draws the walking routes from the stored trees. */
"use strict";
window.arsData = (() => {
  const TYPES = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, u4: Uint32Array,
    i4: Int32Array, f4: Float32Array };

  // ---- the block ----
  function bytesOf(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const packed = atob(text.trim()), bytes = new Uint8Array(packed.length);
    for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
    return bytes;
  }
  async function unzip(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }
  function varints(bytes, count) {
    const numbers = new Int32Array(count);
    for (let i = 0, at = 0; i < count; i++) {
      let byte = bytes[at++], number = byte & 127, shift = 7;
      for (; byte > 127; shift += 7) {
        byte = bytes[at++];
        number |= (byte & 127) << shift;
      }
      numbers[i] = (number >>> 1) ^ -(number & 1);
    }
    return numbers;
  }
  // Puts the arrays where the JSON points to them; lists of texts are left as they are
  function revive(value, buffer, start) {
    if (value === null || typeof value !== "object" || typeof value[0] === "string") return value;
    const told = value.$;
    if (told) {
      const [type, offset, size, count] = told;
      if (type === "v") return varints(new Uint8Array(buffer, start + offset, size), count);
      return new TYPES[type](buffer, start + offset, size);
    }
    for (const key of Object.keys(value)) value[key] = revive(value[key], buffer, start);
    return value;
  }
  // Reads the block of an element and frees its text
  async function read(element) {
    const bytes = bytesOf(element.textContent);
    element.textContent = "";
    return open(await unzip(bytes));
  }
  function open(buffer) {
    const length = new DataView(buffer).getUint32(0, true), start = 4 + length;
    const text = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
    const data = revive(JSON.parse(text), buffer, start);
    const { parcels, backdrop } = data;
    parcels.label ??= parcels.id;
    unfold(parcels, data);
    if (parcels.address) { // told as rows of the addresses, -1 for none
      parcels.address = { texts: ["", ...backdrop.addresses.text],
        codes: running(parcels.address).map(row => row + 1) };
    }
    for (const layer of layersOf(data)) unpackLater(layer, "shape", data.unit);
    for (const rule of data.constraints) unpackLater(rule, "zones", data.unit);
    return data;
  }
  function unpackLater(layer, name, unit) {
    const packed = layer[name];
    lazily(layer, name, () => shapeOf(packed, unit));
  }
  // The parcels are to stand on the screen soon: what they do not need is made when it is first asked for
  function lazily(object, name, make) {
    const known = { configurable: true, enumerable: true };
    Object.defineProperty(object, name, { ...known, get() {
      const value = make();
      Object.defineProperty(object, name, { ...known, value, writable: true });
      return value;
    } });
  }
  const layersOf = ({ parcels, services, areas, sites, backdrop }) =>
    [parcels, services, areas, sites, ...Object.values(backdrop)].filter(layer => layer);

  // ---- columns that Python told as differences (export/packing/walks.py, parcels.py) ----
  const MISSING = 65535, VALUE_STEPS = 60000, SECONDS_PER_TENTH = 6;
  function unfold(parcels, data) {
    const { n, allowed, status, walks } = parcels, assessed = data.statuses.indexOf("assessed");
    parcels.score ??= allowed.map((points, i) => status[i] === assessed ? points : MISSING);
    const place = placesOf(parcels.score);
    parcels.rank = place.map((each, i) => each + parcels.rank[i]);
    for (const band of ["rankLow", "rankHigh"]) {
      parcels[band] = parcels[band]
        ? parcels.rank.map((rank, i) => rank + parcels[band][i]) : new Uint32Array(n);
    }
    const tenths = data.timeStep / SECONDS_PER_TENTH, held = {};
    delete parcels.walks;
    lazily(held, "far", () => walkColumns(walks.map(({ metres }) => metres), data));
    lazily(held, "long", () => walkColumns(walks.map(({ time }) => time), data));
    lazily(parcels, "metres", () => held.far.map(column => column && measured(column, Math.round)));
    lazily(parcels, "minutes", () =>
      held.long.map(column => column && measured(column, time => tenthsOf(time * tenths))));
    lazily(parcels, "value", () =>
      walks.map(({ line, value }, c) => line ? onLine(held.long[c], line) : summed(value)));
  }
  function measured(steps, told) {
    const numbers = new Uint16Array(steps.length);
    for (let i = 0; i < steps.length; i++) {
      numbers[i] = steps[i] < 0 ? MISSING : Math.min(MISSING - 1, told(steps[i]));
    }
    return numbers;
  }
  // Whole tenths, never a half that would be rounded to another whole number than what is given
  function tenthsOf(tenths) {
    const told = Math.round(tenths);
    return told % 10 !== 5 ? told : tenths < told ? told - 1 : told + 1;
  }
  function summed(steps) {
    const numbers = new Uint16Array(steps.length);
    for (let i = 0, at = 0; i < steps.length; i++) numbers[i] = (at += steps[i]);
    return numbers;
  }
  function onLine(times, [best, worst]) {
    const numbers = new Uint16Array(times.length), slope = 1 / (worst - best);
    for (let i = 0; i < times.length; i++) {
      const value = times[i] < 0 ? 0 : Math.min(1, Math.max(0, (worst - times[i]) * slope));
      numbers[i] = Math.round(VALUE_STEPS * value);
    }
    return numbers;
  }
  function placesOf(points) { // 1 + how many have more; 0 for those without
    const more = new Uint32Array(MISSING + 1);
    for (const each of points) more[each]++;
    more[MISSING] = 0;
    for (let p = MISSING, sum = 1; p >= 0; p--) [more[p], sum] = [sum, sum + more[p]];
    more[MISSING] = 0;
    return Uint32Array.from(points, each => more[each]);
  }
  // Each number differs from that of the row before on its edge as those in the columns before did
  function walkColumns(columns, { parcels: { n }, routes }) {
    const edge = routes ? running(routes.parcels.edge) : new Int32Array(n), last = new Map();
    const before = edge.map((e, i) => {
      const row = last.get(e) ?? i - 1;
      last.set(e, i);
      return row;
    });
    const ahead = [null, new Int32Array(n), new Int32Array(n)];
    return columns.map((told, c) => told && walkColumn(told, before, ahead, routes?.trees[c]?.leaves));
  }
  function walkColumn(told, before, ahead, leaves) {
    const column = new Int32Array(told.length);
    for (let i = 0; i < told.length; i++) {
      const row = before[i], way = row >= 0 && leaves?.[i] === leaves?.[row] && ahead[leaves?.[i]];
      const change = told[i] + (way ? way[i] : 0);
      column[i] = (row >= 0 ? column[row] : 0) + change;
      if (way) way[i] = change;
    }
    return column;
  }

  // ---- shapes: feature i has the lines feature[i]…feature[i+1], line j the vertices line[j]… ----
  function shapeOf({ lines, vertices, x, y, step, seen }, grid) {
    const unit = grid * step, n = lines.length, feature = sums(lines), line = sums(vertices);
    const { X, Y } = seen ? recalled(x, y, seen, unit) : walked(x, y, unit);
    return { n, X, Y, feature, line, box: boxes(X, Y, feature, line) };
  }
  function walked(x, y, unit) {
    const X = new Float32Array(x.length), Y = new Float32Array(x.length);
    for (let k = 0, a = 0, b = 0; k < x.length; k++) {
      X[k] = (a += x[k]) * unit;
      Y[k] = (b += y[k]) * unit;
    }
    return { X, Y };
  }
  // Vertices that neighbours share are told once: `seen` is 0 for a new one, else where it stands
  function recalled(x, y, seen, unit) {
    const X = new Float32Array(seen.length), Y = new Float32Array(seen.length);
    const knownX = new Int32Array(x.length), knownY = new Int32Array(x.length);
    for (let k = 0, count = 0, at = 0, a = 0, b = 0; k < seen.length; k++) {
      if (seen[k] === 0) {
        knownX[at = count] = a + x[count];
        knownY[at] = b + y[count++];
      } else at += seen[k] > 0 ? seen[k] - 1 : seen[k];
      X[k] = (a = knownX[at]) * unit;
      Y[k] = (b = knownY[at]) * unit;
    }
    return { X, Y };
  }
  function sums(counts) {
    const ends = new Uint32Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) ends[i + 1] = ends[i] + counts[i];
    return ends;
  }
  function boxes(X, Y, feature, line) {
    const n = feature.length - 1, box = new Float32Array(4 * n);
    for (let i = 0; i < n; i++) {
      let west = Infinity, south = Infinity, east = -Infinity, north = -Infinity;
      for (let k = line[feature[i]]; k < line[feature[i + 1]]; k++) {
        if (X[k] < west) west = X[k];
        if (X[k] > east) east = X[k];
        if (Y[k] < south) south = Y[k];
        if (Y[k] > north) north = Y[k];
      }
      box[4 * i] = west;
      box[4 * i + 1] = south;
      box[4 * i + 2] = east;
      box[4 * i + 3] = north;
    }
    return box;
  }

  // ---- routes: at each node a tree says by which of its edges the walk goes on ----
  const LEAVES = 1, FIRST_EDGE = 2; // codes of a tree; 0: no route comes by
  const BY_FIRST = 1, ALONG = 3; // how a parcel's walk leaves its edge; 0: no way
  const PLACES = 65535;

  function running(moves) {
    const numbers = new Int32Array(moves.length);
    for (let i = 0, at = 0; i < moves.length; i++) numbers[i] = (at += moves[i]);
    return numbers;
  }
  function prepare({ nodes, edges, parcels, doors, trees }) {
    const streets = { x: running(nodes.x), y: running(nodes.y), first: running(edges.first) };
    streets.second = edges.second.map((step, e) => streets.first[e] + step);
    streets.inner = sums(edges.inner);
    streets.innerX = innerOf(streets, edges.x, streets.x);
    streets.innerY = innerOf(streets, edges.y, streets.y);
    return { streets, ...edgesOf(streets), parcels: touches(parcels), doors: touches(doors),
      trees: trees.map(tree => tree && treeOf(tree)) };
  }
  // Inner vertices are told as steps from the first node of their edge
  function innerOf({ inner, first }, moves, node) {
    const numbers = new Int32Array(moves.length);
    for (let e = 0; e < first.length; e++) {
      for (let k = inner[e], at = node[first[e]]; k < inner[e + 1]; k++) numbers[k] = (at += moves[k]);
    }
    return numbers;
  }
  // The edges of node v are edgesAt[edgeStart[v]]…, in their order
  function edgesOf({ x, first, second }) {
    const counts = new Int32Array(x.length);
    for (const ends of [first, second]) for (const node of ends) counts[node]++;
    const edgeStart = sums(counts), edgesAt = new Uint32Array(2 * first.length);
    const free = edgeStart.slice();
    for (let e = 0; e < first.length; e++) {
      edgesAt[free[first[e]]++] = e;
      edgesAt[free[second[e]]++] = e;
    }
    return { edgeStart, edgesAt };
  }
  const touches = ({ edge, place, outline, x, y }) =>
    ({ edge: running(edge), place, outline, x: x && running(x), y: y && running(y) });
  function treeOf({ next, last, leaves, along }) {
    const lastAt = new Map(), alongAt = new Map();
    let at = 0;
    next.forEach((code, node) => { if (code === LEAVES) lastAt.set(node, last[at++]); });
    at = 0;
    leaves.forEach((code, row) => { if (code === ALONG) alongAt.set(row, along[at++]); });
    return { next, leaves, lastAt, alongAt };
  }

  // Draws the walk of a parcel for a criterion: [x, y, x, y …] in metres from the origin, from the
  // parcel's outline to the service; null where there is no way or the criterion is no walk
  function route(data, row, c) {
    const routes = data.routes && (data.routes.ready ??= prepare(data.routes));
    const tree = routes?.trees[c], leaves = tree?.leaves[row];
    if (!leaves) return null;
    const { streets, parcels, doors } = routes, path = [];
    const edge = parcels.edge[row], place = parcels.place[row] / PLACES;
    const walk = (e, from, to) => addPiece(streets, path, e, from, to);
    let door = tree.alongAt.get(row);
    if (leaves === ALONG) walk(edge, place, doors.place[door] / PLACES);
    else {
      walk(edge, place, leaves === BY_FIRST ? 0 : 1);
      const node = follow(routes, tree, (leaves === BY_FIRST ? streets.first : streets.second)[edge], walk);
      const last = tree.lastAt.get(node);
      door = last >> 1;
      walk(doors.edge[door], last & 1 ? 0 : 1, doors.place[door] / PLACES);
    }
    path.push(doors.x[door], doors.y[door]);
    const rest = path.map(step => step * data.unit);
    const begin = onOutline(data.parcels.shape, row, parcels.outline[row] / PLACES);
    return Float32Array.from([...begin, ...rest]);
  }
  // The point at a place 0–1 on the outline of a shape, ring after ring
  function onOutline({ X, Y, feature, line }, i, place) {
    const pieces = [];
    for (let j = feature[i]; j < feature[i + 1]; j++) {
      for (let k = line[j], next; k < line[j + 1]; k++) {
        next = k + 1 < line[j + 1] ? k + 1 : line[j];
        pieces.push([k, next, Math.hypot(X[next] - X[k], Y[next] - Y[k])]);
      }
    }
    let left = place * pieces.reduce((sum, piece) => sum + piece[2], 0);
    for (const [k, next, length] of pieces) {
      const share = Math.min(1, left / (length || 1));
      if (left <= length) return [X[k] + share * (X[next] - X[k]), Y[k] + share * (Y[next] - Y[k])];
      left -= length;
    }
    return [X[line[feature[i]]], Y[line[feature[i]]]];
  }
  function follow({ streets, edgeStart, edgesAt }, { next }, start, walk) {
    let node = start;
    for (let code = next[node]; code >= FIRST_EDGE; code = next[node]) {
      const e = edgesAt[edgeStart[node] + code - FIRST_EDGE], forth = streets.first[e] === node;
      walk(e, forth ? 0 : 1, forth ? 1 : 0);
      node = forth ? streets.second[e] : streets.first[e];
    }
    return node;
  }
  function verticesOf({ x, y, first, second, inner, innerX, innerY }, e) {
    const line = [[x[first[e]], y[first[e]]]];
    for (let k = inner[e]; k < inner[e + 1]; k++) line.push([innerX[k], innerY[k]]);
    line.push([x[second[e]], y[second[e]]]);
    return line;
  }
  // Adds the piece of an edge between two places 0–1 on it
  function addPiece(streets, path, e, from, to) {
    const line = verticesOf(streets, e), lengths = line.map((p, i) =>
      i ? Math.hypot(p[0] - line[i - 1][0], p[1] - line[i - 1][1]) : 0);
    const total = lengths.reduce((sum, each) => sum + each, 0), low = Math.min(from, to) * total;
    const high = Math.max(from, to) * total, piece = [];
    for (let i = 1, before = 0; i < line.length; before += lengths[i++]) {
      const after = before + lengths[i], span = lengths[i] || 1;
      const at = length => [0, 1].map(axis =>
        line[i - 1][axis] + (line[i][axis] - line[i - 1][axis]) * (length - before) / span);
      if (low >= before && low <= after && !piece.length) piece.push(at(low));
      if (after > low && after < high) piece.push(line[i]);
      if (high >= before && high <= after) { piece.push(at(high)); break; }
    }
    if (from > to) piece.reverse();
    for (const [x, y] of piece) {
      if (x !== path.at(-2) || y !== path.at(-1)) path.push(x, y);
    }
  }

  return { read, open, route, lazily };
})();
