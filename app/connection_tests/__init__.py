"""Connection tests: named checks of connections, run as ordered steps that are followed as they finish.

``TestRuns`` starts, cancels, shows and follows runs; ``runner`` executes one.
"""
