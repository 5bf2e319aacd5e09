"""The integrations: each version is one frozen ``Definition``, loaded from a YAML file and checked by every rule.

``load_catalog`` makes the ``Catalog``, which finds, searches and counts.
"""
