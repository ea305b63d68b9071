"""Figures as SVG: well formed, described, safe in a page with a strict policy, whatever the words are."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import plots
from classifiers.figures import Bin, Said, calibration, confusion, coverage, measured

SVG = "{http://www.w3.org/2000/svg}"
shares = st.floats(0, 1, allow_nan=False)
said = st.lists(st.builds(Said, st.sampled_from("abc"), st.sampled_from("abc"), shares), max_size=40)
FIGURES: list[Callable[[list[Said]], str]] = [
    lambda some: plots.confusion_svg(confusion(some), title='<b>&"', words={"a": '<script>alert("x")</script>'}),
    lambda some: plots.calibration_svg(calibration(some)),
    lambda some: plots.coverage_svg(coverage(some)),
    lambda some: plots.lines_svg({one.said: [one.confidence, 0.5] for one in some}, ["<1>", "2"]),
]


@pytest.mark.parametrize("draw", FIGURES)
@given(some=said)
def test_a_figure_is_well_formed_described_and_harmless(draw: Callable[[list[Said]], str], some: list[Said]) -> None:
    text = draw(some)
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    for element in root.iter():
        assert element.tag.removeprefix(SVG) not in ("script", "style", "foreignObject", "image", "use", "a")
        assert not {name for name in element.attrib if name == "style" or name.startswith("on")}
    assert "nan" not in re.sub(r">[^<]*<", "><", text)


@given(said)
def test_the_figures_add_up(some: list[Said]) -> None:
    table = confusion(some)
    assert sum(sum(row.values()) for row in table.values()) == len(some)
    bins = calibration(some)
    assert sum(one.rows for one in bins) == len(some)
    assert all(one.low <= one.confidence <= one.high + 1e-9 for one in bins)
    points = coverage(some)
    if some:
        right = sum(one.truth == one.said for one in some) / len(some)
        assert points[-1] == pytest.approx((1.0, right))
        assert measured(some)["accuracy"] == pytest.approx(right)
    assert [share for share, _ in points] == sorted(share for share, _ in points)


def test_the_ink_is_the_pages_or_the_files() -> None:
    bins = (Bin(0.8, 0.9, 10, 0.85, 0.8),)
    assert "currentColor" in plots.calibration_svg(bins)
    assert "currentColor" not in plots.calibration_svg(bins, ink="#444444")
