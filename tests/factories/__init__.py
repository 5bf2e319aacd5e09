"""Makes the objects that tests need, each with sound defaults and every field open to change."""
