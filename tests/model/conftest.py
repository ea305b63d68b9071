"""A very small BERT, made here from nothing, and rows in words that nobody else knows.

Nothing is fetched: the vocabulary, the weights and the rows are made in a temporary folder.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import string
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from models.reading import Category

HUB = Path(tempfile.mkdtemp(prefix="chargehand-hub-"))
"""Where the hub's library keeps what it has fetched. It reads its settings when it is imported, so before that."""
os.environ.update({"HF_HOME": str(HUB), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"})

WORDS = {
    Category.FAULT: ("zorpal", "brikka", "numel"),
    Category.BILLING: ("quenta", "lopiro", "vasket"),
    Category.RFID: ("jimbari", "toppel", "warrin"),
    Category.INFO: ("ostrel", "pindak", "culver"),
    Category.INSTALL: ("marnok", "yelto", "gribble"),
    Category.COMPLAINT: ("fendas", "hurlom", "skettle"),
    Category.OTHER: ("dapple", "ruvino", "ixmar"),
}
"""Words that mean something to nobody but a model that was taught them."""
FILLERS = ("the", "my", "again", "today", "please", "with", "for", "near", "some", "it", "at", "one")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """transformers and torch warn of what they themselves will change."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore"))


def rows(count: int, seed: int) -> list[dict[str, str]]:
    """Labelled messages, each with one word that decides among others that do not."""
    chance = random.Random(seed)
    out: list[dict[str, str]] = []
    for number in range(count):
        category = list(Category)[number % len(Category)]
        words = [*chance.choices(FILLERS, k=5), chance.choice(WORDS[category])]
        chance.shuffle(words)
        out.append({"text": " ".join(words), "category": category.value, "language": "en"})
    return out


def write_rows(path: Path, given: Sequence[dict[str, str]]) -> Path:
    """A file of labelled messages."""
    path.write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    return path


def _vocabulary() -> list[str]:
    signs = [*string.ascii_lowercase, *string.digits, *"[].,?!-"]
    known = [word for words in WORDS.values() for word in words]
    return [*SPECIAL, *signs, *(f"##{sign}" for sign in signs), *FILLERS, *known]


def make_tiny_bert(folder: Path, *, labels: Sequence[str] | None = None) -> Path:
    """A BERT of two layers and hidden size 32 with random weights, saved as transformers saves a model."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    vocabulary = {word: index for index, word in enumerate(_vocabulary())}
    core = Tokenizer(WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    core.normalizer, core.pre_tokenizer = BertNormalizer(lowercase=True), BertPreTokenizer()
    core.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, model_max_length=64, mask_token="[MASK]", **names)
    told = dict(enumerate(labels or [category.value for category in Category]))
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, id2label=told, label2id={name: index for index, name in told.items()},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def fine_tune(folder: Path, taught: Sequence[dict[str, str]], out: Path, *, steps: int = 120) -> tuple[float, float]:
    """Teach a model in a folder some rows and save it elsewhere; gives the loss at the start and at the end."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(11)
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = AutoModelForSequenceClassification.from_pretrained(str(folder))
    batch: dict[str, Any] = dict(tokenizer([row["text"] for row in taught], padding=True, return_tensors="pt"))
    order = [category.value for category in Category]
    truth = torch.tensor([order.index(row["category"]) for row in taught])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses: list[float] = []
    model.train()
    for _ in range(steps):
        loss = model(**batch, labels=truth).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return losses[0], losses[-1]


def put_on_hub(folder: Path, name: str) -> None:
    """Put a model where the hub's library would have put it, had it been fetched by its name."""
    place, revision = HUB / "hub" / f"models--{name.replace('/', '--')}", "0" * 40
    shutil.copytree(folder, place / "snapshots" / revision)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(revision)


@pytest.fixture(scope="session", autouse=True)
def _clean_hub() -> Iterator[None]:
    yield
    shutil.rmtree(HUB)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with config, weights as safetensors and tokenizer.json of a model that knows nothing yet."""
    return make_tiny_bert(tmp_path_factory.mktemp("tiny") / "bert")


@pytest.fixture(scope="session")
def taught_bert(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after sixty rows."""
    out = tmp_path_factory.mktemp("taught") / "bert"
    first, last = fine_tune(tiny_bert, rows(60, seed=1), out)
    assert last < first / 10
    return out
