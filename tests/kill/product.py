"""Chargehand as a process of its own: started, killed without warning, started again on the same ports."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.twilio import FakeTwilio

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_URL = "https://desk.example"
FAST = (sys.executable, "-m", "tests.kill.serve_fast")
START_S = 120.0
LOG_TAIL = 6_000


@dataclass
class Product:
    """One process over a database. `command` is what is started; its ports stay the same over every restart.

    `more` are further settings.
    """

    database_url: str
    folder: Path
    twilio: FakeTwilio
    command: Sequence[str] = FAST
    roles: Sequence[str] = ()
    ready_word: str = "READY"
    name: str = "product"
    more: Mapping[str, str] = field(default_factory=dict)
    http_port: int = 0
    ocpp_port: int = 0
    kills: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.http_port = self.http_port or free_port()
        self.ocpp_port = self.ocpp_port or free_port()
        self.log = self.folder / f"{self.name}.log"

    @property
    def http(self) -> str:
        """Where its web side listens."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def ocpp(self) -> str:
        """What chargers dial, without their identity."""
        return f"ws://127.0.0.1:{self.ocpp_port}/ocpp"

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def _environment(self) -> dict[str, str]:
        given = {
            "DATABASE_URL": self.database_url, "DATA_DIR": str(self.folder), "PUBLIC_URL": PUBLIC_URL,
            "HTTP_PORT": str(self.http_port), "OCPP_PORT": str(self.ocpp_port), "SECRET_KEY": "k" * 40,
            "TWILIO_ACCOUNT_SID": self.twilio.account_sid, "TWILIO_AUTH_TOKEN": self.twilio.auth_token,
            "TWILIO_WHATSAPP_FROM": self.twilio.number, "TWILIO_API_URL": self.twilio.api_url, **self.more,
        }  # fmt: skip
        plain = {name: value for name, value in os.environ.items() if not name.startswith("CHARGEHAND_")}
        return plain | {f"CHARGEHAND_{name}": value for name, value in given.items()}

    def spawn(self) -> None:
        """Start it and do not wait."""
        assert not self.alive
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.command, *self.roles],
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    async def start(self) -> None:
        """Start it and wait until it serves. Fails with the tail of its log."""
        heard = self.log.stat().st_size if self.log.exists() else 0
        self.spawn()
        end = time.monotonic() + START_S
        while self.ready_word.encode() not in self.log.read_bytes()[heard:]:
            assert self.alive, f"{self.name} died at its start\n{self.tail()}"
            assert time.monotonic() < end, f"{self.name} did not start\n{self.tail()}"
            await asyncio.sleep(0.02)

    def kill(self) -> None:
        """kill -9: no last words. Nothing where it is dead already."""
        if self._process is not None and self.alive:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=10)
            self.kills += 1

    def stop(self) -> None:
        """End it, gently if it goes."""
        if self._process is None or not self.alive:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=8)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)

    def tail(self) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.log}, its end\n{text[-LOG_TAIL:]}"


def free_port() -> int:
    """A port that nobody listens on, below those that the system hands out for outgoing connections."""
    for _ in range(200):
        port = random.SystemRandom().randrange(12_000, 30_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
