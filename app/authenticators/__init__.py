"""Carries out every kind of auth method as I/O-free generators that yield requests and are sent answers.

``registry`` finds the authenticator of a method (``base`` is their contract); ``judge`` says what an answer of the
outside means.
"""
