"""``patchbay demo``: the whole journey in a terminal, through the doors of a server that it starts."""
