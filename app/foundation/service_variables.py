"""The variables that Kubernetes puts into every container for each Service there is.

A Service ``patchbay-web`` gives ``PATCHBAY_WEB_SERVICE_HOST``, ``PATCHBAY_WEB_PORT=tcp://10.0.0.7:8000`` and five more
(Kubernetes, "Discovering services"). Nobody set them, so they must be no setting, no secret and no application.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

_ADDRESS: Final = r"(?:tcp|udp|sctp)://.+:[0-9]{1,5}"
_NUMBER: Final = r"[0-9]{1,5}"
_FORMS: Final = tuple(
    (re.compile(name), re.compile(value))
    for name, value in (
        (r".+_SERVICE_PORT(_[A-Z0-9_]+)?", _NUMBER),
        (r".+_PORT(_[0-9]{1,5}_(TCP|UDP|SCTP))?", _ADDRESS),
        (r".+_PORT_[0-9]{1,5}_(TCP|UDP|SCTP)_PORT", _NUMBER),
        (r".+_PORT_[0-9]{1,5}_(TCP|UDP|SCTP)_PROTO", r"tcp|udp|sctp"),
    )
)
_HOST: Final = re.compile(r".+(_SERVICE_HOST|_PORT_[0-9]{1,5}_(TCP|UDP|SCTP)_ADDR)")


def is_service_variable(name: str, value: str) -> bool:
    """Return whether a variable is one of those: both its name and its value have the form of one."""
    if _HOST.fullmatch(name):
        return _is_address(value)
    return any(form.fullmatch(name) and content.fullmatch(value) for form, content in _FORMS)


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
