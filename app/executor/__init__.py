"""The executor: calls methods of connected systems, bounded, recorded and redacted."""
