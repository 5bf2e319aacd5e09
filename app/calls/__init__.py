"""Calls methods of connected systems, bounded, recorded and redacted: ``Executor.call``."""
