"""The outside world, simulated from definitions: its own ASGI app, which reads only the catalog."""
