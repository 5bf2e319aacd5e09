"""GraphiQL, served by the hub itself: no outside request, a strict policy, example tabs of the journey."""
