"""A smaller vocabulary: the pieces that the training messages use most, and the most frequent ones of English."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def chosen_pieces(tokenizer_file: Path, texts: Sequence[str], size: int) -> list[int]:
    """Ids to keep, rising: special ones, all short pieces, then up to `size` those most used by `texts`, then by rank.

    The published vocabulary lists whole words by frequency, so a low id is a frequent word. A word whose piece is not
    kept is read in shorter pieces, or as unknown where a letter beyond ASCII is not kept.
    """
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    vocabulary = tokenizer.get_vocab()
    keep = {vocabulary[name] for name in SPECIAL}
    keep |= {place for piece, place in vocabulary.items() if piece.isascii() and len(piece.removeprefix("##")) <= 2}
    used = Counter(place for encoding in tokenizer.encode_batch_fast(list(texts)) for place in set(encoding.ids))
    frequent = (
        place
        for piece, place in sorted(vocabulary.items(), key=lambda item: item[1])
        if piece.isascii() and not piece.startswith("[unused")
    )
    for place in (*sorted(used, key=lambda one: (-used[one], one)), *frequent):
        if len(keep) >= size:
            break
        keep.add(place)
    return sorted(keep)


def pruned_tokenizer(tokenizer_file: Path, kept: Sequence[int]) -> dict[str, Any]:
    """The tokenizer's JSON with only these pieces, numbered anew in the same order."""
    about: dict[str, Any] = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    place = {old: new for new, old in enumerate(kept)}
    vocabulary = about["model"]["vocab"]
    about["model"]["vocab"] = {piece: place[old] for piece, old in vocabulary.items() if old in place}
    for token in about.get("added_tokens", []):
        token["id"] = place[token["id"]]
    for token in about.get("post_processor", {}).get("special_tokens", {}).values():
        token["ids"] = [place[old] for old in token["ids"]]
    about["padding"] = about["truncation"] = None
    return about
