"""MODEL_CARD.md and the figures inside a model's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from classifiers.dataset import Row
from classifiers.evaluate import Report, render_report
from classifiers.model import ARRAYS, Model, load_model, save

_TEXT = """# {label}

A linear softmax over hashed n-grams of folded text (words 1-2, characters 2-5, concepts), trained by
`chargehand train` with numpy alone. It reads a message and says what it is about, how soon somebody must act
and in which language it is written.

- Labels: {labels}
- Trained on {rows} messages; {held_out} more, of other families, were held out and measured below.
- Data: {data}
- Licence: that of the data and of this project (Apache-2.0 for the shipped data, which its developers wrote).
- Arrays: `{arrays}`, numpy half precision; SHA-256 in `model.json`.
- Calibration: one temperature fitted on out-of-fold scores (folds by family); a message below its category's
  threshold is marked for review: {thresholds}.
- Danger: words of danger in several languages or the urgency head raise `safety`. The head alone needs
  {alone}, after a doubtful word {checked}.

## Figures on the held-out messages

```text
{figures}
```

## Limits

The shipped data is written by the project, not collected from real traffic: expect lower figures on real messages,
most of all for spoken Tamil and for languages beyond English, Sinhala, Tamil and Spanish. Retrain with your own
corrected messages when you have some hundreds of them. The reading is advice; a person decides about danger and money.
"""


def write_card(
    folder: Path, held_out: Sequence[Row] | None, measure: Callable[[Model, Sequence[Row], str], Report]
) -> Report | None:
    """Measure the model as it lies on disk, and write the figures beside it."""
    model = load_model(folder)
    figures = measure(model, held_out, "held-out messages") if held_out else None
    if figures is not None:
        save(Model(**{**vars(model), "card": {**model.card, "figures": figures.as_json()}}), folder)
    training = model.card["training"]
    text = _TEXT.format(
        label=model.label,
        labels=", ".join(model.category.names),
        rows=training["rows"],
        held_out=training["held_out_rows"],
        data="; ".join(f"`{name}` (SHA-256 `{digest}`)" for name, digest in model.card["data"].items()),
        arrays=ARRAYS,
        thresholds=", ".join(f"{name} {value:.2f}" for name, value in model.thresholds.items()),
        alone=model.hazard_limits.alone,
        checked=model.hazard_limits.checked,
        figures=render_report(figures) if figures else "No rows were held out.",
    )
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")
    return figures
