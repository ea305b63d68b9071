"""Who an address on the network stands for, where it is counted how often somebody asks."""

from __future__ import annotations

import ipaddress


def household(peer: str) -> str:
    """An IPv4 address as it is; of IPv6 the /64, all of which one subscriber has and can go through."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer[:45]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False))
