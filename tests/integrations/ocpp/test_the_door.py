"""Who gets in, which socket counts, and how it ends."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from integrations.ocpp.admission import TRIES, TRY_EVERY_S
from integrations.ocpp.settings import OcppSettings
from integrations.ocpp.transport import CentralSystem
from models.charger import OrderKind, OrderOutcome
from models.ports import Order
from tests.clock import JumpingClock
from tests.integrations.ocpp.memory_desk import (
    PASSWORD,
    FastClock,
    MemoryDesk,
    basic,
    eventually,
    raw_charger,
)


async def _turned_away(url: str, headers: dict[str, str], *protocols: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(
            url,
            additional_headers=headers,
            subprotocols=[Subprotocol(name) for name in protocols] or None,
            proxy=None,
        ):
            pass
    response = refusal.value.response
    return response.status_code, (response.body or b"").decode()


@pytest.mark.parametrize(
    "path",
    ["/", "/ocpp", "/ocpp/", "/other/CP1", "/ocpp/a/b", "/ocpp/CP%201", "/ocpp/CP%00", "/ocpp/CP%2F1",
     "/ocpp/" + "x" * 49, "/ocpp/%E0%B6%9A", "/metrics"],
)  # fmt: skip
async def test_a_path_without_a_proper_identity_is_not_found(path: str, central: CentralSystem) -> None:
    status, sentence = await _turned_away(f"ws://127.0.0.1:{central.port}{path}", basic("CP1"), "ocpp1.6")
    assert status == 404
    assert sentence.strip().endswith(".")


@pytest.mark.parametrize("path", ["/ocpp/CP1", "//ocpp//CP1", "/ocpp/CP1/", "/ocpp/%43P1", "/ocpp/CP1?x=1"])
async def test_an_identity_is_found_however_it_is_written(path: str, central: CentralSystem) -> None:
    async with connect(
        f"ws://127.0.0.1:{central.port}{path}",
        additional_headers=basic("CP1"),
        subprotocols=[Subprotocol("ocpp1.6")],
        proxy=None,
    ):
        await eventually(lambda: central.connected("CP1"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("CP1", "wrong"),
        basic("CP1", ""),
        basic("CP2"),
        basic("CP1", b"\xff\xfe\x00"),
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic"},
    ],
)
async def test_without_the_right_password_nobody_gets_in(
    headers: dict[str, str], central: CentralSystem, desk: MemoryDesk
) -> None:
    status, sentence = await _turned_away(f"ws://127.0.0.1:{central.port}/ocpp/CP1", headers, "ocpp1.6")
    assert status == 401
    assert PASSWORD not in sentence
    assert desk.told == []
    assert central.stats()["admissions_refused"] == 1


async def test_wrong_passwords_are_tried_slowly_and_shut_nobody_else_out(
    desk: MemoryDesk, settings: OcppSettings
) -> None:
    clock = JumpingClock()
    central = CentralSystem(desk, clock, settings)
    await central.start()
    try:
        url = f"ws://127.0.0.1:{central.port}/ocpp/"
        async with raw_charger(central.port, "CP1"):
            pass
        answers = [
            (await _turned_away(url + name, basic(name, f"wrong{number}"), "ocpp1.6"))[0]
            for name in ("CP1", "CP2")
            for number in range(TRIES + 3)
        ]
        assert answers == ([401] * TRIES + [429] * 3) * 2
        assert len(desk.profiles) == 1 + 2 * TRIES
        async with raw_charger(central.port, "CP1"), raw_charger(central.port, "CP3"):
            pass
        assert (await _turned_away(url + "CP2", basic("CP2"), "ocpp1.6"))[0] == 429
        await clock.fast_forward(seconds=TRY_EVERY_S)
        async with raw_charger(central.port, "CP2"):
            pass
    finally:
        await central.stop()


async def test_an_unknown_identity_is_the_desks_to_refuse(central: CentralSystem) -> None:
    status, _ = await _turned_away(f"ws://127.0.0.1:{central.port}/ocpp/XX9", basic("XX9"), "ocpp1.6")
    assert status == 401


async def test_a_binary_password_fits_a_key_configured_in_hex(central: CentralSystem, desk: MemoryDesk) -> None:
    desk.admitted["CP1"] = "00FF10AA"
    async with raw_charger(central.port, additional_headers=basic("CP1", bytes.fromhex("00FF10AA"))):
        await eventually(lambda: central.connected("CP1"))


@pytest.mark.parametrize(
    ("offered", "version"),
    [
        (("ocpp1.6",), "1.6"),
        (("ocpp2.0.1",), "2.0.1"),
        (("ocpp1.6", "ocpp2.0.1"), "2.0.1"),
        (("ocpp2.1", "ocpp1.6"), "1.6"),
        ((), "1.6"),
    ],
)
async def test_the_version_is_chosen_in_the_servers_order(
    offered: tuple[str, ...], version: str, central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port, subprotocols=offered) as charger:
        await eventually(lambda: desk.of("connected") == [version])
        assert charger.socket.subprotocol == (f"ocpp{version}" if offered else None)


async def test_only_unknown_protocols_are_a_bad_request(central: CentralSystem) -> None:
    status, sentence = await _turned_away(f"ws://127.0.0.1:{central.port}/ocpp/CP1", basic("CP1"), "ocpp1.2", "mqtt")
    assert status == 400
    assert "ocpp2.0.1" in sentence


async def test_no_compression_is_agreed(central: CentralSystem) -> None:
    async with raw_charger(central.port, compression="deflate") as charger:
        assert charger.socket.response is not None
        assert "Sec-WebSocket-Extensions" not in charger.socket.response.headers


async def test_the_newest_socket_wins_and_the_old_ones_end_touches_nothing(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as old:
        await old.ask("Heartbeat", {})
        waiting = asyncio.create_task(central.call(Order("o1", "CP1", OrderKind.CLEAR_CACHE)))
        assert (await old.hear())[2] == "ClearCache"
        async with raw_charger(central.port) as new:
            await old.socket.wait_closed()
            assert (await waiting).outcome is OrderOutcome.LOST
            await new.ask("Heartbeat", {})
            await eventually(lambda: len(desk.of("disconnected")) == 1)
            assert desk.online == {"CP1": 2}
            assert central.connected("CP1")
            assert central.stats()["connected"] == 1
            assert central.stats()["replaced"] == 1
    await eventually(lambda: desk.online == {})
    assert not central.connected("CP1")


async def test_a_charger_that_flaps_ends_up_connected_once(central: CentralSystem, desk: MemoryDesk) -> None:
    async with AsyncExitStack() as stack:
        chargers = [await stack.enter_async_context(raw_charger(central.port)) for _ in range(30)]
        await chargers[-1].ask("Heartbeat", {})
        assert central.stats()["connected"] == 1
        await eventually(lambda: len(desk.of("disconnected")) == 29)
        assert desk.online == {"CP1": 30}


async def test_known_chargers_come_back_while_the_desk_is_away_and_strangers_wait(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.ask("Heartbeat", {})
    desk.away = True
    async with raw_charger(central.port) as charger:
        await charger.ask("Heartbeat", {})
    url = f"ws://127.0.0.1:{central.port}/ocpp"
    assert (await _turned_away(f"{url}/CP1", basic("CP1", "wrong"), "ocpp1.6"))[0] == 503
    assert (await _turned_away(f"{url}/CP2", basic("CP2"), "ocpp1.6"))[0] == 503
    desk.away = False
    await eventually(lambda: central.stats()["journal_pending"] == 0 and len(desk.of("disconnected")) == 2)
    assert desk.online == {}


async def test_too_many_unfinished_handshakes_of_one_address_are_cut(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    central = CentralSystem(desk, fast_clock, replace(settings, handshakes_per_ip=3))
    await central.start()
    idle = [await asyncio.open_connection("127.0.0.1", central.port) for _ in range(3)]
    await asyncio.sleep(0.05)
    with pytest.raises((OSError, InvalidHandshake)):
        async with raw_charger(central.port):
            pass
    assert central.stats()["handshakes_refused"] == 1
    for _, writer in idle:
        writer.close()
    await asyncio.sleep(0.05)
    async with raw_charger(central.port) as charger:
        await charger.ask("Heartbeat", {})
    await central.stop()


async def test_it_stops_within_two_seconds_with_fifty_connected_even_if_some_say_nothing(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    central = CentralSystem(desk, fast_clock, settings)
    await central.start()
    async with AsyncExitStack() as stack:
        for number in range(50):
            await stack.enter_async_context(raw_charger(central.port, f"CP{number}"))
        deaf = [_deaf_charger(central.port, f"CP9{number}") for number in range(3)]
        await eventually(lambda: central.stats()["connected"] == 53)
        waiting = asyncio.create_task(central.call(Order("o1", "CP1", OrderKind.CLEAR_CACHE)))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await central.stop()
        assert time.monotonic() - began < 2
        assert (await waiting).outcome is OrderOutcome.LOST
        assert central.stats()["connected"] == 0
        assert len(desk.of("disconnected")) == 53
        assert desk.online == {}
        for one in deaf:
            one.close()


def _deaf_charger(port: int, charger_id: str) -> socket.socket:
    """A socket that shakes hands and then never reads."""
    raw = socket.create_connection(("127.0.0.1", port))
    lines = [
        f"GET /ocpp/{charger_id} HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        f"Authorization: {basic(charger_id)['Authorization']}",
    ]  # fmt: skip
    raw.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return raw


async def test_a_taken_port_is_an_error_at_the_start(
    central: CentralSystem, desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    second = CentralSystem(desk, fast_clock, replace(settings, port=central.port))
    with pytest.raises(OSError, match=r"address already in use|in use"):
        await second.start()
    await second.stop()


def _certificates(folder: Path) -> None:
    """An authority, our own certificate, and a charger's."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name, issued in (
        ("server", authority.issue_cert("127.0.0.1")),
        ("charger", authority.issue_cert("charger.example", common_name="CP1")),
    ):
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")


