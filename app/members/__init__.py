"""Workspaces, their members, access tokens and sign-in; everything that joins or leaves is audited.

``Members``, ``Tokens`` and ``SignIn`` have the verbs; a request's actor comes from here.
"""
