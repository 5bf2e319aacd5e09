"""Connections and their authorizations."""
