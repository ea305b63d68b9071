"""`classify`, `train`, `evaluate`: the classifier without anything else running."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from bot import settings
from bot.cli import FAILED, MISUSED, Trouble
from models.reading import Registers


def classify(given: argparse.Namespace) -> int:
    """One text, or a line of JSON for each line of standard input."""
    if given.jsonl == (given.text is not None):
        raise Trouble("chargehand classify: give a TEXT, or --jsonl with lines on standard input", status=MISUSED)
    from classifiers.registry import load  # noqa: PLC0415 - imports numpy

    chosen = settings.load()
    classifier = load(given.model, review_threshold=chosen.review_threshold)
    registers = Registers(default_region=chosen.default_region, currency=chosen.currency)
    if given.text is not None:
        print(json.dumps(classifier.read(given.text, registers).as_json(), ensure_ascii=False))
        return 0
    troubles = 0
    for text, trouble in _texts(sys.stdin.buffer):
        line: Any = {"error": trouble} if text is None else classifier.read(text, registers).as_json()
        troubles += text is None
        print(json.dumps(line, ensure_ascii=False), flush=True)
    return FAILED if troubles else 0


def _texts(lines: Iterable[bytes]) -> Iterator[tuple[str | None, str]]:
    """Each line's text; None and why for JSON that holds none. What is no JSON object is the text itself."""
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        value: Any = None
        if line.lstrip().startswith("{"):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                value = None
        if not isinstance(value, dict):
            yield line, ""
        elif isinstance(value.get("text"), str):
            yield value["text"], ""
        else:
            yield None, "the object has no `text` that is a string"


def train(given: argparse.Namespace) -> None:
    """Train on labelled files and say what came out."""
    from classifiers.train import render_trained, train_files  # noqa: PLC0415 - imports numpy

    trained = train_files(
        given.data, given.out, test=given.test, encoder=given.encoder, out_of_scope=given.out_of_scope,
        keep_examples=given.keep_examples, quiet=False,
    )  # fmt: skip
    print(render_trained(trained))


def evaluate(given: argparse.Namespace) -> None:
    """Figures of a model on a labelled file, or of the rules on what texts name."""
    if given.entities is not None:
        from classifiers.evaluate_entities import evaluate_entities, render_entities  # noqa: PLC0415

        found = evaluate_entities(given.entities)
        print(json.dumps(found.as_json(), indent=2) if given.json else render_entities(found))
        return
    from classifiers.evaluate import evaluate_file  # noqa: PLC0415 - imports numpy
    from classifiers.report import render_report, write_report  # noqa: PLC0415

    figures = evaluate_file(
        given.data, given.model, out_of_scope=given.out_of_scope, with_encoder=not given.without_encoder
    )
    if given.report is not None:
        write_report(figures, given.report)
    print(json.dumps(figures.as_json(), ensure_ascii=False, indent=2) if given.json else render_report(figures))
