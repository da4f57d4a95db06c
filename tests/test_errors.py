"""No password, token or key survives in a message; everything else does."""

import pytest

from arealstrategi.errors import InputError, without_secrets


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://leser:s3cret@db.example:5432/kart",
        "postgresql://leser:s3cret%2Fx@db.example/kart",
        "PG:host=db user=leser password=s3cret dbname=kart",
        "PG:host=db user=leser password='s3cret og mer' dbname=kart",
        "https://x.example/wfs?service=WFS&token=s3cret&x=1",
        "https://x.example/wfs?api_key=s3cret",
        "https://x.example/wfs?apikey=s3cret#a",
        "https://x.example/wfs?key=s3cret&sig=s3cret2",
        "{'password': 's3cret'}",
        "Authorization: Bearer s3cret.abc-DEF",
        "https://u:s3cret@x.example/a and https://v:s3cret@y.example/b",
    ],
)
def test_secrets_are_hidden_and_the_rest_stays(text):
    told = without_secrets(text)
    assert "s3cret" not in told
    assert "og mer" not in told
    assert ("example" in text) == ("example" in told)
    assert "s3cret" not in str(InputError(text, hint=text))


@pytest.mark.parametrize(
    "text",
    [
        "C:\\data\\teig.gpkg, layer 'teig': there is no column 'x'",
        "https://wfs.geonorge.no/skwms1/wfs.flomsoner?service=WFS&typeNames=app:FlomAreal",
        'criterion "grocery": zero_m (300) must be larger than full_m (400)',
        'no places to walk to; set osm = ["key=value"] or points = "file"',
        "kontakt: post@sandefjord.kommune.no",
    ],
)
def test_what_holds_no_secret_is_left_alone(text):
    assert without_secrets(text) == text
