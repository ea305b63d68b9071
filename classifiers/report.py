"""A report for people: as text for a terminal, as Markdown with plots for a folder."""

from __future__ import annotations

from pathlib import Path

from classifiers.evaluate import Report
from classifiers.plots import calibration_svg, confusion_svg, coverage_svg

INK = "#6b7280"
MOST_CLASSES = 12  # a larger matrix cannot be read


def _percent(value: float | None) -> str:
    return "   -  " if value is None else f"{100 * value:5.1f} %"


def _hazard_lines(figures: Report) -> list[str]:
    one = figures.hazards
    if one is None:
        return []
    low, high = one.recall_interval
    traps = "" if one.trap_alert_rate is None else f"; on traps {_percent(one.trap_alert_rate)}"
    return [
        "",
        f"  urgency right {_percent(figures.urgency_accuracy)}; of {one.rows} hazards found {_percent(one.recall)}"
        f" (95 % interval {_percent(low)} to {_percent(high)})",
        f"  alarms on other messages {_percent(one.alert_rate)}; on ordinary ones"
        f" {_percent(one.ordinary_alert_rate)}{traps}",
    ]


def _other_lines(figures: Report) -> list[str]:
    lines: list[str] = []
    if figures.language_accuracy is not None:
        lines.append(f"  language named right {_percent(figures.language_accuracy)}")
    if figures.second is not None:
        two = figures.second
        lines.append(
            f"  second topic: of {two.rows} found {_percent(two.recall)}, of named right {_percent(two.precision)}"
        )
    if figures.out_of_scope is not None:
        strange = figures.out_of_scope
        lines.append(
            f"  out of scope: of {strange.rows} turned away {_percent(strange.recall)};"
            f" of the others {_percent(strange.in_scope_rejected)}"
        )
    return lines


def render_report(figures: Report) -> str:
    """The figures as text for a terminal."""
    lines = [
        f"{figures.model} on {figures.data}: {figures.rows} rows",
        f"  accuracy {_percent(figures.accuracy)}   macro-F1 {_percent(figures.macro_f1)}"
        f"   ECE {_percent(figures.ece)}",
        f"  coverage at 95 % precision {_percent(figures.coverage_at_95)}",
    ]
    if figures.answered is not None:
        lines.append(
            f"  answered without review {_percent(figures.answered)},"
            f" of these right {_percent(figures.answered_precision)}"
        )
    lines += ["", "  class            precision  recall   F1       rows"]
    lines += [
        f"  {name:16.16} {_percent(one.precision)}   {_percent(one.recall)}  {_percent(one.f1)}  {one.rows:5d}"
        for name, one in figures.by_class.items()
    ]
    if figures.by_language:
        lines += ["", "  language         accuracy   macro-F1  named right  rows"]
        lines += [
            f"  {name:16.16} {_percent(one.accuracy)}   {_percent(one.macro_f1)}"
            f"   {_percent(figures.language_by.get(name))}  {one.rows:6d}"
            for name, one in figures.by_language.items()
        ]
    return "\n".join([*lines, *_hazard_lines(figures), *_other_lines(figures)])


def write_report(figures: Report, folder: Path) -> None:
    """Write REPORT.md and its plots into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = {
        "calibration": calibration_svg(figures.calibration, ink=INK),
        "coverage": coverage_svg(figures.coverage, ink=INK),
    }
    if len(figures.confusion) <= MOST_CLASSES:
        plots["confusion"] = confusion_svg(figures.confusion, ink=INK)
    for name, drawn in plots.items():
        (folder / f"{name}.svg").write_text(drawn + "\n", encoding="utf-8")
    shown = "\n".join(f"![{name}]({name}.svg)" for name in sorted(plots))
    text = f"# {figures.model} on {figures.data}\n\n```text\n{render_report(figures)}\n```\n\n{shown}\n"
    (folder / "REPORT.md").write_text(text, encoding="utf-8")
