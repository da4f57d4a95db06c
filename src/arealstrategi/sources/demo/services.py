"""What Fjordvik offers, how its streets are tagged, and the names of what grows by chance.

No name is that of a real chain. Tags are written as in the wiki of OpenStreetMap,
``key=value`` with a comma between.
"""

from __future__ import annotations

from typing import NamedTuple


class Service(NamedTuple):
    """A place people walk to: name, where it should lie (local metres), tags and how it is mapped.

    ``form``: ``node`` in the nearest building, ``building`` the building itself, ``both`` (one
    place mapped twice), ``relation`` the building as a multipolygon, ``point`` exactly here.
    """

    name: str
    x: float
    y: float
    tags: str
    form: str = "node"


SERVICES = (
    Service("Torgkroken Dagligvare", 2430, 2110, "shop=supermarket", "building"),
    Service("Parkhjørnet Mat", 2640, 2480, "shop=supermarket", "building"),
    Service("Kafé Kaikanten", 2400, 2070, "amenity=cafe"),
    Service("Torgkafeen", 2540, 2130, "amenity=cafe,outdoor_seating=yes"),
    Service("Kafé Lindetreet", 2440, 2470, "amenity=cafe"),
    Service("Brygga spisested", 2610, 2050, "amenity=restaurant"),
    Service("Fjordvik bakeri", 2450, 2210, "shop=bakery,cafe=yes"),
    Service("Isboden på kaia", 2560, 2000, "amenity=ice_cream"),
    Service("Fjordvik bibliotek", 2400, 2330, "amenity=library,wheelchair=yes", "both"),
    Service("Bølgen kulturhus", 2570, 2320, "amenity=arts_centre", "building"),
    Service("Fjordvik kino", 2620, 2180, "amenity=cinema"),
    Service("Fjordvik seniorsenter", 2320, 2300,
            "amenity=community_centre,community_centre:for=senior,wheelchair=yes", "building"),
    Service("Fjordvik frivilligsentral", 2260, 2110, "amenity=social_centre"),
    Service("Møllebakken grendehus", 1640, 2140, "amenity=community_centre", "building"),
    Service("Fjordvik pensjonistforening", 2700, 2400, "club=social,club:for=senior"),
    Service("Fjordvik legesenter", 2560, 2440, "amenity=doctors,healthcare=doctor"),
    Service("Havna legekontor", 2300, 2080, "amenity=doctors,healthcare=doctor"),
    Service("Vikapoteket", 2510, 2330, "amenity=pharmacy,dispensing=yes"),
    Service("Tannlegene ved torget", 2550, 2190, "amenity=dentist,healthcare=dentist"),
    Service("Fjordvik fysioterapi", 2370, 2430, "healthcare=physiotherapist"),
    Service("Vik optikk", 2460, 2300, "shop=optician"),
    Service("Lytt hørselssenter", 2530, 2240, "shop=hearing_aids"),
    Service("Fjordvik postkontor", 2520, 2210, "amenity=post_office"),
    Service("Fjordvikbanken", 2590, 2260, "amenity=bank,atm=yes"),
    Service("Saks og kam", 2450, 2160, "shop=hairdresser"),
    Service("Salong Krøllen", 2600, 2390, "shop=hairdresser"),
    Service("Lett på tå fotpleie", 2420, 2260, "healthcare=podiatrist"),
    Service("Fjordvik bokhandel", 2450, 2380, "shop=books"),
    Service("Blomsterboden", 2520, 2400, "shop=florist"),
    Service("Vik klær", 2520, 2090, "shop=clothes"),
    Service("Slakteren i Torggata", 2460, 2090, "shop=butcher"),
    Service("Grønn kurv", 2500, 2470, "shop=greengrocer"),
    Service("Fjordvik jernvare", 2700, 2130, "shop=hardware"),
    Service("Fjordvik kirke", 2120, 2740, "amenity=place_of_worship,religion=christian", "church"),
    Service("Fjordvik treningssenter", 2690, 2230, "leisure=fitness_centre"),
    Service("Fjordvikhallen", 2960, 2700, "leisure=sports_hall", "building"),
    Service("Boulebanen", 2640, 2730, "leisure=pitch,sport=boules", "point"),
    Service("Fjordvik omsorgssenter", 2340, 2950,
            "amenity=social_facility,social_facility=nursing_home,social_facility:for=senior",
            "relation"),
    Service("Nordheim omsorgsboliger", 2700, 3150,
            "amenity=social_facility,social_facility=assisted_living,social_facility:for=senior",
            "building"),
    Service("Fjordvik rådhus", 2290, 2450, "amenity=townhall", "building"),
    Service("Fjordvik skole", 2820, 2830, "amenity=school", "building"),
    Service("Vestvik skole", 900, 1700, "amenity=school", "building"),
    Service("Østvik skole", 4000, 1650, "amenity=school", "building"),
    Service("Skolebiblioteket", 2825, 2832, "amenity=library,access=private", "point"),
    Service("Fjordvik fergekai", 2730, 1790, "amenity=ferry_terminal", "point"),
    Service("Lyngøy fergekai", 3700, 480, "amenity=ferry_terminal", "point"),
    Service("Vestvik Nærmat", 780, 1340, "shop=supermarket", "building"),
    Service("Vestvik kafé", 740, 1360, "amenity=cafe"),
    Service("Vestvik frisør", 820, 1360, "shop=hairdresser"),
    Service("Vestvik grendehus", 920, 1360, "amenity=community_centre", "building"),
    Service("Vestvik treningspark", 860, 1830, "leisure=fitness_station", "point"),
    Service("Østvik Landhandel", 3960, 1210, "shop=supermarket,post_office=post_partner",
            "building"),
    Service("Østvik kafé", 3860, 1210, "amenity=cafe"),
    Service("Østvik kapell", 4120, 1260, "amenity=place_of_worship,religion=christian", "church"),
    Service("Nordheim kiosk", 2440, 3120, "shop=convenience"),
)  # fmt: skip

