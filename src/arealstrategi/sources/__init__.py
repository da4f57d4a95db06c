"""Everything that reads: files, OpenStreetMap, elevation, online services, the demo municipality.

Readers do not know each other; each ends in the tables of `arealstrategi.tables`.
"""
