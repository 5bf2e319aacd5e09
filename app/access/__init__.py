"""Who does it, and what they may do: ``Actor``, ``require`` and ``may``, and keys that make a verb act once.

Every verb of a room takes the actor first and asks ``require`` for its permission.
"""
