"""Figures as SVG: plain text without scripts, styles or fonts of their own, so that a page with a strict policy and
a Markdown file may both hold them. Every one has a title and a description; colours are presentation attributes; it
is as wide as what holds it.

`ink` is the colour of lines and words: `currentColor` follows the page's theme, a file names one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from classifiers.figures import Bin

ACCENT = "#3b82f6"
SERIES = ("#ef4444", "#3b82f6", "#8b5cf6", "#14b8a6", "#22c55e", "#f59e0b", "#94a3b8", "#ec4899")
_FONT = 'font-family="system-ui, sans-serif"'
_LEFT, _TOP, _SIDE, _CELL = 52, 16, 260, 46


def confusion_svg(
    confusion: Mapping[str, Mapping[str, int]], *, title: str = "Confusion matrix",
    said: str = "said", truth: str = "truly", words: Mapping[str, str] | None = None, ink: str = "currentColor",
) -> str:  # fmt: skip
    """Rows are what messages truly are, columns what was said; the darker, the greater its share of the row."""
    names = list(confusion)
    cell, left, top = _CELL, 108, 72
    width, height = left + cell * len(names) + 8, top + cell * len(names) + 8
    shown = {name: (words or {}).get(name, name) for name in names}
    parts = [_text(left + cell * len(names) / 2, 14, said, ink), _text(4, top - 8, truth, ink, anchor="start")]
    for column, name in enumerate(names):
        x = left + cell * column + cell / 2
        parts.append(_text(x, top - 8, _short(shown[name]), ink, size=10, turned=True))
    for row, name in enumerate(names):
        total = sum(confusion[name].values())
        y = top + cell * row
        parts.append(_text(left - 8, y + cell / 2 + 4, _short(shown[name], 14), ink, anchor="end", size=11))
        for column, other in enumerate(names):
            count = confusion[name].get(other, 0)
            share, colour = count / total if total else 0.0, ACCENT if name == other else SERIES[0]
            told = f"{shown[name]} → {shown[other]}: {count}"
            parts.append(_square(left + cell * column, y, colour, share, told))
            parts += [_text(left + cell * (column + 0.5), y + cell / 2 + 4, str(count), ink)] if count else []
    told = "; ".join(
        f"{shown[name]}: {confusion[name].get(name, 0)} / {sum(confusion[name].values())}" for name in names
    )
    return _svg(width, height, title, told, parts)


def calibration_svg(
    bins: Sequence[Bin], *, title: str = "Calibration", stated: str = "stated confidence", right: str = "share right",
    ink: str = "currentColor",
) -> str:  # fmt: skip
    """Points on the diagonal: a stated 80 % is right in 80 of 100. A larger point stands for more messages."""
    most = max((one.rows for one in bins), default=1)
    parts = [*_axes(stated, right, ink), _line(_x(0), _y(0), _x(1), _y(1), ink, dashes="4 4", opacity=0.5)]
    parts.append(_path([(_x(one.confidence), _y(one.accuracy)) for one in bins], ACCENT))
    for one in bins:
        told = f"{one.confidence:.0%}: {one.accuracy:.0%} ({one.rows})"
        parts.append(_dot(_x(one.confidence), _y(one.accuracy), 3 + 6 * (one.rows / most) ** 0.5, told))
    told = "; ".join(f"{one.low:.0%}-{one.high:.0%}: {one.accuracy:.0%} ({one.rows})" for one in bins)
    return _svg(_LEFT + _SIDE + 20, _TOP + _SIDE + 44, title, told, parts)


def coverage_svg(
    points: Sequence[tuple[float, float]], *, title: str = "Coverage", kept: str = "share answered without a human",
    right: str = "share right", ink: str = "currentColor",
) -> str:  # fmt: skip
    """How right the answers are when only the surest part of the messages is answered; the line is at 95 %."""
    floor = 0.5
    scaled = [(share, max(0.0, (precision - floor) / (1 - floor))) for share, precision in points]
    parts = [*_axes(kept, right, ink, low=floor)]
    level = _y((0.95 - floor) / (1 - floor))
    parts.append(_line(_x(0), level, _x(1), level, ink, dashes="4 4", opacity=0.5))
    parts.append(_path([(_x(share), _y(height)) for share, height in scaled], ACCENT))
    told = "; ".join(f"{share:.0%}: {precision:.0%}" for share, precision in points[:: max(1, len(points) // 8)])
    return _svg(_LEFT + _SIDE + 20, _TOP + _SIDE + 44, title, told, parts)


def lines_svg(
    series: Mapping[str, Sequence[float]], labels: Sequence[str], *, title: str = "Over time",
    words: Mapping[str, str] | None = None, ink: str = "currentColor",
) -> str:  # fmt: skip
    """A line for each series of shares (0 to 1), with `labels` along the bottom and the names at the right."""
    width, height = 640, 240
    most = max((value for values in series.values() for value in values), default=0.0) or 1.0
    across, up = width - _LEFT - 130, height - 56
    parts = [_line(_LEFT, _TOP + up, _LEFT + across, _TOP + up, ink, opacity=0.6)]
    for share in (0.0, 0.5, 1.0):
        y = _TOP + up * (1 - share)
        parts.append(_line(_LEFT, y, _LEFT + across, y, ink, opacity=0.15))
        parts.append(_text(_LEFT - 6, y + 4, f"{share * most:.0%}", ink, anchor="end", size=11))
    places = [_LEFT + across * index / max(1, len(labels) - 1) for index in range(len(labels))]
    for index in {0, len(labels) // 2, len(labels) - 1} if labels else ():
        parts.append(_text(places[index], height - 20, labels[index], ink, size=11))
    for order, (name, values) in enumerate(series.items()):
        colour = SERIES[order % len(SERIES)]
        drawn = [(x, _TOP + up * (1 - value / most)) for x, value in zip(places, values, strict=True)]
        parts.append(_path(drawn, colour))
        y = _TOP + 12 + 18 * order
        parts.append(_line(_LEFT + across + 14, y - 4, _LEFT + across + 30, y - 4, colour, width=3))
        parts.append(_text(_LEFT + across + 36, y, (words or {}).get(name, name), ink, anchor="start", size=11))
    told = "; ".join(f"{(words or {}).get(name, name)}: {values[-1]:.0%}" for name, values in series.items() if values)
    return _svg(width, height, title, told, parts)


# Pieces -----------------------------------------------------------------------------------------------------------


def _svg(width: float, height: float, title: str, told: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="100%" '
        f'role="img" aria-label="{escape(title)}" {_FONT}>'
        f"<title>{escape(title)}</title><desc>{escape(told)}</desc>{''.join(parts)}</svg>"
    )


def _x(share: float) -> float:
    return _LEFT + _SIDE * min(max(share, 0.0), 1.0)


def _y(share: float) -> float:
    return _TOP + _SIDE * (1 - min(max(share, 0.0), 1.0))


def _axes(below: str, beside: str, ink: str, *, low: float = 0.0) -> list[str]:
    parts = [_line(_x(0), _y(0), _x(1), _y(0), ink), _line(_x(0), _y(0), _x(0), _y(1), ink)]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(_line(_x(0), _y(share), _x(1), _y(share), ink, opacity=0.15))
        parts.append(_text(_LEFT - 6, _y(share) + 4, f"{low + share * (1 - low):.0%}", ink, anchor="end", size=11))
        parts.append(_text(_x(share), _y(0) + 16, f"{share:.0%}", ink, size=11))
    parts.append(_text(_x(0.5), _y(0) + 36, below, ink))
    parts.append(
        f'<text x="12" y="{_y(0.5):g}" transform="rotate(-90 12 {_y(0.5):g})" text-anchor="middle" font-size="12" '
        f'fill="{ink}">{escape(beside)}</text>'
    )
    return parts


def _square(x: float, y: float, colour: str, share: float, told: str) -> str:
    return (
        f'<rect x="{x + 1:g}" y="{y + 1:g}" width="{_CELL - 2}" height="{_CELL - 2}" rx="4" fill="{colour}" '
        f'fill-opacity="{0.06 + 0.5 * share:.3f}"><title>{escape(told)}</title></rect>'
    )


def _text(
    x: float, y: float, words: str, ink: str, *, anchor: str = "middle", size: int = 12, turned: bool = False
) -> str:
    turn = f' transform="rotate(-35 {x:g} {y:g})"' if turned else ""
    start = "start" if turned else anchor
    return (
        f'<text x="{x:g}" y="{y:g}"{turn} text-anchor="{start}" font-size="{size}" fill="{ink}">{escape(words)}</text>'
    )


def _line(
    x: float, y: float, to_x: float, to_y: float, ink: str, *, dashes: str = "", opacity: float = 1, width: int = 1
) -> str:
    more = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x:g}" y1="{y:g}" x2="{to_x:g}" y2="{to_y:g}" stroke="{ink}" stroke-width="{width}" '
        f'stroke-opacity="{opacity:g}"{more}/>'
    )


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>'


def _dot(x: float, y: float, size: float, told: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="{ACCENT}"><title>{escape(told)}</title></circle>'


def _short(words: str, most: int = 12) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
