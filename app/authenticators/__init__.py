"""Carries out every kind of auth method as I/O-free generators that yield requests and are sent answers."""
