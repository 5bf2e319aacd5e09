"""The outside world, simulated from definitions: its own ASGI app, ``build_sandbox``, which reads only the catalog."""