async def test_tls_with_a_password_is_profile_2_and_with_a_certificate_profile_3(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings, tmp_path: Path
) -> None:
    _certificates(tmp_path)
    desk.admitted["CP1"] = PASSWORD
    secure = replace(
        settings,
        security_profile=2,
        tls_cert=tmp_path / "server.pem",
        tls_key=tmp_path / "server.key",
        tls_ca=tmp_path / "ca.pem",
    )
    central = CentralSystem(desk, fast_clock, secure)
    await central.start()
    assert central.port == central.tls_port
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    url = f"wss://127.0.0.1:{central.port}/ocpp"
    async with connect(
        f"{url}/CP1", ssl=trust, additional_headers=basic("CP1"), subprotocols=[Subprotocol("ocpp1.6")], proxy=None
    ):
        await eventually(lambda: desk.profiles == [2])
    with pytest.raises(InvalidStatus):
        async with connect(f"{url}/CP1", ssl=trust, subprotocols=[Subprotocol("ocpp1.6")], proxy=None):
            pass
    desk.admitted["CP1"] = None
    trust.load_cert_chain(tmp_path / "charger.pem", tmp_path / "charger.key")
    async with connect(f"{url}/CP1", ssl=trust, subprotocols=[Subprotocol("ocpp1.6")], proxy=None):
        await eventually(lambda: desk.profiles[-1] == 3)
    with pytest.raises(InvalidStatus):
        async with connect(f"{url}/CP2", ssl=trust, subprotocols=[Subprotocol("ocpp1.6")], proxy=None):
            pass
    await central.stop()


async def test_tls_without_a_certificate_does_not_start(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    with pytest.raises(ValueError, match="OCPP_TLS_CERT"):
        await CentralSystem(desk, fast_clock, replace(settings, security_profile=2)).start()


async def test_an_open_port_tells_the_desk_that_nobody_proved_anything(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    desk.admitted["CP1"] = None
    central = CentralSystem(desk, fast_clock, replace(settings, security_profile=0))
    await central.start()
    async with raw_charger(central.port, additional_headers={}) as charger:
        await charger.ask("Heartbeat", {})
        assert desk.profiles == [0]
    await central.stop()


async def test_what_the_old_socket_said_is_told_before_what_the_new_one_says(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    def stop(number: int) -> dict[str, object]:
        return {"transactionId": number, "meterStop": 1, "timestamp": "2026-03-02T08:00:00Z"}

    async with raw_charger(central.port) as old:
        await old.ask("Heartbeat", {})
        for number in range(1, 31):
            await old.send([2, f"s{number}", "StopTransaction", stop(number)])
        async with raw_charger(central.port) as new:
            await new.ask("StopTransaction", stop(99))
    told = [report.transaction_id for report in desk.of("stopped")]
    assert told[-1] == 99
    assert told[:-1] == sorted(told[:-1])
