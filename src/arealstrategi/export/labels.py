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
        "reason.group_below_minimum": "Under minstekravet",
        "reason.left_out_of_score": "Mangler verdi, holdt utenfor poengene",
        "reason.counted_as_worst": "Mangler verdi, regnet som dårligst",
        "reason.net_area_below_minimum": "For lite areal igjen å bygge på",
        "reason.net_width_below_minimum": "For smalt der det kan bygges",
        "effect.exclude": "utelukker",
        "effect.condition": "vilkår",
        "effect.deduct": "gir trekk",
        "answer.hit": "treff",
        "answer.not_mapped": "ikke kartlagt",
        "answer.below_share": "treff, men mindre enn regelens andel",
        "headline.safe": "Trygt",
        "headline.central": "Sentralt",
        "headline.social": "Sosialt",
        "instrument": "Virkemiddel",
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
        "layer.sites": "Gitte tomter",
        "layer.difference": "Forskjell",
        "layer.site_findings": "Det samme for gitte tomter",
        "layer.weights": "Vekter",
        "layer.robustness": "Hvor sikker rekkefølgen er",
        "layer.weight_intervals": "Hvor mye vektene tåler",
        "layer.methods": "Andre regnemåter",
        "layer.residents_in_reach": "Bosatte innen rekkevidde",
        "layer.access": "Tilbud per bosatt",
        "layer.run": "Kjøring",
        "column.parcel_id": "Id",
        "column.fact": "Hva",
        "column.points": "poeng",
        "column.mean_score": "Snittet av de vurderte eiendommene (poeng)",
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
        "column.score_safe": "Trygt (poeng)",
        "column.score_central": "Sentralt (poeng)",
        "column.score_social": "Sosialt (poeng)",
        "column.score_if_allowed": "Poeng om den var tillatt",
        "column.buildable_m2": "Areal å bygge på (m²)",
        "column.buildable_width_m": "Største bredde å bygge på (m)",
        "column.place_among_parcels": "Plass blant eiendommene",
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
        "explain.of": "{label} ({id})",
        "explain.points": "{class}: {score} poeng",
        "explain.rank": "nr. {rank} av {count}",
        "explain.place": "ville vært nr. {rank} blant {count} vurderte eiendommer",
        "explain.band": "i 9 av 10 prøver nr. {low} til {high}, blant de beste i {share} %",
        "explain.excluded": "Utelukket. Uten reglene som utelukker: {score} poeng",
        "explain.missing": "Ikke vurdert: noe som kreves, er ikke kjent",
        "explain.mean": "Snittet av de vurderte: {score} poeng",
        "explain.strongest": "Løfter mest over snittet",
        "explain.weakest": "Trekker mest ned",
        "explain.lifts": "Ville løftet mest",
        "explain.gain": "inntil {points} poeng",
        "explain.none": "ingenting",
        "explain.reasons": "Grunner",
        "explain.constraints": "Hensyn",
        "explain.no_constraints": "ingen treff",
        "explain.share": "{share} % av arealet",
        "explain.all": "Alle kriterier",
        "explain.columns": "Verdi|Vekt|Poeng|Mot snittet|Nærmeste",
        "explain.deduction": "Trekk",
        "explain.sum": "Sum",
        "explain.walk": "{service}, {metres} m ({minutes} min)",
        "explain.measured": "målt {raw}",
        "explain.approximate": (
            "Poengene er ingen sum med denne regnemåten: tallene viser hva kriteriet betyr, ett om "
            "gangen, og er omtrentlige."
        ),
        "compare.found": (
            "Eiendommer i begge: {compared}, bare før: {only_before}, etter: {only_after}"
        ),
        "compare.class": "Klasse: {class_up} opp, {class_down} ned",
        "compare.assessed": (
            "Vurdert bare før: {assessed_only_before}, etter: {assessed_only_after}"
        ),
        "compare.correlation": "Samsvar i rekkefølge (Spearman, 1 er lik): {}",
        "compare.unknown": "kan ikke regnes ut",
        "compare.criteria": "Kriterier som er endret",
        "compare.value": "verdi {} i snitt, {} opp, {} ned",
        "compare.weight": "vekt {} % → {} %",
        "compare.matrix": "Klasse før (rader) og etter (kolonner)",
        "compare.entering": "Nye blant de {} beste",
        "compare.leaving": "Ikke lenger blant de {} beste",
        "compare.gains": "Størst framgang",
        "compare.losses": "Størst tilbakegang",
        "compare.none": "ingen",
        "compare.more": "… og {} til",
        "compare.place": "plass {}",
        "compare.points": "poeng",
        "compare.absent": "ikke med",
        "compare.why.weight": "vekt: {}",
        "compare.why.deduction": "trekk",
        "compare.why.method": "regnemåten",
        "compare.why.other": "annet",
        "compare.why.other_parcels": "andre eiendommer er endret",
        "compare.why.only_before": "bare i resultatet før",
        "compare.why.only_after": "bare i resultatet etter",
        "instrument.sale_with_conditions": "Salg med vilkår eller kvalitetskonkurranse",
        "instrument.prepare_plot": "Klargjøring av tomt: kommunen regulerer før salg",
        "instrument.joint_development": "Felles utvikling: kommunen bidrar med sin del av tomten",
        "instrument.development_agreement": "Utbyggingsavtale og dialog med grunneier",
        "instrument.area_zoning": "Områderegulering eller oppstartsmøte med grunneier",
        "instrument.clarify_plan": "Avklar planstatus",
        "instrument.clarify_ownership": "Avklar eierforhold",
        "instrument.clarify_ownership_and_plan": "Avklar eierforhold og planstatus",
        "plan_readiness.zoned_for_housing": "ferdig regulert til bolig",
        "plan_readiness.area_zoned": "områderegulert",
        "plan_readiness.future_housing": "bolig i kommuneplanen",
        "plan_readiness.other": "annet formål",
        "plan_readiness.unknown": "ikke kjent",
        "column.score_change": "Endring (poeng)",
        "column.rank_change": "Endring i plass",
        "column.class_change": "Endring i klasse",
        "column.top_change": "Inn eller ut av toppen",
        "column.why": "Hvorfor",
        "column.why_points": "Hvorav (poeng)",
        "column.found_in": "Finnes i",
        "column.dwellings": "Boliger (anslag)",
        "column.shared_space": "Krav om fellesareal",
        "column.instrument": "Virkemiddel",
        "column.compactness": "Kompakthet (0–1)",
        "column.municipal_share": "Andel kommunal grunn",
        "column.best_parcel": "Beste eiendom",
        "column.parcels": "Eiendommer",
        "column.first_share": "Andel av kjøringene som nr. 1",
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
        "reason.group_below_minimum": "Below the minimum",
        "reason.left_out_of_score": "No value, left out of the score",
        "reason.counted_as_worst": "No value, counted as worst",
        "reason.net_area_below_minimum": "Too little ground left to build on",
        "reason.net_width_below_minimum": "Too narrow where it can be built on",
        "effect.exclude": "excludes",
        "effect.condition": "condition",
        "effect.deduct": "deducts",
        "answer.hit": "hit",
        "answer.not_mapped": "not mapped",
        "answer.below_share": "hit, but less than the rule's share",
        "headline.safe": "Safe",
        "headline.central": "Central",
        "headline.social": "Social",
        "instrument": "Instrument",
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
        "layer.sites": "Given sites",
        "layer.difference": "Difference",
        "layer.site_findings": "The same for given sites",
        "layer.weights": "Weights",
        "layer.robustness": "How sure the order is",
        "layer.weight_intervals": "How much the weights can change",
        "layer.methods": "Other methods",
        "layer.residents_in_reach": "Residents within reach",
        "layer.access": "Supply per resident",
        "layer.run": "Run",
        "column.parcel_id": "Id",
        "column.fact": "What",
        "column.points": "points",
        "column.mean_score": "Mean of the assessed parcels (points)",
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
        "column.score_safe": "Safe (points)",
        "column.score_central": "Central (points)",
        "column.score_social": "Social (points)",
        "column.score_if_allowed": "Points if it were allowed",
        "column.buildable_m2": "Area to build on (m²)",
        "column.buildable_width_m": "Largest width to build on (m)",
        "column.place_among_parcels": "Rank among the parcels",
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
        "explain.of": "{label} ({id})",
        "explain.points": "{class}: {score} points",
        "explain.rank": "no. {rank} of {count}",
        "explain.place": "would be no. {rank} among {count} assessed parcels",
        "explain.band": "in 9 of 10 trials no. {low} to {high}, among the best in {share}%",
        "explain.excluded": "Excluded. Without the rules that exclude: {score} points",
        "explain.missing": "Not assessed: something that is required is not known",
        "explain.mean": "Mean of the assessed: {score} points",
        "explain.strongest": "Lifts it most above the mean",
        "explain.weakest": "Pulls it down most",
        "explain.lifts": "Would lift it most",
        "explain.gain": "up to {points} points",
        "explain.none": "nothing",
        "explain.reasons": "Reasons",
        "explain.constraints": "Constraints",
        "explain.no_constraints": "no hit",
        "explain.share": "{share}% of the area",
        "explain.all": "All criteria",
        "explain.columns": "Value|Weight|Points|Against the mean|Nearest",
        "explain.deduction": "Deduction",
        "explain.sum": "Sum",
        "explain.walk": "{service}, {metres} m ({minutes} min)",
        "explain.measured": "measured {raw}",
        "explain.approximate": (
            "With this method the points are no sum: the numbers tell what a criterion means, one "
            "at a time, and are approximate."
        ),
        "compare.found": (
            "Parcels in both: {compared}, only before: {only_before}, after: {only_after}"
        ),
        "compare.class": "Class: {class_up} up, {class_down} down",
        "compare.assessed": (
            "Assessed only before: {assessed_only_before}, after: {assessed_only_after}"
        ),
        "compare.correlation": "Agreement in order (Spearman, 1 is the same): {}",
        "compare.unknown": "cannot be computed",
        "compare.criteria": "Criteria that changed",
        "compare.value": "value {} on average, {} up, {} down",
        "compare.weight": "weight {}% → {}%",
        "compare.matrix": "Class before (rows) and after (columns)",
        "compare.entering": "New in the top {}",
        "compare.leaving": "No longer in the top {}",
        "compare.gains": "Largest gains",
        "compare.losses": "Largest losses",
        "compare.none": "none",
        "compare.more": "… and {} more",
        "compare.place": "rank {}",
        "compare.points": "points",
        "compare.absent": "absent",
        "compare.why.weight": "weight: {}",
        "compare.why.deduction": "deduction",
        "compare.why.method": "the method",
        "compare.why.other": "other",
        "compare.why.other_parcels": "other parcels changed",
        "compare.why.only_before": "only in the result before",
        "compare.why.only_after": "only in the result after",
        "instrument.sale_with_conditions": "Sale with conditions or quality competition",
        "instrument.prepare_plot": "Prepare the plot: the municipality zones it before sale",
        "instrument.joint_development": "Joint development: the municipality contributes its part",
        "instrument.development_agreement": "Development agreement and dialogue with the owner",
        "instrument.area_zoning": "Area zoning or start-up meeting with the owner",
        "instrument.clarify_plan": "Clarify the plan status",
        "instrument.clarify_ownership": "Clarify the ownership",
        "instrument.clarify_ownership_and_plan": "Clarify ownership and plan status",
        "plan_readiness.zoned_for_housing": "zoned for housing",
        "plan_readiness.area_zoned": "area zoned",
        "plan_readiness.future_housing": "housing in the municipal plan",
        "plan_readiness.other": "other purpose",
        "plan_readiness.unknown": "not known",
        "column.score_change": "Change (points)",
        "column.rank_change": "Change of rank",
        "column.class_change": "Change of class",
        "column.top_change": "In or out of the top",
        "column.why": "Why",
        "column.why_points": "Of which (points)",
        "column.found_in": "Found in",
        "column.dwellings": "Dwellings (estimate)",
        "column.shared_space": "Shared space required",
        "column.instrument": "Instrument",
        "column.compactness": "Compactness (0–1)",
        "column.municipal_share": "Share of municipal land",
        "column.best_parcel": "Best parcel",
        "column.parcels": "Parcels",
        "column.first_share": "Share of runs as no. 1",
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

