"""The encoder as a network with heads for category and urgency, and how it is tuned on labelled messages."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from transformers import BertModel

from classifiers.encoder import MAX_TOKENS
from classifiers.linear import fit
from classifiers.ngrams import Floats

BATCH = 32
HEAD_PACE = 50  # how much faster heads learn than the body
HEAD_DECAY = 0.05  # of the heads that are there before tuning, shared by the rows
ALIKE = 4  # texts of a category that a batch holds side by side, where they are drawn together
NEARNESS = 0.1  # the temperature of drawing together
WARM_UP = 0.1
SMOOTHING = 0.05
DECAY = 0.01
TYPO_SHARE = 0.25
SEED = 20261129
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Course:
    """How long and how fast to tune, how strongly texts of one category are drawn together, and how far each batch's
    words are pushed the wrong way to be learnt once more (0: not at all; the pieces' vectors have a length of 1.1).

    The defaults are for thousands of rows; with ten of a class go slowly and draw (rate 5e-5, contrast 1, push 0).
    """

    epochs: int = 5
    rate: float = 2e-4
    contrast: float = 0.0
    push: float = 1.0


Heads = dict[str, tuple[Floats, Floats]]


class SentenceEncoder(nn.Module):
    """Mean of the last layer's vectors over a text's tokens, brought to length one."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Vectors (texts, size) of token ids (texts, tokens); the mask is 1 where a token is."""
        last = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weight = attention_mask.unsqueeze(-1).to(last.dtype)
        mean = (last * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return functional.normalize(mean, p=2.0, dim=1)


@dataclass(frozen=True)
class Task:
    """One head: its classes' names, and for each row the wanted probabilities, or zeros where the row says nothing."""

    name: str
    names: tuple[str, ...]
    targets: Floats
    weight: float = 1.0


def load_bert(folder: Path, kept: Sequence[int] | None = None) -> BertModel:
    """The published network; with `kept`, only these rows of its vocabulary."""
    bert = BertModel.from_pretrained(str(folder), add_pooling_layer=False, attn_implementation="sdpa")
    if kept is not None:
        embedding = bert.embeddings.word_embeddings
        smaller = nn.Embedding(len(kept), embedding.embedding_dim, padding_idx=0)
        smaller.weight.data = embedding.weight.data[torch.tensor(list(kept))].clone()
        bert.embeddings.word_embeddings = smaller
        bert.config.vocab_size = len(kept)
    return bert


def _typos(text: str, chance: random.Random) -> str:
    """The text as hasty fingers would have it: letters dropped, doubled or swapped in one or two places."""
    letters = list(text)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(letters)) if letters else 0
        if len(letters) < 6 or not letters[at].isalpha():
            continue
        kind = chance.randrange(3)
        if kind == 0:
            del letters[at]
        elif kind == 1:
            letters.insert(at, letters[at])
        elif at + 1 < len(letters):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask, (texts, longest)."""
    read = tokenizer.encode_batch_fast(list(texts))
    longest = max(len(one.ids) for one in read)
    ids = torch.zeros((len(read), longest), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, one in enumerate(read):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        mask[row, : len(one.ids)] = 1
    return ids, mask


def load_tokenizer(file: Path) -> Tokenizer:
    """The tokenizer as service uses it."""
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


@torch.no_grad()
def embed(network: SentenceEncoder, tokenizer: Tokenizer, texts: Sequence[str]) -> torch.Tensor:
    """Vectors of texts, in their order."""
    network.eval()
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    out = torch.zeros((len(texts), network.bert.config.hidden_size))
    for start in range(0, len(order), 64):
        chosen = order[start : start + 64]
        out[chosen] = network(*tokens(tokenizer, [texts[index] for index in chosen])).float()
    return out


def _cut(order: Sequence[int], chance: random.Random) -> list[list[int]]:
    batches = [list(order[start : start + BATCH]) for start in range(0, len(order), BATCH)]
    chance.shuffle(batches)
    return batches


def _batches(lengths: Sequence[int], chance: random.Random) -> list[list[int]]:
    """Batches of rows of like length, in random order, so that little is padded."""
    return _cut(sorted(range(len(lengths)), key=lambda index: (lengths[index] + chance.random() * 8, index)), chance)


def _grouped(labels: Sequence[int], chance: random.Random) -> list[list[int]]:
    """Batches in which some rows of a class lie side by side."""
    by: dict[int, list[int]] = {}
    for place in chance.sample(range(len(labels)), len(labels)):
        by.setdefault(labels[place], []).append(place)
    groups = [some[start : start + ALIKE] for some in by.values() for start in range(0, len(some), ALIKE)]
    chance.shuffle(groups)
    return _cut([place for group in groups for place in group], chance)


def _loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    told = wanted.sum(1)
    smooth = wanted * (1 - SMOOTHING) + told[:, None] * SMOOTHING / wanted.shape[1]
    rows = -(smooth * functional.log_softmax(logits, dim=1)).sum(1)
    return rows.sum() / told.sum().clamp(min=1.0)


def _drawn(vectors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """How far texts of a class are from one another, beside all others of the batch (supervised contrast)."""
    itself = torch.eye(len(labels))
    logs = functional.log_softmax(vectors @ vectors.T / NEARNESS - 1e9 * itself, dim=1)
    same = (labels[:, None] == labels[None]).to(logs.dtype) - itself
    have = same.sum(1) > 0
    if not bool(have.any()):
        return vectors.sum() * 0.0
    return -((same * logs).sum(1)[have] / same.sum(1)[have]).mean()


def _head(vectors: Floats, task: Task) -> nn.Linear:
    """A head that has learnt on the untouched encoder, so that its first errors do not spoil it (LP-FT)."""
    told = task.targets.sum(1) > 0
    weights, bias = fit(vectors[told], task.targets[told], decay=HEAD_DECAY / max(int(told.sum()), 1))
    head = nn.Linear(*weights.shape)
    head.weight.data = torch.tensor(weights.T, dtype=torch.float32)
    head.bias.data = torch.tensor(bias, dtype=torch.float32)
    return head


@contextmanager
def _pushed(pieces: nn.Embedding, push: float) -> Iterator[None]:
    """The vectors of pieces moved to where the batch just learnt errs most (fast gradient method, Miyato 2017)."""
    slope = pieces.weight.grad
    assert slope is not None
    moved = slope * (push / slope.norm().clamp(min=1e-12))
    pieces.weight.data.add_(moved)
    yield
    pieces.weight.data.sub_(moved)


@dataclass(frozen=True)
class _Lesson:
    """What batches are to teach: each task's wanted answers, and how strongly texts of a class are drawn together."""

    network: SentenceEncoder
    heads: nn.ModuleDict
    tasks: Sequence[Task]
    wanted: dict[str, torch.Tensor]
    contrast: float

    def loss(self, batch: list[int], read: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """How wrong the heads are about these rows, whose tokens are given."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            vectors = self.network(*read).float()
        losses = [
            task.weight * _loss(self.heads[task.name](vectors), self.wanted[task.name][batch]) for task in self.tasks
        ]
        if self.contrast:
            losses.append(self.contrast * _drawn(vectors, self.wanted[self.tasks[0].name][batch].argmax(1)))
        return torch.stack(losses).sum()


def tune(
    bert: BertModel, tokenizer: Tokenizer, texts: Sequence[str], tasks: Sequence[Task], course: Course, *, say: Progress
) -> tuple[SentenceEncoder, Heads]:
    """Fine-tune on the tasks together; gives the encoder and each head's weights (size, classes) and bias.

    Texts of a class of the first task are those that are drawn together.
    """
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    network = SentenceEncoder(bert)
    untouched = embed(network, tokenizer, texts).numpy().astype(np.float64)
    heads = nn.ModuleDict({task.name: _head(untouched, task) for task in tasks})
    wanted = {task.name: torch.tensor(task.targets, dtype=torch.float32) for task in tasks}
    lesson = _Lesson(network, heads, tasks, wanted, course.contrast)
    body = [parameter for parameter in network.parameters() if parameter.requires_grad]
    learner = torch.optim.AdamW(
        [{"params": body, "lr": course.rate}, {"params": list(heads.parameters()), "lr": HEAD_PACE * course.rate}],
        weight_decay=DECAY,
    )
    lengths, labels = [len(one) for one in texts], wanted[tasks[0].name].argmax(1).tolist()
    steps = course.epochs * ((len(texts) + BATCH - 1) // BATCH)
    pace = torch.optim.lr_scheduler.LambdaLR(
        learner, lambda step: min((step + 1) / (WARM_UP * steps + 1), max(0.02, 1 - step / steps))
    )
    done = 0
    for _ in range(course.epochs):
        network.train()
        for batch in _grouped(labels, chance) if course.contrast else _batches(lengths, chance):
            shown = [_typos(texts[i], chance) if chance.random() < TYPO_SHARE else texts[i] for i in batch]
            read = tokens(tokenizer, shown)
            learner.zero_grad()
            lesson.loss(batch, read).backward()
            if course.push:
                with _pushed(bert.embeddings.word_embeddings, course.push):
                    lesson.loss(batch, read).backward()
            nn.utils.clip_grad_norm_(body, 1.0)
            learner.step()
            pace.step()
            done += 1
            say(done, steps)
    learnt = {
        name: (head.weight.detach().numpy().T.astype(np.float64), head.bias.detach().numpy().astype(np.float64))
        for name, head in ((name, _linear(module)) for name, module in heads.items())
    }
    return network.eval(), learnt


def _linear(module: Any) -> nn.Linear:
    assert isinstance(module, nn.Linear)
    return module
