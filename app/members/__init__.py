"""Workspaces, their members, access tokens and sign-in; everything that joins or leaves is audited."""
