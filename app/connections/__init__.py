"""Connections: named, configured, authenticated links, with their life cycle and attempts to authenticate them.

``Connections`` has the verbs and the lists, ``Authorizations`` the attempts, ``BrowserDoor`` the part of them that
happens in a browser. Their credentials are the business of the room below.
"""
