"""What leaves the program. Exporters take tables, never a Result, and do not know each other."""
