"""How long a transport waits for its client, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransportTimeouts:
    """The transports' times; tests make them short."""

    init_s: float = 10.0
    """A websocket that has not said who it is by then is closed with 4408."""
    send_s: float = 10.0
    """A client that takes nothing for so long is cut off; it comes back with its last cursor."""
    close_s: float = 1.0
    """How long a closing handshake may take."""
    revalidate_s: float = 15.0
    """How often access is checked again while a stream is open."""
    heartbeat_s: float = 12.0
    """How often an idle event stream shows that it lives."""
