"""Field cases: what real users of such systems ran into, one test a row at least; a test's text begins with its row."""
