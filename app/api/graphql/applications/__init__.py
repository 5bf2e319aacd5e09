"""Applications: client ids and secrets registered with providers."""
