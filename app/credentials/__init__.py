"""Credentials: what proves to outside systems who we are, from a sealed grant to its revocation.

Applications, grants beside which facts are plain columns, outside references, opening for an audited purpose, the
judgement of what the outside answers, renewal and revocation. Connections own credentials; this room knows of a
connection only what :class:`app.credentials.owner.CredentialOwner` says.
"""
