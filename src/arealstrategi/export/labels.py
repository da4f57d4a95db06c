"""Every word that the outputs show, in Norwegian bokmål and English, and their colours.

The keys are the codes of the tables behind a prefix: ``class.suitable``, ``status.excluded``,
``reason.not_connected``, ``municipal.yes``, ``group.daily``, ``column.score``, ``layer.parcels``.
Keys without a prefix are the map's own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CLASS_COLOURS = MappingProxyType(
    {
        "very_suitable": "#440154",
        "suitable": "#31688e",
        "less_suitable": "#4fbf8b",
        "unsuitable": "#f0e488",
    }
)
"""Steps of viridis, dark is best: they differ in lightness, so no colour vision is needed."""

STATUS_COLOURS = MappingProxyType({"missing_data": "#b9b9b9", "excluded": "#6e6e6e"})
"""Colours of the parcels without a class; ``excluded`` is hatched where that can be drawn."""

GROUP_COLOURS = MappingProxyType(
    {
        "social": "#cc5c9f",
        "daily": "#d55e00",
        "health": "#c1121f",
        "nature": "#007f5f",
        "transit": "#0072b2",
        "centre": "#222222",
        "other": "#777777",
    }
)
"""Colours of the services' markers by group of criteria."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "nb": {
        "class.very_suitable": "svært egnet",
        "class.suitable": "egnet",
        "class.less_suitable": "mindre egnet",
        "class.unsuitable": "uegnet",
        "status.assessed": "vurdert",
        "status.excluded": "utelukket",
        "status.missing_data": "ikke vurdert",
        "municipal": "Kommunal grunn",
        "municipal.yes": "ja",
        "municipal.partly": "delvis",
        "municipal.no": "nei",
        "municipal.unknown": "ukjent",
        "reason.not_connected": "Har ingen forbindelse til gangnettet",
        "reason.area_below_minimum": "Er mindre enn minste areal",
        "reason.narrower_than_minimum": "Er smalere enn minste bredde",
        "reason.no_service_found": "Datagrunnlaget har ingen tjenester å måle til",
        "reason.outside_extract": "Ligger utenfor kartutsnittet",
        "reason.no_step_free_way": "Ingen trappefri vei",
        "reason.no_value": "Mangler verdi",
        "reason.not_mapped": "Ikke kartlagt",
        "note.flat": "Uten høydemodell er all mark regnet som flat: stigninger teller ikke med.",
        "note.partly_flat": (
            "For {pct:g} % av gangnettet er høyden ukjent; der er marken regnet som flat."
        ),
        "group.social": "Sosiale møteplasser",
        "group.daily": "Daglige gjøremål",
        "group.health": "Helse og omsorg",
        "group.nature": "Natur og hvile",
        "group.transit": "Kollektivtransport",
        "group.centre": "Sentrum",
        "group.other": "Annet",
        "layer.parcels": "Eiendommer",
        "layer.services": "Tjenester",
        "layer.areas": "Anbefalte områder",
        "layer.constraints": "Hensyn",
        "layer.barriers": "Hindringer på veien",
        "layer.findings": "Treff og ikke kartlagt, per hensyn",
        "layer.population": "Bosatte i ruter",
        "layer.run": "Kjøring",
        "column.parcel_id": "Id",
        "column.label": "Eiendom",
        "column.area_m2": "Areal (m²)",
        "column.status": "Status",
        "column.reasons": "Grunner",
        "column.score": "Poeng",
        "column.class": "Egnethet",
        "column.rank": "Plass",
        "column.municipal": "Kommunal grunn",
        "column.rank_p05": "Plass, beste av 20",
        "column.rank_p95": "Plass, dårligste av 20",
        "column.top_share": "Andel av kjøringene i toppen",
        "column.property": "Matrikkelnummer",
        "column.plan_purpose": "Arealformål i plan (kode)",
        "column.plan_purpose_name": "Arealformål i plan",
        "column.plan_purpose_share": "Andel av eiendommen med formålet",
        "column.plan_readiness": "Planmodenhet",
        "column.plan_id": "Plan",
        "column.plan_in_progress": "Plan under arbeid",
        "column.service_id": "Id",
        "column.category": "Kategori",
        "column.name": "Navn",
        "column.kind": "Slag",
        "column.reason": "Grunn",
        "column.area_id": "Id",
        "column.n_parcels": "Antall eiendommer",
        "column.walk_m": "gangavstand (m)",
        "column.walk_min": "gangtid (min)",
        "column.effort_m": "anstrengelse (flate meter)",
        "column.value": "verdi (0–1)",
        "column.service": "nærmeste",
        "column.raw": "målt",
        "map": "Kart over egnethet",
        "map_help": (
            "Piltastene flytter kartet, pluss og minus endrer utsnittet. "
            "Enter åpner eiendommen midt i kartet, Escape lukker den."
        ),
        "panel": "Forklaring og liste",
        "panel_show": "Vis forklaring og liste",
        "panel_hide": "Vis kartet",
        "loading": "Kartet åpnes …",
        "failed": "Kartet kunne ikke åpnes. Bruk en nyere nettleser.",
        "no_script": "Kartet trenger JavaScript. Dette er de beste eiendommene:",
        "legend": "Egnethet",
        "how_to_read": "Slik leser du kartet",
        "how_colour": (
            "Mørk farge betyr at mye av det eldre trenger i hverdagen, ligger i gangavstand. "
            "Trykk på en eiendom for å se hvorfor."
        ),
        "how_distance": (
            "Avstandene er målt langs veier og stier, ikke i luftlinje. "
            "Bakker og trapper gir færre poeng. Uten terrengdata regnes alt som flatt."
        ),
        "how_points": (
            "Hvert kriterium gir verdi × vekt i poeng. Full verdi innen den første avstanden, "
            "ingen verdi fra den andre."
        ),
        "how_limits": "Kartet er et grunnlag for vurdering, ikke et vedtak.",
        "find": "Finn eiendom",
        "search": "Id eller navn",
        "no_hit": "Ingen treff",
        "more_hits": "flere treff – skriv mer",
        "top": "De beste eiendommene",
        "top_none": "Ingen eiendom er vurdert.",
        "criteria": "Kriterier og tjenester",
        "criteria_help": "Kryss av for tjenestene du vil se på kartet.",
        "criterion": "Kriterium",
        "count": "Antall",
        "reach": "Full–ingen",
        "weight": "Vekt",
        "none_found": "ingen",
        "layers": "Kartlag",
        "show_parcels": "Eiendommer",
        "show_services": "Alle tjenester",
        "show_tiles": "Bakgrunnskart fra Kartverket (hentes på nett)",
        "tiles_failed": "Bakgrunnskartet kan ikke nås. Det innebygde kartet vises.",
        "sources": "Kilder",
        "source_osm": "Veier, bygninger og tjenester: © OpenStreetMap-bidragsytere, ODbL 1.0.",
        "score": "poeng",
        "rank": "nr. {rank} av {count}",
        "area": "Areal",
        "id": "Id",
        "reasons": "Grunner",
        "card": "Valgt eiendom",
        "close": "Lukk",
        "points_of": "{points} av {most}",
        "unnamed": "uten navn",
        "unreachable": "Ikke nåbar",
        "on_the_way": "På veien",
        "on_the_way.steep": "{metres} m bratt",
        "on_the_way.steps": "{metres} m trapp",
        "on_the_way.unlit": "{metres} m uten lys",
        "on_the_way.no_sidewalk": "{metres} m uten fortau",
        "not_found": "Fant ingen i datagrunnlaget",
        "not_measured": "Ikke vurdert",
        "percent": "{number}\u00a0%",
        "decimal": ",",
        "thousands": "\u202f",
    },
    "en": {
        "class.very_suitable": "very suitable",
        "class.suitable": "suitable",
        "class.less_suitable": "less suitable",
        "class.unsuitable": "unsuitable",
        "status.assessed": "assessed",
        "status.excluded": "excluded",
        "status.missing_data": "not assessed",
        "municipal": "Municipal land",
        "municipal.yes": "yes",
        "municipal.partly": "partly",
        "municipal.no": "no",
        "municipal.unknown": "unknown",
        "reason.not_connected": "Has no connection to the walking network",
        "reason.area_below_minimum": "Is smaller than the minimum area",
        "reason.narrower_than_minimum": "Is narrower than the minimum width",
        "reason.no_service_found": "The data hold no services to measure to",
        "reason.outside_extract": "Lies outside the map extract",
        "reason.no_step_free_way": "No step-free way",
        "reason.no_value": "No value",
        "reason.not_mapped": "Not mapped",
        "note.flat": "Without an elevation model all ground is flat: gradients do not count.",
        "note.partly_flat": (
            "For {pct:g} % of the walking network the height is unknown; it is taken as flat there."
        ),
        "group.social": "Social meeting places",
        "group.daily": "Daily needs",
        "group.health": "Health and care",
        "group.nature": "Nature and rest",
        "group.transit": "Public transport",
        "group.centre": "Centre",
        "group.other": "Other",
        "layer.parcels": "Parcels",
        "layer.services": "Services",
        "layer.areas": "Recommended areas",
        "layer.constraints": "Constraints",
        "layer.barriers": "Barriers on the way",
        "layer.findings": "Hits and not mapped, per constraint",
        "layer.population": "Residents in cells",
        "layer.run": "Run",
        "column.parcel_id": "Id",
        "column.label": "Parcel",
        "column.area_m2": "Area (m²)",
        "column.status": "Status",
        "column.reasons": "Reasons",
        "column.score": "Points",
        "column.class": "Suitability",
        "column.rank": "Rank",
        "column.municipal": "Municipal land",
        "column.rank_p05": "Rank, best of 20",
        "column.rank_p95": "Rank, worst of 20",
        "column.top_share": "Share of runs at the top",
        "column.property": "Cadastral number",
        "column.plan_purpose": "Purpose in plan (code)",
        "column.plan_purpose_name": "Purpose in plan",
        "column.plan_purpose_share": "Share of the parcel with that purpose",
        "column.plan_readiness": "Plan readiness",
        "column.plan_id": "Plan",
        "column.plan_in_progress": "Plan in progress",
        "column.service_id": "Id",
        "column.category": "Category",
        "column.name": "Name",
        "column.kind": "Kind",
        "column.reason": "Reason",
        "column.area_id": "Id",
        "column.n_parcels": "Number of parcels",
        "column.walk_m": "walking distance (m)",
        "column.walk_min": "walking time (min)",
        "column.effort_m": "effort (flat metres)",
        "column.value": "value (0–1)",
        "column.service": "nearest",
        "column.raw": "measured",
        "map": "Map of suitability",
        "map_help": (
            "The arrow keys move the map, plus and minus zoom. "
            "Enter opens the parcel in the middle of the map, Escape closes it."
        ),
        "panel": "Legend and list",
        "panel_show": "Show legend and list",
        "panel_hide": "Show the map",
        "loading": "Opening the map …",
        "failed": "The map could not be opened. Use a newer browser.",
        "no_script": "The map needs JavaScript. These are the best parcels:",
        "legend": "Suitability",
        "how_to_read": "How to read the map",
        "how_colour": (
            "A dark colour means that much of what older people need every day is within "
            "walking distance. Select a parcel to see why."
        ),
        "how_distance": (
            "Distances are measured along streets and paths, not as the crow flies. "
            "Slopes and steps cost points. Without terrain data the ground counts as flat."
        ),
        "how_points": (
            "Each criterion gives value × weight in points. Full value within the first "
            "distance, none from the second."
        ),
        "how_limits": "The map is a basis for judgement, not a decision.",
        "find": "Find a parcel",
        "search": "Id or name",
        "no_hit": "No match",
        "more_hits": "more matches – type more",
        "top": "The best parcels",
        "top_none": "No parcel has been assessed.",
        "criteria": "Criteria and services",
        "criteria_help": "Tick the services that you want to see on the map.",
        "criterion": "Criterion",
        "count": "Count",
        "reach": "Full–none",
        "weight": "Weight",
        "none_found": "none",
        "layers": "Layers",
        "show_parcels": "Parcels",
        "show_services": "All services",
        "show_tiles": "Background map from Kartverket (fetched online)",
        "tiles_failed": "The background map cannot be reached. The built-in map is shown.",
        "sources": "Sources",
        "source_osm": "Streets, buildings and services: © OpenStreetMap contributors, ODbL 1.0.",
        "score": "points",
        "rank": "no. {rank} of {count}",
        "area": "Area",
        "id": "Id",
        "reasons": "Reasons",
        "card": "Chosen parcel",
        "close": "Close",
        "points_of": "{points} of {most}",
        "unnamed": "unnamed",
        "unreachable": "Not reachable",
        "on_the_way": "On the way",
        "on_the_way.steep": "{metres} m steep",
        "on_the_way.steps": "{metres} m of steps",
        "on_the_way.unlit": "{metres} m unlit",
        "on_the_way.no_sidewalk": "{metres} m without a sidewalk",
        "not_found": "None found in the data",
        "not_measured": "Not assessed",
        "percent": "{number}%",
        "decimal": ".",
        "thousands": ",",
    },
}

_PER_CRITERION = ("walk_m", "walk_min", "effort_m", "value", "service", "raw")


def words(language: str) -> Mapping[str, str]:
    """Return every word in one language.

    Parameters
    ----------
    language
        ``nb`` or ``en``.

    Raises
    ------
    ValueError
        For a language that is not there.
    """
    if language not in WORDS:
        raise ValueError(f"no words in {language!r}; there are {', '.join(WORDS)}")
    return WORDS[language]


def column_alias(column: str, criteria: Mapping[str, str], language: str) -> str:
    """Return what people see instead of a column's name.

    Parameters
    ----------
    column
        A column of an output table: ``score``, ``grocery_walk_m`` …
    criteria
        Key of each criterion to its label in the same language.
    language
        ``nb`` or ``en``.

    Returns
    -------
    The alias, or the name itself for a column that the program does not know.
    """
    text = words(language)
    for measure in _PER_CRITERION:
        key = column.removesuffix(f"_{measure}")
        if key != column and key in criteria:
            return f"{criteria[key]}: {text[f'column.{measure}']}"
    return text.get(f"column.{column}", column)
