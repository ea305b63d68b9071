"""`make model`: from published weights and labelled messages to the encoder that is shipped.

    python -m classifiers.workshop [--data FILE…] [--out DIR] [--epochs N] [--folds N] [--pieces N] [--plain]

Three twins are tuned, each without one part of the families, for honest logits of every row; then one on all rows.
`--plain` exports the published encoder as it is, whole vocabulary and full precision (for labels of other trades).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from classifiers.dataset import OWN_DATA, Row, bucket, read_files
from classifiers.encoder import CARD, FORMAT, GRAPH, MAX_TOKENS, TOKENIZER, UNSEEN, text_key
from classifiers.neighbours import nearness_of
from classifiers.ngrams import Floats
from classifiers.speech import learn_speech
from classifiers.views import category_targets, label_targets, material
from classifiers.workshop.export import export, shrink
from classifiers.workshop.network import SEED, SentenceEncoder, Task, embed, load_bert, load_tokenizer, tune
from classifiers.workshop.vocabulary import chosen_pieces, pruned_tokenizer
from classifiers.workshop.weights import SHA256, SOURCE, fetch
from models.reading import Urgency

HERE = Path(__file__).parents[1] / "artefacts" / "encoder"
PIECES, EPOCHS, FOLDS = 9000, 4, 3
URGENCY_WEIGHT = 0.5


def _say(what: str, done: int, steps: int) -> None:
    if done % 25 == 0 or done == steps:
        print(f"\r{what} {done}/{steps}", end="\n" if done == steps else "", file=sys.stderr, flush=True)


def _tasks(rows: Sequence[Row]) -> list[Task]:
    names = tuple(sorted({row.category for row in rows}))
    tasks = [Task("category", names, category_targets(rows, names))]
    if any(row.urgency for row in rows):
        levels = tuple(level.value for level in Urgency)
        tasks.append(Task("urgency", levels, label_targets(rows, levels, lambda row: row.urgency), URGENCY_WEIGHT))
    return tasks


def _part(tasks: Sequence[Task], chosen: Sequence[int]) -> list[Task]:
    return [Task(task.name, task.names, task.targets[list(chosen)], task.weight) for task in tasks]


@dataclass(frozen=True)
class _Work:
    """What twins and the encoder are tuned from."""

    source: Path
    kept: Sequence[int]
    tokenizer: Tokenizer
    rows: Sequence[Row]
    texts: Sequence[str]
    tasks: Sequence[Task]
    epochs: int

    def tune(self, chosen: Sequence[int]) -> tuple[SentenceEncoder, dict[str, tuple[Floats, Floats]]]:
        """Tune on these rows alone."""
        print(f"tuning on {len(chosen)} rows", file=sys.stderr)
        texts = [self.texts[place] for place in chosen]
        bert = load_bert(self.source, self.kept)
        return tune(bert, self.tokenizer, texts, _part(self.tasks, chosen), epochs=self.epochs, say=_say)


def _unseen(work: _Work, folds: int) -> dict[str, Floats]:
    """Each row's logits, and its nearness, by a twin that was tuned on the other folds of families."""
    part = [bucket(row.family, "encoder", folds) for row in work.rows]
    out = {"near": np.zeros(len(work.rows)), **{task.name: np.zeros(task.targets.shape) for task in work.tasks}}
    for fold in range(folds):
        inside = [index for index, one in enumerate(part) if one == fold]
        outside = [index for index, one in enumerate(part) if one != fold]
        network, heads = work.tune(outside)
        vectors = embed(network, work.tokenizer, [work.texts[place] for place in inside]).numpy()
        known = embed(network, work.tokenizer, [work.texts[place] for place in outside]).numpy()
        out["near"][inside] = nearness_of(vectors, known)
        for task in work.tasks:
            weights, bias = heads[task.name]
            logits = vectors.astype(np.float64) @ weights + bias
            out[task.name][inside] = logits
            right = (logits.argmax(1) == task.targets[inside].argmax(1)).mean()
            print(f"  {task.name}: {100 * right:.1f} % of {len(inside)} unseen rows right", file=sys.stderr)
    return out


def _write_unseen(
    out: Path, texts: Sequence[str], unseen: dict[str, Floats], heads: dict[str, tuple[Floats, Floats]]
) -> None:
    arrays = dict(unseen)
    for name, (weights, bias) in heads.items():
        arrays |= {f"{name}_weights": weights, f"{name}_bias": bias}
    keys = np.array([text_key(text) for text in texts], dtype=np.int64)
    halves = {name: values.astype(np.float16) for name, values in arrays.items()}
    np.savez_compressed(out / UNSEEN, keys=keys, **halves)  # type: ignore[arg-type]


def _write_card(out: Path, about: dict[str, Any]) -> None:
    hashes = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in (GRAPH, TOKENIZER)}
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


def tuned(source: Path, out: Path, files: Sequence[Path], *, epochs: int, folds: int, pieces: int) -> None:
    """An encoder tuned on labelled files, small enough to ship."""
    out.mkdir(parents=True, exist_ok=True)
    rows = read_files(files)
    texts = list(material(rows, None, learn_speech(rows), lambda _step: None).shown)
    tasks = _tasks(rows)
    kept = chosen_pieces(source / TOKENIZER, texts, pieces)
    (out / TOKENIZER).write_text(
        json.dumps(pruned_tokenizer(source / TOKENIZER, kept), ensure_ascii=False), encoding="utf-8"
    )
    work = _Work(source, kept, load_tokenizer(out / TOKENIZER), rows, texts, tasks, epochs)
    unseen = _unseen(work, folds)
    network, heads = work.tune(range(len(rows)))
    _write_unseen(out, texts, unseen, heads)
    with tempfile.TemporaryDirectory() as folder:
        export(network, Path(folder) / GRAPH)
        shrink(Path(folder) / GRAPH, out / GRAPH)
    _write_card(
        out,
        {
            "size": network.bert.config.hidden_size,
            "pieces": len(kept),
            "heads": {task.name: list(task.names) for task in tasks},
            "tuning": {"rows": len(rows), "epochs": epochs, "folds": folds, "seed": SEED},
            "data": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        },
    )


def main() -> None:
    """Build an encoder folder."""
    parser = argparse.ArgumentParser(prog="python -m classifiers.workshop", description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", default=[OWN_DATA])
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--weights", type=Path, default=Path("var/weights/minilm"))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--pieces", type=int, default=PIECES)
    parser.add_argument("--plain", action="store_true")
    asked = parser.parse_args()
    source = fetch(asked.weights)
    if asked.plain:
        plain(source, asked.out)
    else:
        tuned(source, asked.out, asked.data, epochs=asked.epochs, folds=asked.folds, pieces=asked.pieces)


if __name__ == "__main__":
    main()
