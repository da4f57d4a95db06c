"""What is drawn on the map's canvases, what is found under the pointer, and the printed picture."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from arealstrategi.export.labels import CLASS_COLOURS, STATUS_COLOURS
from maps import make_map, make_parcels, written

pytestmark = pytest.mark.browser

# Hands out `m`, which the page keeps to itself, and helpers that read the canvas of the parcels
HELPERS = """
Object.defineProperty(window, "arsCanvas", {
  get() { return this.kept; },
  set(canvas) {
    const start = canvas.start;
    canvas.start = (map, m) => { window.m = m; return start(map, m); };
    this.kept = canvas;
  },
});
window.sheet = () => document.querySelector(".leaflet-ars-fields-pane canvas");
window.pixels = () => {
  const { width, height } = sheet();
  return sheet().getContext("2d").getImageData(0, 0, width, height).data;
};
window.place = (lat, lng) => {
  const at = m.map.latLngToLayerPoint([lat, lng]).subtract(L.DomUtil.getPosition(sheet()));
  return [Math.round(at.x), Math.round(at.y)];
};
window.colourAt = ([lat, lng]) => {
  const at = place(lat, lng), pen = sheet().getContext("2d");
  const [r, g, b, a] = pen.getImageData(...at, 1, 1).data;
  return a === 0 ? null : "#" + [r, g, b].map(part => part.toString(16).padStart(2, "0")).join("");
};
window.repaint = () => { m.painted = null; m.sheets.fields.redraw(); };
"""
TO_DEGREES = Transformer.from_crs("EPSG:25832", 4326, always_xy=True)


def degrees(points):
    lng, lat = TO_DEGREES.transform(shapely.get_x(points), shapely.get_y(points))
    return np.column_stack([lat, lng]).tolist()


@pytest.fixture(scope="module")
def parcels():
    return make_parcels()


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory, parcels):
    context = browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.add_init_script(HELPERS)
    page.goto(written(tmp_path_factory.mktemp("canvas"), make_map(parcels)).as_uri())
    page.wait_for_selector("main[data-ready]")
    page.wait_for_timeout(600)
    yield page
    context.close()


@pytest.fixture
def page(opened):
    """The page as it was opened: strategy's weights, nothing filtered."""
    opened.evaluate("""() => {
      Object.assign(m, { visible: null, moving: false, difference: null, palette: "viridis" });
      arsScore.score(m.s, m.s.strategy);
      repaint();
    }""")
    return opened


@pytest.fixture
def rows(page, parcels):
    """Row of the page of each parcel, by its id."""
    ids = page.evaluate("[...m.data.parcels.id]")
    return pd.Series(range(len(ids)), ids).reindex(parcels.index)


def colours_in(page, outline, step=1):
    """Return the colours of the pixels inside a parcel, None where nothing is drawn."""
    west, south, east, north = outline.bounds
    x, y = np.meshgrid(np.linspace(west, east, 14)[2:-2], np.linspace(south, north, 14)[2:-2])
    spots = degrees(shapely.points(x.ravel(), y.ravel()))[::step]
    return page.evaluate("spots => spots.map(colourAt)", spots)


# ---- colours ----
def test_each_parcel_wears_the_colour_of_its_class(page, parcels):
    assessed = parcels[parcels["status"] == "assessed"]
    told = page.evaluate(
        "s => s.map(colourAt)", degrees(shapely.centroid(assessed.geometry.values))
    )
    assert told == assessed["class"].map(dict(CLASS_COLOURS)).tolist()
    assert len(set(told)) > 2


def test_a_parcel_without_score_is_grey_and_an_excluded_one_is_hatched(page, parcels):
    for name, status in (("missing", "missing_data"), ("out", "excluded")):
        outline = parcels.geometry[parcels["status"] == status].iloc[0]
        seen = set(colours_in(page, outline))
        if name == "missing":
            assert seen == {STATUS_COLOURS["missing_data"]}
        else:
            assert None in seen
            assert not seen & {*CLASS_COLOURS.values(), STATUS_COLOURS["missing_data"]}
            assert len(seen) > 1


def test_a_parcel_that_is_filtered_out_is_neither_drawn_nor_found(page, parcels, rows):
    inside = degrees(shapely.centroid(parcels.geometry.to_numpy()[[100]]))[0]
    row = int(rows.iloc[100])
    assert page.evaluate("spot => arsCanvas.parcelAt(m, L.latLng(spot))", inside) == row
    page.evaluate(
        """row => {
          m.visible = new Uint8Array(m.data.parcels.n).fill(1);
          m.visible[row] = 0;
          repaint();
        }""",
        row,
    )
    assert page.evaluate("colourAt", inside) is None
    assert page.evaluate("spot => arsCanvas.parcelAt(m, L.latLng(spot))", inside) == -1


def test_the_parcel_under_the_pointer_is_the_one_that_shapely_finds(page, parcels, rows):
    rng = np.random.default_rng(4)
    west, south, east, north = parcels.total_bounds
    points = shapely.points(rng.uniform(west, east, 300), rng.uniform(south, north, 300))
    clear = (
        shapely.distance(shapely.union_all(shapely.boundary(parcels.geometry.to_numpy())), points)
        > 0.5
    )
    points = points[clear]
    told = page.evaluate(
        "spots => spots.map(spot => arsCanvas.parcelAt(m, L.latLng(spot)))", degrees(points)
    )
    hits = [
        np.flatnonzero(shapely.contains(parcels.geometry.to_numpy(), point)) for point in points
    ]
    assert told == [int(rows.iloc[hit[0]]) if len(hit) else -1 for hit in hits]
    assert len({-1, *told}) > 20


