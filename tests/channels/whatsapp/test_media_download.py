"""Where a download may lead, and what a file is."""

from __future__ import annotations

import httpx
import pytest

from bot.media_download import Downloader, FetchError, MediaSource
from models.filetypes import sniff

JPEG = b"\xff\xd8\xff\xe0pixels"
SECRETS = ("AC1", "token")


class _Scripted(httpx.AsyncBaseTransport):
    """Answers in turn and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answers.pop(0)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.org/2010-04-01/Media/ME1", "https://api.twilio.com.evil.example.org/x",
        "http://api.twilio.com/x", "https://api.twilio.com:8443/x", "https://api.twilio.com@evil.example.org/x",
        "https://evil.example.org#api.twilio.com", "//api.twilio.com/x", "nonsense",
    ],
)  # fmt: skip
async def test_the_password_goes_to_the_provider_alone(url: str) -> None:
    source = MediaSource("https://api.twilio.com", *SECRETS)
    script = _Scripted()
    with pytest.raises(FetchError) as refusal:
        await Downloader(script).fetch(source, url)
    assert refusal.value.for_good
    assert script.asked == []


@pytest.mark.parametrize("target", ["https://127.0.0.1/x", "https://localhost/x", "https://[::ffff:10.0.0.1]/x",
                                    "http://93.184.215.14/x"])  # fmt: skip
async def test_the_real_provider_may_not_lead_us_to_ourselves_nor_off_tls(target: str) -> None:
    script = _Scripted(httpx.Response(307, headers={"Location": target}))
    with pytest.raises(FetchError):
        await Downloader(script).fetch(
            MediaSource("https://api.twilio.com", *SECRETS), "https://api.twilio.com/Media/ME1"
        )
    assert len(script.asked) == 1


async def test_the_redirect_is_followed_to_the_address_that_was_judged_without_the_password() -> None:
    script = _Scripted(
        httpx.Response(307, headers={"Location": "https://93.184.215.14/file?sig=1"}),
        httpx.Response(200, stream=httpx.ByteStream(JPEG)),
    )
    source = MediaSource("https://api.twilio.com", *SECRETS)
    file = await Downloader(script).fetch(source, "https://api.twilio.com/Media/ME1")
    assert file.content == JPEG
    first, second = script.asked
    assert first.headers["authorization"].startswith("Basic ")
    assert "authorization" not in second.headers
    assert (str(second.url), second.headers["host"]) == ("https://93.184.215.14/file?sig=1", "93.184.215.14")
    assert second.extensions["sni_hostname"] == "93.184.215.14"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xdb", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"), (b"OggS\x00", "audio/ogg"), (b"#!AMR\n", "audio/amr"),
        (b"ID3\x04", "audio/mpeg"), (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftyp3gp4", "video/3gpp"), (b"BEGIN:VCARD\r\nVERSION:3.0", "text/vcard"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None), (b"PK\x03\x04", None), (b"<svg xmlns=", None), (b"%!PS", None),
    ],
)  # fmt: skip
def test_a_file_is_what_its_first_bytes_say(head: bytes, kind: str | None) -> None:
    found = sniff(head)
    assert (found.content_type if found else None) == kind
