/* The parcels by class, or by what a scenario changes, and the zones of constraints: their colours and how they are
   drawn so quickly that they follow a slider. */
"use strict";
window.arsFields = (() => {
  const { across, down, isPoint, eachInView, trace, outline, circle, fillAreas, pattern } = window.arsShapes;
  const OUTLINES_FROM = 14.5;
  const BOX_PX = 3, COARSE_BOX_PX = 8; // a parcel smaller than this is drawn as a box; coarser at first and while a slider moves
  const HIDDEN = 255, NOT_COMPARABLE = -32768;

  // ---- colours ----
  // Steps of gain and loss, points: the finest that hold the largest change. Colours: PuOr of ColorBrewer.
  const STEPS = [[1, 2, 4], [1, 3, 6], [1, 5, 10], [2, 10, 20]], STEPS_UP_TO = [6, 12, 25, Infinity];
  const GAINS = ["#c9b8dd", "#8b6fb3", "#4b1f7d"], SAME = "#f3efe6", LOSSES = ["#fdc98b", "#e08214", "#8f3b00"];
  function differenceLegend(m) {
    const { change } = m.data.scenarios[m.difference];
    const most = change.reduce((sum, by) => by === NOT_COMPARABLE ? sum : Math.max(sum, Math.abs(by)), 0) / 100;
    const steps = STEPS[STEPS_UP_TO.findIndex(limit => most <= limit)], ends = [...steps, Infinity];
    const gains = GAINS.map((colour, k) => ({ from: ends[k], to: ends[k + 1], colour })).reverse();
    const losses = LOSSES.map((colour, k) => ({ from: -ends[k + 1], to: -ends[k], colour }));
    return [...gains, { from: -steps[0], to: steps[0], colour: SAME }, ...losses];
  }
  function shadeColour(m, shade) {
    return m.data.palettes[m.palette]?.[shade] ?? m.data.statusColours[shade];
  }
  // What a parcel is painted as, `of(i)`, and the colour of each of these; the last two: missing, excluded
  function paints(m) {
    const { s } = m, last = s.shades.length - 1, ends = ["missing_data", "excluded"].map(name => shadeColour(m, name));
    const seen = of => m.visible ? i => m.visible[i] ? of(i) : HIDDEN : of;
    if (m.difference === null || m.difference === undefined) {
      return { colours: s.shades.map(shade => shadeColour(m, shade)), of: seen(i => s.shade[i]) };
    }
    const steps = differenceLegend(m), { change } = m.data.scenarios[m.difference];
    const of = i => {
      const by = change[i] / 100;
      if (change[i] === NOT_COMPARABLE) return steps.length + Number(s.shade[i] === last);
      return steps.findIndex(({ from, to }) => by >= from && by < to);
    };
    return { colours: [...steps.map(({ colour }) => colour), ...ends], of: seen(of) };
  }
  function colour(m, i) {
    const { colours, of } = paints({ ...m, visible: null });
    return colours[of(i)];
  }

  // ---- parcels ----
  function drawFields(pen, view, m) {
    const { shape } = m.data.parcels, { colours, of } = paints(m);
    const key = [view.left, view.top, view.zoom, m.palette, m.difference, m.tiles ? 1 : 0].join();
    const { painted } = m, again = m.moving && painted?.key === key && painted.rows.length;
    pen.lineWidth = 1;
    pen.strokeStyle = "#ffffffb0";
    if (again && repaint(pen, view, m, colours, of)) return;
    pen.clearRect(0, 0, view.width, view.height);
    m.painted = { key, rows: [], as: new Uint8Array(shape.n) };
    if (!m.showParcels) return;
    const rows = colours.map(() => []);
    eachInView(shape, view, i => {
      m.painted.as[i] = of(i);
      m.painted.rows.push(i);
      rows[m.painted.as[i]]?.push(i);
    });
    const least = m.moving || m.onlyFields ? COARSE_BOX_PX : BOX_PX;
    for (const paint of orderOf(colours)) {
      pen.fillStyle = fillOf(pen, view, colours, paint);
      for (const i of rows[paint]) drawField(pen, shape, i, view, least);
    }
  }
  // While a slider moves few parcels change their class: only these are painted anew
  function repaint(pen, view, m, colours, of) {
    const { rows, as } = m.painted, { shape } = m.data.parcels, changed = rows.filter(i => of(i) !== as[i]);
    if (changed.length > rows.length / 2) return false;
    for (const i of changed) {
      if (of(i) === HIDDEN || as[i] === HIDDEN) {
        pen.globalCompositeOperation = "destination-out";
        pen.fillStyle = "#000";
        drawField(pen, shape, i, view, 0);
        pen.globalCompositeOperation = "source-over";
      }
      as[i] = of(i);
      if (as[i] === HIDDEN) continue;
      pen.fillStyle = fillOf(pen, view, colours, as[i]);
      drawField(pen, shape, i, view, COARSE_BOX_PX);
    }
    return true;
  }
  const orderOf = colours => [...colours.keys()].reverse(); // the best on top
  const fillOf = (pen, { zoom }, colours, paint) => paint < colours.length - 1 ? colours[paint]
    : pattern(pen, "hatch", colours[paint], zoom < OUTLINES_FROM ? .8 : 1.3); // finer where there is much of it
  function drawField(pen, shape, i, view, least) {
    const { box } = shape, b = 4 * i, { scale } = view;
    const width = (box[b + 2] - box[b]) * scale, height = (box[b + 3] - box[b + 1]) * scale;
    if (isPoint(shape, i)) {
      pen.beginPath();
      circle(pen, shape, i, view, 8);
    } else if (width < least && height < least) {
      pen.fillRect(across(view, box[b]), down(view, box[b + 3]), Math.max(1, width), Math.max(1, height));
      return;
    } else {
      pen.beginPath();
      trace(pen, shape, i, view, true);
    }
    pen.fill("evenodd");
    if (view.zoom >= OUTLINES_FROM) pen.stroke();
  }

  // ---- zones of constraints, and where they are not mapped ----
  const ZONES = { exclude: ["hatch", "#8c1d18"], deduct: ["bars", "#6a3d9a"], condition: ["backHatch", "#8a5a00"] };
  const NOT_MAPPED = ["dots", "#3d4249"];
  const zoneStyle = effect => {
    const [kind, drawn] = effect === "not_mapped" ? NOT_MAPPED : ZONES[effect] ?? ZONES.condition;
    return { pattern: kind, colour: drawn };
  };
  function drawZones(pen, view, m) {
    const { constraints, answers, parcels } = m.data, notMapped = answers.indexOf("not_mapped");
    for (const k of m.showZones ?? []) {
      const { effect, zones } = constraints[k], style = zoneStyle(effect), unknown = zoneStyle("not_mapped");
      fillAreas(pen, zones, view, pattern(pen, style.pattern, style.colour, 1.1));
      pen.lineWidth = 1.4;
      pen.strokeStyle = style.colour;
      eachInView(zones, view, i => { outline(pen, zones, i, view); pen.stroke(); });
      pen.fillStyle = pattern(pen, unknown.pattern, unknown.colour, 1);
      eachInView(parcels.shape, view, i => {
        if (parcels.answer[k][i] !== notMapped) return;
        outline(pen, parcels.shape, i, view);
        pen.fill("evenodd");
      });
    }
  }

  return { differenceLegend, shadeColour, colour, drawFields, zoneStyle, drawZones };
})();
