"""A real nats-server on a port of its own: started, killed, started again; and other processes that talk to it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class NatsServer:
    """One server; its port stays the same over every restart."""

    program: str
    arguments: Sequence[str] = ()
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.port = self.port or free_port()

    @property
    def url(self) -> str:
        """Its address, without anything that signs in."""
        return self.signed_in("")

    def signed_in(self, who: str) -> str:
        """Its address for `who`, such as `user:password@`."""
        return f"nats://{who}127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it listens."""
        command = [self.program, "--addr", "127.0.0.1", "--port", str(self.port), *self.arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, "nats-server ended at once"
                assert time.monotonic() < end, "nats-server did not listen"
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End it without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and does nothing any more.

        Returns once all its threads stand still: the signal alone may leave one time for a last answer.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(self._process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "nats-server ended instead of freezing"


@dataclass
class Other:
    """Another process of the same installation: `python -m tests.integrations.nats.other`."""

    url: str
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, *arguments: str) -> None:
        """Start it and wait until it says that it is ready."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integrations.nats.other", self.url, *arguments], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.line() == "ready"

    def line(self) -> str:
        """The next line that it says."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(true: Callable[[], object], within_s: float = 15.0) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.01)