# ---- while a slider moves ----
@pytest.mark.parametrize("filtered", [False, True])
def test_what_changed_is_painted_as_if_all_were_painted_anew(page, filtered):
    off = page.evaluate(
        """filtered => {
          const random = seed => Math.abs(Math.sin(seed * 12.9898) * 43758.5453) % 1;
          const differing = [];
          m.moving = true;
          repaint();
          for (let k = 1; k < 7; k++) {
            const moved = (weight, c) => weight * (1 + .4 * random(10 * k + c));
            arsScore.score(m.s, m.s.strategy.map(moved));
            const seen = (_, i) => Number(random(k + i) > .1);
            if (filtered) m.visible = Uint8Array.from(m.s.score, seen);
            m.sheets.fields.redraw();
            const moving = pixels();
            repaint();
            const anew = pixels();
            let differ = 0;
            for (let p = 0; p < anew.length; p += 4) {
              const off = [0, 1, 2, 3].map(c => Math.abs(anew[p + c] - moving[p + c]));
              differ += Number(Math.max(...off) > 60);
            }
            differing.push(differ / (anew.length / 4));
          }
          return differing;
        }""",
        filtered,
    )
    assert max(off) < 0.01  # the seams alone


def test_a_jump_is_drawn_once(page):
    drawn = page.evaluate(
        """async () => {
          let count = 0;
          const { redraw } = m.sheets.fields, zoom = m.map.getZoom();
          m.sheets.fields.redraw = function () { count++; return redraw.call(this); };
          m.map.setZoom(zoom + 1, { animate: false });
          const once = count;
          m.map.setZoom(zoom, { animate: false });
          delete m.sheets.fields.redraw;
          return [once, count];
        }"""
    )
    assert drawn == [1, 2]


# ---- what a scenario changes ----
def test_gains_are_purple_losses_orange_and_the_steps_hold_every_change(page, parcels, rows):
    row, spot = (
        int(rows.iloc[100]),
        degrees(shapely.centroid(parcels.geometry.to_numpy()[[100]]))[0],
    )
    seen = {}
    for points in (-30, -3, 0, 3, 30):
        seen[points], steps = page.evaluate(
            """([row, spot, points]) => {
              const change = Int16Array.from(m.s.score, (_, i) => i % 2 ? 2900 : -2900);
              change[row] = 100 * points;
              m.data.scenarios = [{ name: "x", change }];
              m.difference = 0;
              repaint();
              return [colourAt(spot), arsCanvas.differenceLegend(m)];
            }""",
            [row, spot, points],
        )
        at = [s for s in steps if (s["from"] or -1e9) <= points < (s["to"] or 1e9)]
        assert [s["colour"] for s in at] == [seen[points]]
    assert len(set(seen.values())) == 5
    red, blue = (lambda c: int(c[1:3], 16)), (lambda c: int(c[5:7], 16))
    assert red(seen[-30]) > blue(seen[-30])
    assert red(seen[30]) < blue(seen[30])
    assert [s["from"] for s in steps[:-1]] == [s["to"] for s in steps[1:]]


# ---- routes, names, print ----
def test_no_two_criteria_share_a_route_style(page):
    styles = page.evaluate(
        "[...Array(32).keys()].map(c => JSON.stringify(arsCanvas.routeStyle(c)))"
    )
    assert len(set(styles)) == 32


def test_a_line_beside_a_line_keeps_its_distance(page):
    told = page.evaluate("[...arsShapes.beside([0, 0, 10, 0, 30, 0], 4)]")
    assert told == pytest.approx([0, 4, 10, 4, 30, 4])


@settings(max_examples=25)
@given(boxes=st.lists(st.tuples(*[st.floats(0, 90)] * 2, *[st.floats(1, 40)] * 2), max_size=12))
def test_no_name_lies_on_another(opened, boxes):
    given_boxes = [[x, y, x + width, y + height] for x, y, width, height in boxes]
    taken = opened.evaluate(
        """boxes => {
          const free = arsShapes.room({ width: 400, height: 400 });
          return boxes.map(box => free.take([box]));
        }""",
        given_boxes,
    )
    kept = [shapely.box(*box) for box, took in zip(given_boxes, taken, strict=True) if took]
    assert all(a.intersection(b).area == 0 for n, a in enumerate(kept) for b in kept[:n])
    for at, took in enumerate(taken):  # none is refused without a reason
        earlier = [
            shapely.box(*b) for b, was in zip(given_boxes[:at], taken[:at], strict=True) if was
        ]
        assert took or any(shapely.box(*given_boxes[at]).intersects(other) for other in earlier)


def test_the_printed_picture_shows_the_classes_on_a_map_without_holes(page):
    width, height, clear, painted = page.evaluate(
        """() => {
          const made = arsCanvas.picture(m, 500, 300, 2), { width, height } = made;
          const { data } = made.getContext("2d").getImageData(0, 0, width, height);
          const seen = new Set();
          let clear = 0;
          for (let p = 0; p < data.length; p += 4) {
            if (data[p + 3] < 255) clear++;
            seen.add(data.slice(p, p + 3).join());
          }
          return [width, height, clear, seen.size];
        }"""
    )
    assert (width, height) == (1000, 600)
    assert clear == 0
    assert painted > 50
