"""What a form's fields may hold."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from starlette.datastructures import FormData, Headers, UploadFile

from console.pages.form import Form
from models.access import Role
from models.errors import BadInput

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
IMAGES = ("image/png", "image/jpeg")


def _form(**fields: str) -> Form:
    return Form(FormData(list(fields.items())))


def _file(name: str, data: bytes, said: str = "image/png") -> Form:
    file = UploadFile(io.BytesIO(data), filename=name, headers=Headers({"content-type": said}))
    return Form(FormData([("photo", file)]))


def test_text_is_stripped_and_measured() -> None:
    assert _form(a="  x\r\ny ").text("a") == "x\ny"
    assert _form().text("a") == ""
    bad: list[Callable[[], object]] = [
        lambda: _form(a=" ").text("a", required=True), lambda: _form(a="xxx").text("a", most=2),
        lambda: _form(a="x\0").text("a"), lambda: _form(a="king").choice("a", Role),
    ]  # fmt: skip
    for look in bad:
        with pytest.raises(BadInput):
            look()


@pytest.mark.parametrize("given", ["", "x", "1.5", "--5", "²", "١", "1e3", " ", "9" * 30, "-1", "11"])
def test_a_number_is_whole_and_in_its_range(given: str) -> None:
    with pytest.raises(BadInput):
        _form(a=given).integer("a", most=10)


def test_a_password_is_taken_as_it_was_typed() -> None:
    assert _form(a="  two spaces  ").secret("a") == "  two spaces  "


async def test_a_file_is_what_its_first_bytes_say() -> None:
    taken = await _file("../../etc/pass wd<x>.png", PNG).upload("photo", types=IMAGES, most=1000)
    assert taken is not None
    assert (taken.name, taken.content_type, taken.extension, taken.data) == ("pass wdx.png", "image/png", ".png", PNG)
    assert await _file("", b"").upload("photo", types=IMAGES, most=1000) is None
    for name, data in (("a.png", b"<script>alert(1)</script>"), ("a.png", b"%PDF-1.7"), ("a.svg", b"<svg onload=x>"),
                       ("a.png", PNG + b"x" * 1000)):  # fmt: skip
        with pytest.raises(BadInput):
            await _file(name, data).upload("photo", types=IMAGES, most=1000)
