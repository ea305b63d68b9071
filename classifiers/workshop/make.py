"""`make model`: from published weights and labelled messages to the encoder that is shipped.

    python -m classifiers.workshop [--data FILE…] [--out DIR] [--epochs N] [--rate R] [--contrast C] [--push P]
                                   [--folds N] [--pieces N] [--weights DIR] [--plain]

Three twins are tuned, each without one part of the families, for honest logits of every row; then one on all rows.
`--plain` exports the published encoder as it is, whole vocabulary and full precision (for labels of other trades).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from classifiers.dataset import OWN_DATA, Row, bucket, read_files, read_rows
from classifiers.encoder import CARD, FORMAT, GRAPH, MAX_TOKENS, TOKENIZER, UNSEEN, Encoder, load_encoder, text_key
from classifiers.model import DANGER, HARMLESS
from classifiers.neighbours import nearness_of
from classifiers.ngrams import Floats
from classifiers.speech import learn_speech
from classifiers.views import category_targets, danger_targets, joined, label_targets, material
from classifiers.workshop.export import export, shrink
from classifiers.workshop.network import (
    SEED,
    Course,
    Heads,
    Progress,
    SentenceEncoder,
    Task,
    embed,
    load_bert,
    load_tokenizer,
    tune,
)
from classifiers.workshop.vocabulary import chosen_pieces, pruned_tokenizer
from classifiers.workshop.weights import SHA256, SOURCE, fetch
from models.reading import Urgency

HERE = Path(__file__).parents[1] / "artefacts" / "encoder"
PIECES, FOLDS = 9900, 3
URGENCY_WEIGHT, DANGER_WEIGHT = 0.5, 1.0


def _say(name: str) -> Progress:
    def say(done: int, steps: int) -> None:
        if done % 50 == 0 or done == steps:
            print(f"{name}: step {done} of {steps}", file=sys.stderr, flush=True)

    return say


def _tasks(rows: Sequence[Row]) -> list[Task]:
    names = tuple(sorted({row.category for row in rows}))
    tasks = [Task("category", names, category_targets(rows, names))]
    if any(row.urgency for row in rows):
        levels = tuple(level.value for level in Urgency)
        tasks.append(Task("urgency", levels, label_targets(rows, levels, lambda row: row.urgency), URGENCY_WEIGHT))
        tasks.append(Task("danger", (DANGER, HARMLESS), danger_targets(rows), DANGER_WEIGHT))
    return tasks


def _part(tasks: Sequence[Task], chosen: Sequence[int]) -> list[Task]:
    return [Task(task.name, task.names, task.targets[list(chosen)], task.weight) for task in tasks]


@dataclass(frozen=True)
class _Work:
    """What twins and the encoder are tuned from."""

    source: Path
    kept: Sequence[int]
    tokenizer: Path
    rows: Sequence[Row]
    texts: Sequence[str]
    tasks: Sequence[Task]
    course: Course
    folds: int

    def part(self, inside: int) -> tuple[list[int], list[int]]:
        """Rows of this fold of families, and the others."""
        folds = [bucket(name, "encoder", self.folds) for name in joined(self.rows, self.texts)]
        return (
            [place for place, fold in enumerate(folds) if fold == inside],
            [place for place, fold in enumerate(folds) if fold != inside],
        )

    def tune(self, name: str, chosen: Sequence[int]) -> tuple[SentenceEncoder, Tokenizer, Heads]:
        """Tune on these rows alone, on one thread: several run beside one another."""
        torch.set_num_threads(1)
        tokenizer = load_tokenizer(self.tokenizer)
        texts = [self.texts[place] for place in chosen]
        bert = load_bert(self.source, self.kept)
        network, heads = tune(bert, tokenizer, texts, _part(self.tasks, chosen), self.course, say=_say(name))
        return network, tokenizer, heads


def _twin(work: _Work, fold: int) -> dict[str, Floats]:
    """Logits and nearness of one fold's rows, by a twin that was tuned on the others."""
    inside, outside = work.part(fold)
    network, tokenizer, heads = work.tune(f"twin {fold + 1}", outside)
    vectors = embed(network, tokenizer, [work.texts[place] for place in inside]).numpy()
    known = embed(network, tokenizer, [work.texts[place] for place in outside]).numpy()
    out: dict[str, Floats] = {"near": nearness_of(vectors, known)}
    for task in work.tasks:
        weights, bias = heads[task.name]
        out[task.name] = vectors.astype(np.float64) @ weights + bias
        right = (out[task.name].argmax(1) == task.targets[inside].argmax(1)).mean()
        print(f"twin {fold + 1}: {task.name} {100 * right:.1f} % of {len(inside)} unseen rows right", file=sys.stderr)
    weights, bias = heads["category"]
    small = _shipped_form(network, work.tokenizer).embed([work.texts[place] for place in inside])
    truth = work.tasks[0].targets[inside].argmax(1)
    out["full_right"] = (out["category"].argmax(1) == truth).astype(np.float64)
    out["small_right"] = ((small.astype(np.float64) @ weights + bias).argmax(1) == truth).astype(np.float64)
    return out


