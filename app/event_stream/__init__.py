"""The workspace's ordered, replayable stream of facts, written with the change that makes them true.

Rooms announce with ``EventStream.announce`` in their transaction; ``follow`` is the one way to follow anything live.
"""
