"""How many SQL statements each operation costs, counted on the real door, and how many it may cost."""
