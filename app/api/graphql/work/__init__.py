"""Background work: what is due, late, leased and given up."""
