"""What the map shows of a result: its tables are those of the result, and nothing is left out."""

import numpy as np
import pandas as pd
import pytest

from arealstrategi.export.labels import words
from arealstrategi.reach import route
from arealstrategi.result.mapping import map_tables
from walks import assert_same, drawn


@pytest.fixture(scope="module")
def tables(plain_town):
    return map_tables(plain_town)


def test_every_walk_of_the_result_can_be_drawn_from_the_tables_of_the_map(plain_town, tables):
    walked = 0
    for row, name in enumerate(plain_town.parcels.index):
        for key in plain_town.reach.nearest:
            wanted = route(plain_town.reach, key, name)
            assert_same(drawn(tables.routes, key, row), wanted, 1e-6)
            walked += wanted is not None
    assert walked > 0


def test_the_nearest_service_has_the_name_that_the_table_tells(plain_town, tables):
    for key, rows in tables.nearest.items():
        told = plain_town.parcels[f"{key}_service"]
        named = plain_town.services["name"].where(
            plain_town.services["name"] != "", plain_town.services["service_id"]
        )
        expected = [None if row < 0 else named.iloc[row] for row in rows]
        assert told.where(told.notna(), None).tolist() == expected


def test_points_taken_off_are_what_the_score_lacks(plain_town, tables):
    weight, parcels = plain_town.weights.weight, plain_town.parcels
    values = np.column_stack([parcels[f"{key}_value"] for key in weight.index])
    full = 100 * (values * weight.to_numpy()).sum(axis=1)
    expected = np.maximum(full - tables.deduction, 0)
    known = parcels["score_if_allowed"].notna()
    assert plain_town.strategy.score.method == "weighted_sum"
    np.testing.assert_allclose(parcels["score_if_allowed"][known], expected[known], atol=1e-6)


def test_every_set_of_weights_adds_up_and_none_stands_twice(plain_town, tables):
    np.testing.assert_allclose(tables.presets.sum(), 1.0)
    assert tables.presets.columns[0] == "strategy"
    pd.testing.assert_series_equal(
        tables.presets["strategy"], plain_town.weights.weight, check_names=False
    )
    sets = tables.presets.round(9).T.drop_duplicates()
    assert len(sets) == tables.presets.shape[1]


def test_a_shipped_reason_is_told_in_the_language_and_an_own_one_as_it_is(plain_town, tables):
    for criterion in plain_town.strategy.criteria:
        row = tables.criteria.loc[criterion.key]
        assert row["why_en"] == criterion.reason
        shipped = words("en").get(f"why.{criterion.key}") == criterion.reason
        expected = words("nb")[f"why.{criterion.key}"] if shipped else criterion.reason
        assert row["why_nb"] == expected


def test_every_file_that_was_read_is_credited_without_its_folder(plain_town, tables):
    for language in ("nb", "en"):
        told = "\n".join(tables.credits[language])
        assert "OpenStreetMap" in told
        for report in plain_town.reports:
            for path in report.files:
                assert str(path.parent) not in told
                assert report.role == "osm" or path.name in told
