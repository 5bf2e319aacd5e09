"""Connection tests: named checks of connections, run as ordered steps that are streamed as they finish."""
