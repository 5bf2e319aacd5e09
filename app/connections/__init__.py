"""Connections: named, configured, authenticated links; their life cycle, authorization, renewal and applications."""
