"""Whether a request comes from this very machine, and not merely through a proxy that runs on it."""

from __future__ import annotations

import ipaddress

from starlette.requests import Request

_RELAYED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
"""Headers that a proxy adds: whoever asked it may be anywhere."""


def from_this_machine(request: Request) -> bool:
    """True for a peer on the loopback interface that speaks for nobody else."""
    if any(name in request.headers for name in _RELAYED):
        return False
    try:
        peer = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return (mapped or peer).is_loopback
