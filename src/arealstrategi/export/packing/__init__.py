"""Pack the tables of the map: whole numbers, steps between vertices, each text once.

Nothing here knows how the page looks; ``templates/data.js`` undoes it in the browser.
"""

from arealstrategi.export.packing.block import Varints, compress, pack_block
from arealstrategi.export.packing.columns import cut
from arealstrategi.export.packing.page import map_page
from arealstrategi.export.packing.parcels import ON_THE_WAY
from arealstrategi.export.packing.tables import MapTables

__all__ = ["ON_THE_WAY", "MapTables", "Varints", "compress", "cut", "map_page", "pack_block"]
