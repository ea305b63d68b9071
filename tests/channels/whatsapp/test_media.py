"""Files: fetched from the provider alone, within limits, kept whole or not at all, given up where staff see it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.channels.whatsapp.settings import WhatsAppSettings
from bot.media import MediaFetcher, MediaSource
from bot.media_download import SIZE_LIMIT
from desk import media
from desk.office import Office
from desk.work import House
from integrations.bus import LocalBus
from models.access import ASSISTANT
from models.member import TeamAlert
from models.message import Media, MediaState
from tests.channels.whatsapp.post_office import AMAL, read_inbox
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeTwilio

JPEG = b"\xff\xd8\xff\xe0" + b"pixels" * 100


@pytest.fixture
async def fetcher(
    office: Office, clock: JumpingClock, bus: LocalBus, house: House, settings: WhatsAppSettings
) -> AsyncIterator[MediaFetcher]:
    """The worker, asked by hand."""
    source = MediaSource(settings.api_url, *settings.credentials)
    fetcher = MediaFetcher(office, clock, bus, house, {"whatsapp": source})
    yield fetcher
    await fetcher.stop()
    await fetcher.run()


async def _files(office: Office) -> list[Media]:
    return await office.read(ASSISTANT, lambda work: list(work.session.scalars(select(Media).order_by(Media.id))))


def _kept(house: House) -> list[Path]:
    return [path for path in Path(house.media_dir).rglob("*") if path.is_file()]


async def _send(doors: Office, twilio: FakeTwilio, *files: tuple[bytes, str]) -> None:
    await twilio.incoming("look", from_=AMAL, media=files)
    await read_inbox(doors)


async def test_files_are_fetched_with_the_password_and_kept_under_random_names(
    doors: Office, twilio: FakeTwilio, fetcher: MediaFetcher, house: House
) -> None:
    await _send(doors, twilio, (JPEG, "image/jpeg"), (b"%PDF-1.7", "image/png"))
    assert await fetcher.work_once() == 2
    picture, document = await _files(doors)
    assert (picture.state, picture.size, picture.content_type) == (MediaState.STORED, len(JPEG), "image/jpeg")
    assert picture.sha256 == hashlib.sha256(JPEG).hexdigest()
    assert document.content_type == "application/pdf"
    assert picture.path is not None
    assert (Path(house.media_dir) / picture.path).read_bytes() == JPEG
    assert picture.url.rsplit("/", 1)[1] not in picture.path
    assert len(_kept(house)) == 2
    assert twilio.complaints == []
    assert await fetcher.work_once() == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><script>alert(1)</script>", "not a kind of file"),
        (b"MZ\x90\x00", "not a kind of file"),
        (b"", "not a kind of file"),
        (JPEG + bytes(SIZE_LIMIT), "larger than"),
    ],
    ids=["a page", "a program", "nothing", "too large"],
)
async def test_a_file_that_may_not_be_kept_is_given_up_at_once_and_staff_see_it(
    doors: Office, twilio: FakeTwilio, fetcher: MediaFetcher, house: House, *, content: bytes, reason: str
) -> None:
    await _send(doors, twilio, (content, "image/jpeg"))
    await fetcher.work_once()
    [file] = await _files(doors)
    assert (file.state, file.path) == (MediaState.FAILED, None)
    assert reason in (file.error or "")
    alert = await doors.read(ASSISTANT, lambda work: work.session.scalars(select(TeamAlert)).one())
    assert (alert.code, alert.message_id) == ("delivery.media_lost", file.message_id)
    assert _kept(house) == []


async def test_a_file_that_cannot_be_had_is_tried_six_times_with_growing_pauses(
    doors: Office, twilio: FakeTwilio, fetcher: MediaFetcher, clock: JumpingClock
) -> None:
    await _send(doors, twilio, (JPEG, "image/jpeg"))
    twilio.messages[-1].media.clear()
    pauses: list[float] = []
    for _ in range(media.MAX_TRIES):
        assert await fetcher.work_once() == 1
        assert await fetcher.work_once() == 0
        [file] = await _files(doors)
        pauses.append((file.due_at - clock.now()).total_seconds())
        clock.set(file.due_at)
    assert pauses[:5] == [15, 60, 240, 960, 3840]
    assert (file.state, file.attempts) == (MediaState.FAILED, 6)
    clock.set(clock.now() + timedelta(days=1))
    assert await fetcher.work_once() == 0


async def test_a_file_comes_when_the_provider_is_back(
    doors: Office, twilio: FakeTwilio, fetcher: MediaFetcher, clock: JumpingClock
) -> None:
    await _send(doors, twilio, (JPEG, "image/jpeg"))
    await twilio.go_away()
    await fetcher.work_once()
    assert (await _files(doors))[0].state is MediaState.WAITING
    await twilio.come_back()
    clock.set(clock.now() + timedelta(seconds=16))
    await fetcher.work_once()
    assert (await _files(doors))[0].state is MediaState.STORED


PRIVATE = (
    "http://10.0.0.1/x", "http://169.254.169.254/latest/meta-data", "http://192.168.1.1/", "http://[fd00::1]/",
    "file:///etc/passwd", "ftp://example.org/x", "http://user:password@127.0.0.1/x", "http://127.0.0.1:99999/",
)  # fmt: skip


async def test_a_redirect_into_a_private_network_or_to_no_web_address_is_not_followed(
    doors: Office, twilio: FakeTwilio, fetcher: MediaFetcher
) -> None:
    for target in PRIVATE:
        await _send(doors, twilio, (JPEG, "image/jpeg"))
        twilio.media_redirect = target
        await fetcher.work_once()
        file = (await _files(doors))[-1]
        assert file.state is MediaState.FAILED, target
        assert "private network" in (file.error or "") or "malformed" in (file.error or ""), target


async def test_redirects_without_end_are_given_up(doors: Office, twilio: FakeTwilio, fetcher: MediaFetcher) -> None:
    await _send(doors, twilio, (JPEG, "image/jpeg"))
    twilio.media_redirect = (await _files(doors))[0].url
    await fetcher.work_once()
    assert "too many redirects" in ((await _files(doors))[0].error or "")


async def test_a_file_that_nobody_waits_for_any_more_is_not_left_on_disk(
    doors: Office, twilio: FakeTwilio, fetcher: MediaFetcher, house: House
) -> None:
    await _send(doors, twilio, (JPEG, "image/jpeg"))
    [job] = await doors.run(ASSISTANT, media.claim, ("whatsapp",), 5)
    await doors.run(ASSISTANT, lambda work: setattr(work.session.get_one(Media, job.id), "state", MediaState.DELETED))
    await fetcher.fetch_and_keep(job)
    assert _kept(house) == []


async def test_two_fetchers_never_take_the_same_file_and_one_that_dies_gives_it_back(
    doors: Office, twilio: FakeTwilio, clock: JumpingClock
) -> None:
    await _send(doors, twilio, *[(JPEG, "image/jpeg")] * 8)
    taken = await asyncio.gather(*(doors.run(ASSISTANT, media.claim, ("whatsapp",), 3) for _ in range(4)))
    ids = [job.id for jobs in taken for job in jobs]
    assert len(ids) == len(set(ids))
    clock.set(clock.now() + timedelta(seconds=media.LEASE_S))
    again = await doors.run(ASSISTANT, media.claim, ("whatsapp",), 20)
    assert len(again) == 8


async def test_the_worker_wakes_when_a_file_arrives_and_stops_when_told(
    doors: Office, twilio: FakeTwilio, fetcher: MediaFetcher
) -> None:
    worker = asyncio.create_task(fetcher.run())
    await asyncio.sleep(0.05)
    await _send(doors, twilio, (JPEG, "image/jpeg"))
    async with asyncio.timeout(5):
        while (await _files(doors))[0].state is not MediaState.STORED:
            await asyncio.sleep(0.02)
        await fetcher.stop()
        await worker