# Near these points the block stays one parcel: (what, x, y).
SITES = (
    ("church", 2120, 2740), ("school", 2820, 2830), ("hall", 2960, 2700), ("care", 2340, 2950),
    ("town hall", 2290, 2450), ("sheltered homes", 2700, 3150), ("senior centre", 2320, 2300),
    ("school", 900, 1700), ("school", 4000, 1650),
)  # fmt: skip

# A stop in each direction at the point of the main street that is nearest.
BUS_STOPS = (
    ("Fjordvik torg", 2480, 2270), ("Havna", 2400, 2040), ("Fjordvik rådhus", 2250, 2310),
    ("Storgata øst", 2720, 2290), ("Byparken", 2480, 2560), ("Møllebakken", 1950, 2190),
    ("Østre gate", 2785, 2100), ("Fergekaia", 2815, 1865), ("Nesskogen", 1800, 1520),
    ("Elveveien", 1500, 1330), ("Ringveien sør", 1150, 1230), ("Vestvik butikk", 780, 1290),
    ("Vestvik", 420, 1235), ("Solhaug", 1100, 1800), ("Møllebakken vest", 1155, 2060),
    ("Vestre Ringvei", 1330, 2500), ("Storgata vest", 1780, 2700), ("Parkveien", 2100, 2580),
    ("Kirkeveien", 2000, 3010), ("Nordheim", 2480, 3060), ("Skoleveien", 3000, 2990),
    ("Storgata nord", 3250, 2560), ("Lia", 3650, 2300), ("Østre Ringvei", 3690, 1800),
    ("Åsen", 2830, 1600), ("Sørbakken", 3200, 1080), ("Østvik", 3900, 1120),
    ("Østvik brygge", 4250, 1025),
)  # fmt: skip

# Where people on foot meet a main street: how they cross it and what the kerbs are like. Each is
# a point that the main street and a way for walkers share.
CROSSINGS = (
    (2480, 2260, "traffic_signals", "lowered"), (3009.7, 2400.6, "traffic_signals", "lowered"),
    (2500, 2040, "uncontrolled", "lowered"), (2480, 2560, "uncontrolled", "lowered"),
    (2170, 1990, "uncontrolled", "lowered"), (2150, 2160, "uncontrolled", "lowered"),
    (2200, 2590, "uncontrolled", "raised"), (2740, 2590, "uncontrolled", "raised"),
    (1460, 1700, "uncontrolled", "raised"), (2810, 1870, "uncontrolled", "raised"),
    (2855, 1700, "uncontrolled", "raised"), (2840.3, 1612.6, "uncontrolled", "raised"),
    (1800, 1520, "uncontrolled", "raised"), (1500, 1330, "uncontrolled", "raised"),
    (700, 1290, "uncontrolled", "raised"), (880, 2100, "uncontrolled", "raised"),
    (1330, 3270, "uncontrolled", "raised"), (3720, 3130, "uncontrolled", "raised"),
)  # fmt: skip

