"""The vault: seals values under one key for each workspace and opens them for a stated, audited purpose.

``Vault`` is its face; a key ring from ``key_source`` wraps the keys, ``rotation`` and ``resealing`` change them.
"""