def _shipped_form(network: SentenceEncoder, tokenizer: Path) -> Encoder:
    """A network as it would be shipped: int8 products, half-precision embeddings, run by onnxruntime."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(network, folder / "full.onnx")
        shrink(folder / "full.onnx", folder / GRAPH)
        (folder / TOKENIZER).write_bytes(tokenizer.read_bytes())
        _write_card(folder, {"size": network.bert.config.hidden_size, "heads": {}, "data": {}})
        return load_encoder(folder)


def _whole(work: _Work, out: Path) -> Heads:
    """The encoder itself, written to `out`; gives its heads."""
    network, _tokenizer, heads = work.tune("encoder", range(len(work.rows)))
    with tempfile.TemporaryDirectory() as folder:
        export(network, Path(folder) / GRAPH)
        shrink(Path(folder) / GRAPH, out / GRAPH)
    return heads


def _all(work: _Work, out: Path, at_once: int) -> tuple[dict[str, Floats], Heads]:
    """The encoder and its twins, as many at once as there are processors; each row's honest logits and nearness."""
    unseen = {name: np.zeros(len(work.rows)) for name in ("near", "full_right", "small_right")}
    unseen |= {task.name: np.zeros(task.targets.shape) for task in work.tasks}
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        whole = pool.submit(_whole, work, out)
        twins = [pool.submit(_twin, work, fold) for fold in range(work.folds)]
        for fold, twin in enumerate(twins):
            inside, _outside = work.part(fold)
            for name, values in twin.result().items():
                unseen[name][inside] = values
        return unseen, whole.result()


def _write_unseen(out: Path, texts: Sequence[str], unseen: dict[str, Floats], heads: Heads) -> None:
    arrays = dict(unseen)
    for name, (weights, bias) in heads.items():
        arrays |= {f"{name}_weights": weights, f"{name}_bias": bias}
    keys = np.array([text_key(text) for text in texts], dtype=np.int64)
    halves = {name: values.astype(np.float16) for name, values in arrays.items()}
    np.savez_compressed(out / UNSEEN, keys=keys, **halves)  # type: ignore[arg-type]


def _write_card(out: Path, about: dict[str, Any]) -> None:
    made = [out / name for name in (GRAPH, TOKENIZER, UNSEEN) if (out / name).exists()]
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made}
    card = {
        "format": FORMAT,
        "source": SOURCE,
        "source_sha256": SHA256,
        "licence": "Apache-2.0",
        "max_tokens": MAX_TOKENS,
        "sha256": hashes,
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__},
        **about,
    }
    (out / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def plain(source: Path, out: Path) -> None:
    """The published encoder as it is, in full precision."""
    out.mkdir(parents=True, exist_ok=True)
    bert = load_bert(source)
    export(SentenceEncoder(bert), out / GRAPH)
    everything = range(bert.config.vocab_size)
    (out / TOKENIZER).write_text(
        json.dumps(pruned_tokenizer(source / TOKENIZER, everything), ensure_ascii=False), encoding="utf-8"
    )
    _write_card(out, {"size": bert.config.hidden_size, "pieces": len(everything), "heads": {}, "data": {}})


def tuned(source: Path, out: Path, files: Sequence[Path], course: Course, *, folds: int, pieces: int) -> None:
    """An encoder tuned on labelled files, small enough to ship."""
    out.mkdir(parents=True, exist_ok=True)
    rows = read_files(files)
    telling = rows if any(row.language for row in rows) else read_rows(OWN_DATA)
    texts = list(material(rows, None, learn_speech(telling), lambda _step: None).shown)
    tasks = _tasks(rows)
    kept = chosen_pieces(source / TOKENIZER, texts, pieces)
    (out / TOKENIZER).write_text(
        json.dumps(pruned_tokenizer(source / TOKENIZER, kept), ensure_ascii=False), encoding="utf-8"
    )
    work = _Work(source, kept, out / TOKENIZER, rows, texts, tasks, course, folds)
    unseen, heads = _all(work, out, os.cpu_count() or 1)
    full, small = unseen.pop("full_right").mean(), unseen.pop("small_right").mean()
    _write_unseen(out, texts, unseen, heads)
    _write_card(
        out,
        {
            "size": len(heads["category"][0]),
            "pieces": len(kept),
            "heads": {task.name: list(task.names) for task in tasks},
            "tuning": {"rows": len(rows), **asdict(course), "folds": folds, "seed": SEED},
            "unseen_rows_right": {"full_precision": round(float(full), 4), "as_shipped": round(float(small), 4)},
            "data": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        },
    )


def main() -> None:
    """Build an encoder folder."""
    parser = argparse.ArgumentParser(prog="python -m classifiers.workshop", description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", default=[OWN_DATA])
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--weights", type=Path, default=Path("var/weights/minilm"))
    parser.add_argument("--epochs", type=int, default=Course.epochs)
    parser.add_argument("--rate", type=float, default=Course.rate)
    parser.add_argument("--contrast", type=float, default=Course.contrast)
    parser.add_argument("--push", type=float, default=Course.push)
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--pieces", type=int, default=PIECES)
    parser.add_argument("--plain", action="store_true")
    asked = parser.parse_args()
    if asked.out.exists() and not (asked.out / CARD).exists():
        parser.error(f"{asked.out} is no encoder: it would be replaced; name a new folder")
    source = fetch(asked.weights)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asked.out.parent, prefix=".encoder-") as name:
        made = Path(name) / asked.out.name
        if asked.plain:
            plain(source, made)
        else:
            course = Course(asked.epochs, asked.rate, asked.contrast, asked.push)
            tuned(source, made, asked.data, course, folds=asked.folds, pieces=asked.pieces)
        shutil.rmtree(asked.out, ignore_errors=True)  # whole or not at all: a run that is stopped leaves the old one
        made.rename(asked.out)
