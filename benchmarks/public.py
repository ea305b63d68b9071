"""The same code on public data sets, beside published figures: `python -m benchmarks.public --data DIR`.

DIR holds banking77_train.csv, banking77_test.csv (PolyAI, CC BY 4.0), clinc150_data_full.json (Larson et al.,
CC BY 3.0) and cmcs_sinhala_english_telecom.csv (Rathnayake et al., MIT); `--encoder` a plain encoder made by
`python -m classifiers.workshop --plain --out var/encoders/minilm`. Each set is written as CSV, trained and measured by
what `chargehand train` and `chargehand evaluate` call; the commands are printed. With ten rows a class the encoder
itself has to learn a little: `--only banking77-10shot` writes the file, then

    python -m classifiers.workshop --data var/public/banking77-10shot-train.csv --out var/encoders/banking77-10shot \
        --pieces 30522 --epochs 8 --rate 5e-5 --contrast 1 --push 0 --folds 5

and `--few-encoder var/encoders/banking77-10shot`. `--only alarms` asks the shipped model about everybody's messages of
these sets: what it takes for a danger there is a false alarm, or nearly always.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from classifiers.evaluate import Report, answers
from classifiers.model_files import SHIPPED, load_model
from classifiers.train import train_files
from models.reading import Urgency

Pair = tuple[str, str]
OOS = "oos"
SHOTS = 10
SETS = ("banking77", "banking77-10shot", "clinc150", "cmcs", "alarms")
ASPECTS = ("Billing or price", "Customer service", "Data", "Network", "Package", "Service or product", "None")


def _write(path: Path, pairs: Iterable[Pair]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "category"])
        writer.writerows(pairs)
    return path


def _read(path: Path) -> list[Pair]:
    with path.open(encoding="utf-8", newline="") as handle:
        return [(row["text"], row["category"]) for row in csv.DictReader(handle)]


def _few(pairs: Sequence[Pair], shots: int) -> list[Pair]:
    """The same `shots` rows of each class on every run: those whose text hashes lowest."""
    by: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by[pair[1]].append(pair)
    order = {
        label: sorted(some, key=lambda pair: hashlib.sha256(pair[0].encode()).digest()) for label, some in by.items()
    }
    return [pair for label in sorted(order) for pair in order[label][:shots]]


def _cmcs(path: Path) -> tuple[list[Pair], list[Pair]]:
    """Comments with one aspect, each text once; one in five, by a hash of the text, is test."""
    learn: list[Pair] = []
    test: list[Pair] = []
    seen: set[str] = set()
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            named = [aspect for aspect in ASPECTS if row[aspect] == "1"]
            text = row["Sentence"].strip()
            key = " ".join(text.lower().split())
            if len(named) != 1 or not key or key in seen:
                continue
            seen.add(key)
            place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 5
            (test if place == 0 else learn).append((text, named[0]))
    return learn, test


def _clinc(path: Path, work: Path) -> tuple[Path, Path]:
    data = json.loads(path.read_text(encoding="utf-8"))
    learn = [(text, label) for part in ("train", "val", "oos_train", "oos_val") for text, label in data[part]]
    return (
        _write(work / "clinc150-train.csv", learn),
        _write(
            work / "clinc150-test.csv", [(text, label) for part in ("test", "oos_test") for text, label in data[part]]
        ),
    )


def _run(name: str, learn: Path, test: Path, encoder: Path | None, *, oos: str | None = None) -> Report:
    out = learn.parent / f"{name}@1"
    words = [f"chargehand train --data {learn.name} --test {test.name} --out {out.name}"]
    words += [f"--encoder {encoder}"] if encoder else []
    words += [f"--out-of-scope {oos}"] if oos else []
    print(f"\n{name}: {' '.join(words)}", flush=True)
    trained = train_files([learn], out, test=test, encoder=encoder, out_of_scope=oos, quiet=False)
    figures = trained.held_out
    assert figures is not None
    unknown = figures.out_of_scope
    more = "" if unknown is None else (
        f"  out-of-scope recall {100 * unknown.recall:.1f} % at {100 * unknown.in_scope_rejected:.1f} % rejected"
    )  # fmt: skip
    shares = {"accuracy": figures.accuracy, "macro-F1": figures.macro_f1, "ECE": figures.ece}
    line = "  ".join(f"{name} {100 * share:.2f} %" for name, share in shares.items())
    print(f"  {line}  coverage at 95 % precision {100 * figures.coverage_at_95:.1f} %{more}", flush=True)
    return figures


def _alarms(name: str, texts: Sequence[str]) -> None:
    """How often the shipped model takes a message of another trade for a danger."""
    given = answers(load_model(SHIPPED), texts)
    raised = sum(one.urgency == Urgency.SAFETY for one in given)
    print(f"\n{name}: {raised} alarms on {len(texts)} messages, {100 * raised / len(texts):.2f} %", flush=True)


def main() -> None:
    """Run the chosen sets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.public", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("var/public"))
    parser.add_argument("--encoder", type=Path, default=Path("var/encoders/minilm"))
    parser.add_argument("--few-encoder", type=Path, help="an encoder tuned on var/public/banking77-10shot-train.csv")
    parser.add_argument("--cmcs-encoder", type=Path, help="an encoder tuned on var/public/cmcs-train.csv")
    parser.add_argument("--only", nargs="+", choices=SETS)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    chosen = asked.only or SETS
    banking = _read(asked.data / "banking77_train.csv")
    banking_test = _write(asked.work / "banking77-test.csv", _read(asked.data / "banking77_test.csv"))
    if "banking77" in chosen:
        _run("banking77", _write(asked.work / "banking77-train.csv", banking), banking_test, asked.encoder)
    if "banking77-10shot" in chosen:
        few = _write(asked.work / "banking77-10shot-train.csv", _few(banking, SHOTS))
        _run("banking77-10shot", few, banking_test, asked.few_encoder or asked.encoder)
    if "clinc150" in chosen:
        learn, test = _clinc(asked.data / "clinc150_data_full.json", asked.work)
        _run("clinc150", learn, test, asked.encoder, oos=OOS)
    if "cmcs" in chosen:
        some, rest = _cmcs(asked.data / "cmcs_sinhala_english_telecom.csv")
        learn, test = _write(asked.work / "cmcs-train.csv", some), _write(asked.work / "cmcs-test.csv", rest)
        _run("cmcs", learn, test, asked.cmcs_encoder or asked.encoder)
    if "alarms" in chosen:
        _learn, clinc_test = _clinc(asked.data / "clinc150_data_full.json", asked.work)
        comments = [text for part in _cmcs(asked.data / "cmcs_sinhala_english_telecom.csv") for text, _ in part]
        _alarms("banking77, test", [text for text, _ in _read(banking_test)])
        _alarms("clinc150, test", [text for text, _ in _read(clinc_test)])
        _alarms("Sinhala-English telecom comments", comments)


if __name__ == "__main__":
    main()
