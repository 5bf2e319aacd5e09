"""Who is asking, what the hub is, and access tokens."""
