"""Who does it, and what they may do."""