_TOWN = "surface=asphalt,smoothness=good,lit=yes"
WAY_TAGS = {
    "trunk": "highway=trunk,motorroad=yes,ref=Rv 9999,surface=asphalt,maxspeed=90,oneway=no",
    "trunk_link": "highway=trunk_link,surface=asphalt,maxspeed=60,sidewalk=no,lit=no",
    "primary": f"highway=primary,sidewalk=both,maxspeed=40,{_TOWN}",
    "secondary": f"highway=secondary,sidewalk=both,maxspeed=50,{_TOWN}",
    "tertiary": f"highway=tertiary,sidewalk=right,maxspeed=40,{_TOWN}",
    "residential": f"highway=residential,maxspeed=30,{_TOWN}",
    "island_road": "highway=residential,surface=gravel,smoothness=intermediate,lit=no",
    "unclassified": "highway=unclassified,surface=asphalt,maxspeed=50,lit=no",
    "unclassified_bridge": "highway=unclassified,surface=asphalt,maxspeed=50,lit=no,bridge=yes,"
                           "layer=1",
    "living_street": "highway=living_street,surface=paving_stones,smoothness=good,lit=yes",
    "pedestrian": "highway=pedestrian,surface=paving_stones,smoothness=good,lit=yes",
    "cycleway": f"highway=cycleway,foot=designated,bicycle=designated,segregated=no,{_TOWN}",
    "cycleway_tunnel": "highway=cycleway,foot=designated,bicycle=designated,segregated=no,"
                       f"tunnel=yes,layer=-1,incline=8%,{_TOWN}",
    "footway": "highway=footway,surface=paving_stones,smoothness=good,lit=yes",
    "footway_bridge": "highway=footway,surface=wood,lit=yes,bridge=yes,layer=1,incline=8%",
    "park_walk": "highway=footway,surface=fine_gravel,smoothness=intermediate,lit=yes",
    "square": "highway=pedestrian,area=yes,surface=sett,smoothness=intermediate,lit=yes",
    "steps": "highway=steps,surface=stone,handrail=yes,lit=yes,incline=up",
    "path": "highway=path,surface=ground,smoothness=bad,lit=no,foot=yes",
    "gravel_path": "highway=path,surface=gravel,smoothness=intermediate,lit=no,foot=yes",
    "driveway": "highway=service,service=driveway,surface=asphalt",
    "private_road": "highway=service,access=private,surface=gravel,lit=no",
    "pier": "man_made=pier,highway=footway,surface=wood,lit=yes",
    "quay": "highway=service,surface=asphalt,lit=yes",
}  # fmt: skip

# Farm number of the ground, its tags, and names from the largest down.
GREEN: dict[int, tuple[str, tuple[str, ...]]] = {
    30: ("leisure=park", ("Byparken", "Utsikten")),
    31: ("natural=wood,leaf_type=mixed", ("Nesskogen", "Kvernskogen")),
    32: ("natural=wood,leaf_type=mixed", ("Skoleskogen",)),
    51: ("landuse=farmland", ()),
    52: ("landuse=farmland", ()),
    61: ("landuse=forest,leaf_type=needleleaved", ("Fjordvikmarka",)),
    62: ("landuse=forest,leaf_type=needleleaved", ("Liaskogen",)),
}

STREET_FIRST = (
    "Bjørke", "Rogne", "Furu", "Gran", "Selje", "Older", "Hegge", "Linerle", "Trost", "Svale",
    "Ærfugl", "Måke", "Terne", "Lerke", "Lyng", "Blåveis", "Kløver", "Tiriltunge", "Fjære",
    "Skjell", "Tang", "Seil", "Naust", "Garn", "Jolle", "Sol", "Vinter", "Ekorn", "Reve", "Hare",
    "Grevling", "Myr", "Stein", "Berg", "Haug", "Kvern", "Smie", "Eng", "Åker",
    "Ask", "Alm", "Linde", "Hassel", "Nype", "Bringebær", "Tyttebær", "Multe", "Røsslyng",
    "Kaprifol", "Spurve", "Meis", "Gjøk", "Orre", "Rype", "Ugle", "Makrell", "Torske", "Rur",
    "Krabbe", "Lanterne", "Fyr", "Anker", "Mast", "Ror",
)  # fmt: skip
STREET_LAST = ("veien", "stien", "bakken", "svingen", "kroken", "faret", "tunet", "løkka")