_PER_CRITERION = ("walk_m", "walk_min", "effort_m", "value", "service", "raw", "points")


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


def reason_text(
    reason: str,
    text: Mapping[str, str],
    names: Mapping[str, str] = MappingProxyType({}),
    *,
    inside: bool = False,
) -> str:
    """Put one reason of the table into words; the name of a constraint stays as it is.

    Parameters
    ----------
    reason
        As the table has it.
    text
        Words of one language.
    names
        What to call criteria, by their keys.
    inside
        Whether it stands inside a sentence.
    """
    code, colon, name = reason.partition(": ")
    known = text.get(f"reason.{code}")
    if known is None:
        return reason
    known = in_sentence(known) if inside else known
    return f"{known}: {names.get(name) or text.get(f'group.{name}', name)}" if colon else known


def in_sentence(words: str) -> str:
    """Return words as they stand inside a sentence: without a capital letter in front."""
    return words[:1].lower() + words[1:]


def shown_number(
    value: float, text: Mapping[str, str], decimals: int, *, signed: bool = False
) -> str:
    """Write a number with the language's decimal mark and a true minus; 0 has no sign.

    Parameters
    ----------
    value
        A finite number.
    text
        The words of the language.
    decimals
        How many.
    signed
        Whether a number above 0 gets a plus.
    """
    shown = f"{value:{'+' if signed else ''}.{decimals}f}"
    shown = shown.lstrip("+-") if float(shown) == 0 else shown.replace("-", "−")
    return shown.replace(".", text["decimal"])
