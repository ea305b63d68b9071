"""Downloading a provider's file: the password to the provider alone, redirects to public addresses alone, a cap."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

from models.filetypes import sniff

SIZE_LIMIT = 16 * 1024 * 1024
MAX_REDIRECTS = 3
TIMEOUT_S = 20.0
_GONE = frozenset({404, 410})
_AS_IT_IS = {"Accept-Encoding": "identity"}
"""What is packed could unpack to anything."""


@dataclass(frozen=True)
class MediaSource:
    """Where a channel's provider keeps files: one host, entered with HTTP Basic."""

    api_url: str
    username: str
    password: str = field(repr=False)

    @property
    def loopback(self) -> bool:
        """Whether the provider is a stand-in on this very machine: then its redirects may stay here."""
        return (urlsplit(self.api_url).hostname or "") in ("127.0.0.1", "localhost", "::1")

    def owns(self, url: SplitResult) -> bool:
        """Whether an address is the provider's own, to which the password may go."""
        own = urlsplit(self.api_url)
        return (url.scheme, url.hostname, _port(url)) == (own.scheme, own.hostname, _port(own))


@dataclass(frozen=True)
class Fetched:
    """A file as it came, with what its first bytes say it is."""

    content: bytes
    content_type: str
    extension: str


class FetchError(Exception):
    """The file cannot be had; `for_good` when another try would end the same."""

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good


class FileSource(Protocol):
    """A provider whose own client fetches its files."""

    async def fetch(self, url: str) -> Fetched:
        """Read a file by the address that its message carries. Raises FetchError."""
        ...


class Downloader:
    """One pool of connections; give it back with `close`."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(transport=transport, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def fetch(self, source: MediaSource, url: str) -> Fetched:
        """Read a file of the provider's. Raises FetchError, httpx.HTTPError or OSError."""
        target = _split(url)
        if not source.owns(target):
            raise FetchError("the address is not the provider's", for_good=True)
        for _ in range(MAX_REDIRECTS + 1):
            request = await self._request(source, target)
            answer = await self._http.send(request, stream=True)
            try:
                if not answer.is_redirect:
                    return await _read(answer)
                target = _split(urljoin(target.geturl(), answer.headers.get("location", "")))
            finally:
                await answer.aclose()
        raise FetchError("too many redirects", for_good=True)

    async def _request(self, source: MediaSource, target: SplitResult) -> httpx.Request:
        """With the password to the provider itself; to anybody else without it, and only to a public address."""
        if source.owns(target):
            basic = httpx.BasicAuth(source.username, source.password)
            return next(basic.auth_flow(self._http.build_request("GET", target.geturl(), headers=_AS_IT_IS)))
        if target.scheme != "https" and not (source.loopback and target.scheme == "http"):
            raise FetchError("the redirect does not lead to https", for_good=True)
        host = target.hostname or ""
        address = await _allowed_address(host, _port(target), loopback=source.loopback)
        # Connect to the very address that was judged: a second look-up could give another one.
        literal = f"[{address}]" if ":" in address else address
        pinned = target._replace(netloc=f"{literal}:{_port(target)}")
        return self._http.build_request(
            "GET", pinned.geturl(), headers={"Host": target.netloc, **_AS_IT_IS}, extensions={"sni_hostname": host}
        )


async def _read(answer: httpx.Response) -> Fetched:
    if answer.status_code in _GONE:
        # A file may be announced a moment before it can be had, so even this is tried again.
        raise FetchError(f"the provider has no such file: HTTP {answer.status_code}")
    if answer.status_code != 200:
        raise FetchError(f"HTTP {answer.status_code}")
    announced = answer.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:12]) > SIZE_LIMIT:
        raise FetchError(f"larger than {SIZE_LIMIT} bytes", for_good=True)
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > SIZE_LIMIT:
            raise FetchError(f"larger than {SIZE_LIMIT} bytes", for_good=True)
    return judged(bytes(content))


def judged(content: bytes, limit: int = SIZE_LIMIT) -> Fetched:
    """A file with what its first bytes say it is. Raises FetchError for one that is too large or not kept."""
    if len(content) > limit:
        raise FetchError(f"larger than {limit} bytes", for_good=True)
    kind = sniff(content[:64])
    if kind is None:
        raise FetchError("not a kind of file that is kept", for_good=True)
    return Fetched(content, kind.content_type, kind.extension)


async def _allowed_address(host: str, port: int, *, loopback: bool) -> str:
    """An address of `host` to connect to. Refuses a host that has any address inside a network of ours."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"the redirect's host is not known: {error}") from error
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    if not addresses or not all(a.is_global or (loopback and a.is_loopback) for a in addresses):
        raise FetchError("the redirect leads into a private network", for_good=True)
    return str(addresses[0])


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise FetchError("the address is malformed", for_good=True) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise FetchError("the address is malformed", for_good=True)
    return parts


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
