"""One message read on one core, end to end, beside a raw matrix product of the same run; memory, start, size.

Each round is a process of its own with one thread: what it costs to begin, to read messages of about 32 word pieces,
and to multiply matrices. Limits: 6 ms at the median, 10 ms at the 95th percentile, 150 MB resident, 1 CPU-second to
the first answer, 24 MB of artefacts.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.report import Finding, median, show, spread

if TYPE_CHECKING:
    from classifiers.model import Model

ROUNDS = 5
MESSAGES = 300
PIECES = (26, 38)
_SIDE = 384


def run(databases: dict[str, str]) -> None:
    """Five processes, one after another; no database is asked."""
    del databases
    rounds = [_round() for _ in range(ROUNDS)]

    def one(key: str) -> list[float]:
        return [float(found[key]) for found in rounds]

    product = one("product_ms")
    ratios = [a / b for a, b in zip(one("p50_ms"), product, strict=True)]
    findings = [
        Finding(f"a product of {_SIDE} x {_SIDE} with {_SIDE} x 1536", median(product), "ms", note=spread(product)),
        Finding("a message, median", median(one("p50_ms")), "ms", at_most=6.0, note=spread(one("p50_ms"))),
        Finding("a message, 95th percentile", median(one("p95_ms")), "ms", at_most=10.0, note=spread(one("p95_ms"))),
        Finding("a message, in products", median(ratios), at_most=12.0, note=spread(ratios)),
        Finding("the same by view A alone, median", median(one("alone_ms")), "ms", note=spread(one("alone_ms"))),
        Finding(
            "processor time to the first answer", median(one("start_s")), "s", at_most=1.0, note=spread(one("start_s"))
        ),
        Finding(
            "resident after reading", median(one("resident_mb")), "MB", at_most=150.0, note=spread(one("resident_mb"))
        ),
        Finding("artefacts on disk", one("artefacts_mb")[0], "MB", at_most=24.0),
    ]
    show(f"Understanding one message, {MESSAGES} of {PIECES[0]} to {PIECES[1]} pieces, {ROUNDS} rounds", findings)


def _round() -> dict[str, float]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.classification"],
        env={**os.environ, **threads}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _shown(model: Model, text: str) -> str:
    """The text as the encoder reads it: masked, glossed, in Latin letters."""
    from classifiers.encoder import encoder_text
    from classifiers.gloss import gloss
    from classifiers.model import language_of, prepare

    prepared = prepare(text)
    return encoder_text(gloss(prepared, language_of(model.speech, prepared)))


def _times(read: object, texts: list[str]) -> list[float]:
    from classifiers.registry import Classifier
    from models.reading import Registers

    assert isinstance(read, Classifier)
    registers = Registers()
    out: list[float] = []
    for text in texts:
        began = time.process_time()
        read.read(text, registers)
        out.append(1000 * (time.process_time() - began))
    return sorted(out)


def measure() -> dict[str, float]:
    """One round, in a process that has done nothing else."""
    from classifiers.registry import Classifier, load
    from models.reading import Registers

    began = time.process_time()
    classifier = load()
    classifier.read("charger 100003 is not starting", Registers())
    start = time.process_time() - began + _IMPORTED
    from classifiers.dataset import FROZEN, read_rows
    from classifiers.model_files import ARTEFACTS, SHIPPED, load_model

    encoder = classifier.model.encoder
    assert encoder is not None, "the encoder is away"
    rows = [row.text for row in read_rows(FROZEN)]
    pieces = [len(encoder.tokenizer.encode(_shown(classifier.model, text)).ids) for text in rows]
    long_enough = [text for text, count in zip(rows, pieces, strict=True) if PIECES[0] <= count <= PIECES[1]]
    texts = (long_enough * MESSAGES)[:MESSAGES]
    _times(classifier, texts[:20])
    times = _times(classifier, texts)
    resident = _resident_mb()
    alone = _times(Classifier(load_model(SHIPPED, with_encoder=False)), texts)
    files = [path for path in ARTEFACTS.rglob("*") if path.is_file() and path.suffix in (".onnx", ".json", ".npz")]
    return {
        "start_s": start,
        "p50_ms": statistics.median(times),
        "p95_ms": times[int(0.95 * len(times))],
        "alone_ms": statistics.median(alone),
        "product_ms": _product(),
        "resident_mb": resident,
        "artefacts_mb": sum(path.stat().st_size for path in files) / 1e6,
    }


def _resident_mb() -> float:
    """The most that was resident. getrusage would count the parent's memory at the fork as ours."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def _product() -> float:
    import numpy as np

    left = np.ones((_SIDE, _SIDE), dtype=np.float32)
    right = np.ones((_SIDE, 4 * _SIDE), dtype=np.float32)
    times: list[float] = []
    for _ in range(50):
        began = time.process_time()
        left @ right
        times.append(1000 * (time.process_time() - began))
    return statistics.median(times)


_IMPORTED = time.process_time()

if __name__ == "__main__":
    json.dump(measure(), sys.stdout)
