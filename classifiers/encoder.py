"""View B: a small sentence encoder (MiniLM, ONNX) that turns texts into vectors of length one.

An encoder is a folder made by classifiers/workshop: `encoder.onnx`, `tokenizer.json`, `encoder.json` (its origin,
hashes) and, where it was tuned on labelled rows, `unseen.npz`: the logits that each of those rows got from a twin that
had not seen its family, so that whoever calibrates on the same rows is not fooled by what the encoder remembers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from classifiers.entities import MASKS
from classifiers.errors import DataError
from classifiers.fold import roman
from classifiers.json_card import read_json_card
from classifiers.ngrams import Floats

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

GRAPH, TOKENIZER, CARD, UNSEEN = "encoder.onnx", "tokenizer.json", "encoder.json", "unseen.npz"
FORMAT = 1
MAX_TOKENS = 64  # what the network has learnt to read at once; longer texts are read in parts
BATCH = 32
_WORDS = {
    "phone": "phone number",
    "ticket": "ticket",
    "tag": "tag number",
    "charger": "number",
    "amount": "amount",
    "error": "error code",
    "serial": "serial number",
    "connector": "connector",
}
_UNMASK = str.maketrans({mask: f" {_WORDS[kind]} " for kind, mask in MASKS.items()})


def encoder_text(glossed: str) -> str:
    """A glossed text as the encoder reads it: masks as words, other scripts in Latin letters, lower case."""
    return " ".join(roman(glossed.lower().translate(_UNMASK)).split())


def text_key(shown: str) -> int:
    """A number for a text as `encoder_text` gives it, to find it again in `unseen.npz`."""
    return int.from_bytes(hashlib.sha256(shown.encode("utf-8", "replace")).digest()[:8], "big", signed=True)


def whole(parts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The vector of length one, (size,), of a text from those of its parts, (parts, size)."""
    total: npt.NDArray[np.float32] = parts.sum(axis=0)
    return total if len(parts) == 1 else total / np.float32(max(float(np.linalg.norm(total)), 1e-9))


@dataclass(frozen=True)
class Unseen:
    """What twins that had not seen a row's family said of it, for each row that the encoder was tuned on.

    `logits` are (rows, classes) for each head by name, `near` the nearness (neighbours.py) of each row; `heads` are
    the tuned encoder's own heads: weights (size, classes) and bias.
    """

    keys: npt.NDArray[np.int64]
    near: Floats
    names: dict[str, tuple[str, ...]]
    logits: dict[str, Floats]
    heads: dict[str, tuple[Floats, Floats]]

    def _places(self, shown: Sequence[str]) -> npt.NDArray[np.int64]:
        place = {int(key): row for row, key in enumerate(self.keys)}
        return np.array([place.get(text_key(text), -1) for text in shown], dtype=np.int64)

    def near_of(self, shown: Sequence[str]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Nearness of the five nearest rows of other folds, by a twin, and which texts are known."""
        rows = self._places(shown)
        return np.where(rows >= 0, self.near[rows], 0.0), rows >= 0

    def prior(self, head: str, names: Sequence[str]) -> tuple[Floats, Floats] | None:
        """The tuned head's weights (size, classes) and bias in the order of `names`; None for other classes."""
        if set(self.names.get(head, ())) != set(names):
            return None
        order = [self.names[head].index(name) for name in names]
        weights, bias = self.heads[head]
        return weights[:, order], bias[order]

    def of(self, head: str, names: Sequence[str], shown: Sequence[str]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Logits in the order of `names` for these encoder texts, and which of them are known."""
        rows = self._places(shown)
        out = np.zeros((len(shown), len(names)))
        known = rows >= 0
        if set(self.names.get(head, ())) != set(names):
            return out, np.zeros(len(shown), dtype=bool)
        order = [self.names[head].index(name) for name in names]
        out[known] = self.logits[head][rows[known]][:, order]
        return out, known


@dataclass(frozen=True)
class Encoder:
    """A loaded encoder; threads may share it. `card` is encoder.json."""

    folder: Path
    card: dict[str, Any]
    session: onnxruntime.InferenceSession = field(repr=False)
    tokenizer: Tokenizer = field(repr=False)

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return int(self.card["size"])

    @property
    def sha256(self) -> str:
        """Hash of the graph, by which a model names its encoder."""
        return str(self.card["sha256"][GRAPH])

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of length one, (texts, size), of texts as `encoder_text` gives them."""
        return np.array([whole(parts) for parts in self.embed_parts(texts)], np.float32).reshape(len(texts), self.size)

    def embed_parts(self, texts: Sequence[str]) -> list[npt.NDArray[np.float32]]:
        """For each text the vectors, (parts, size), of its pieces in runs of `MAX_TOKENS`: mostly one, never none."""
        read = self.tokenizer.encode_batch(list(texts))
        parts = [[one, *one.overflowing] for one in read]
        vectors = iter(self._vectors([part.ids for some in parts for part in some]))
        return [np.array([next(vectors) for _part in some]) for some in parts]

    def _vectors(self, read: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        """One vector for each run of token ids."""
        out = np.zeros((len(read), self.size), dtype=np.float32)
        order = sorted(range(len(read)), key=lambda index: len(read[index]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            longest = len(read[chosen[-1]])
            ids = np.zeros((len(chosen), longest), dtype=np.int64)
            mask = np.zeros((len(chosen), longest), dtype=np.int64)
            for row, index in enumerate(chosen):
                ids[row, : len(read[index])] = read[index]
                mask[row, : len(read[index])] = 1
            (out[chosen],) = self.session.run(["sentence"], {"input_ids": ids, "attention_mask": mask})
        return out

    def unseen(self) -> Unseen | None:
        """What twins said of the rows that this encoder was tuned on; None if it was not. DataError if damaged."""
        path, digest = self.folder / UNSEEN, self.card["sha256"].get(UNSEEN)
        if digest is None:
            return None
        if _sha256(path) != digest:
            raise DataError(path, "does not match its card; build it again or restore it")
        with np.load(path) as arrays:
            heads: dict[str, list[str]] = self.card["heads"]
            return Unseen(
                arrays["keys"],
                arrays["near"].astype(np.float64),
                {head: tuple(names) for head, names in heads.items()},
                {head: arrays[head].astype(np.float64) for head in heads},
                {
                    head: (arrays[f"{head}_weights"].astype(np.float64), arrays[f"{head}_bias"].astype(np.float64))
                    for head in heads
                },
            )


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(path, error.strerror or "cannot be read") from error


@cache
def load_encoder(folder: Path) -> Encoder:
    """Read an encoder folder and check its hashes.

    Raises DataError where it is missing or damaged, ImportError where onnxruntime or tokenizers is not installed.
    """
    import onnxruntime  # noqa: PLC0415 - heavy, and view A serves without it
    from tokenizers import Tokenizer  # noqa: PLC0415

    card = read_json_card(folder / CARD, "encoder", FORMAT, "build it again")
    for name in (GRAPH, TOKENIZER):
        if _sha256(folder / name) != card["sha256"].get(name):
            raise DataError(folder / name, "does not match its card; build it again or restore it")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return Encoder(folder, card, session, tokenizer)
