"""MODEL_CARD.md, the report and the figures inside a model's folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from classifiers.dataset import Row
from classifiers.evaluate import Report, report
from classifiers.model import Model, Rules
from classifiers.model_files import ARRAYS, load_model, save
from classifiers.report import render_report, write_report

_TEXT = """# {label}

Two views of a message and one answer. View A: a linear softmax over hashed n-grams of folded text (words 1-2,
characters 2-5, concepts), numpy alone. View B: {encoder}. Their logits are fused by scales fitted for each group of
scripts. The model reads a message and says what it is about, how soon somebody must act and in which language it is
written; {alone} view A serves alone.

- Labels: {labels}
- Trained by `chargehand train` on {rows} messages; measured on {held_out} others, below.
- Data: {data}
- Licence: that of the data and of this project (Apache-2.0 for the shipped data, which its developers wrote).
- Arrays: `{arrays}`, numpy half precision; SHA-256 `{sha256}`.
- Seeds: none is drawn in training the heads (L-BFGS from a fixed start; folds by hash of family); the encoder's is in
  its card.
- Calibration: scales and biases fitted on logits of rows whose family no part of the model had seen; a message below
  its category's threshold, or that the gate takes for out of scope, is marked for review: {thresholds}.
- Danger: words of danger in several languages and a head of its own are weighed together by a logistic regression;
  from {alarm} on it raises `safety`. A short cry (a danger beside a device) raises it at once, and after a word of
  danger that nothing guards a person looks.

## Figures on {measured}

```text
{figures}
```

Plots: [REPORT.md](REPORT.md).

## Limits

The project's own messages were written by its developers, helped by a language model, in a few sittings; those
measured were written apart from those learnt, but by like hands: the figures show consistency with the label guide,
not truth about real traffic. Expect lower figures on real messages, most of all for spoken Tamil and for languages
beyond English, Sinhala, Tamil and Spanish. Retrain with your own corrected messages when you have some hundreds of
them. The reading is advice; a person decides about danger and money.
"""


def _encoder_words(model: Model) -> str:
    if model.encoder is None:
        return "none"
    card = model.encoder.card
    tuned = card.get("tuning")
    how = f", tuned on {tuned['rows']} messages (seed {tuned['seed']})" if tuned else ", as published"
    return f"{card['source']}, {card['pieces']} pieces{how}; SHA-256 `{model.encoder.sha256}`"


def _thresholds(rules: Rules) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in list(rules.thresholds.items())[:12])


def write_card(folder: Path, tests: Sequence[Row] | None, data: str, out_of_scope: str | None = None) -> Report | None:
    """Measure the model as it lies on disk, and write figures, report and card beside it."""
    model = load_model(folder)
    figures = report(model, tests, data, out_of_scope=out_of_scope) if tests else None
    if figures is not None:
        model = replace(model, card={**model.card, "figures": figures.as_json()})
        save(model, folder)
        write_report(figures, folder)
    training = model.card["training"]
    names = ", ".join(model.category.names[:12]) + (" …" if len(model.category.names) > 12 else "")
    text = _TEXT.format(
        label=model.label,
        encoder=_encoder_words(model),
        alone="where onnxruntime or the encoder is away" if model.encoder else "here",
        labels=names,
        rows=training["rows"],
        held_out=training["held_out_rows"],
        data="; ".join(f"`{name}` (SHA-256 `{digest}`)" for name, digest in model.card["data"].items()),
        arrays=ARRAYS,
        sha256=hashlib.sha256((folder / ARRAYS).read_bytes()).hexdigest(),
        thresholds=_thresholds(model.rules),
        alarm=model.rules.hazard_limits.alarm,
        measured=data,
        figures=render_report(figures) if figures else "No rows were held out.",
    )
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")
    return figures
