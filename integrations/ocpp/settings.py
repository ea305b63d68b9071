"""How the central system listens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OcppSettings:
    """Where and how strictly chargers are received.

    `security_profile` is the lowest accepted: 0 open, 1 basic auth, 2 basic auth over TLS, 3 client certificates.
    Below 2 the plain listener is on `port`, and a TLS one beside it where `tls_port` and a certificate are given.
    From 2 on there is only TLS, on `tls_port` or else `port`. Port 0 takes any free port.
    `journal` is the file where reports wait that the desk could not take. A charger of which nothing is remembered
    and that tells no state within `refresh_after_s` of connecting is asked for it; None never asks.
    """

    host: str = "127.0.0.1"
    port: int = 9000
    security_profile: int = 1
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    tls_port: int | None = None
    journal: Path = Path("var/ocpp-journal.jsonl")
    heartbeat_interval_s: int = 300
    call_timeout_s: float = 30.0
    desk_timeout_s: float = 3.0
    refresh_after_s: float | None = 10.0
    ping_interval_s: float | None = 45.0
    ping_timeout_s: float | None = 30.0
    max_frame_bytes: int = 1 << 20
    handshakes_per_ip: int = 200
    frame_queue: int = 20_000
