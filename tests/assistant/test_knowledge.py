"""The knowledge: parsed with lines, searched in four languages, read again when it changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.assistant.knowledge_file import KnowledgeFile, load
from classifiers.fold import fold
from desk.knowledge import Index, Knowledge, KnowledgeError, Topic, parse
from tests.assistant.conftest import KNOWLEDGE

GOOD = '[[topic]]\nid = "a"\nkeywords = ["unicorn"]\nanswer = { en = "yes", si = "ඔව්" }\n'


@pytest.fixture(scope="module")
def shipped() -> Index:
    return Index.of(load(KNOWLEDGE), fold)


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("where is the closest charger to me", "availability"),
        ("langama charging station eka koheda", "availability"),
        ("அருகில் சார்ஜர் எங்கே இருக்கு", "availability"),
        ("hay cargador libre cerca de aqui", "availability"),
        ("how much is it per kwh", "prices"),
        ("චාජ් කරන්න කීයද", "prices"),
        ("charge panna evvalavu", "prices"),
        ("cuanto cuesta cargar el coche", "prices"),
        ("are you open at night", "hours"),
        ("keeyata da arinne", "hours"),
        ("how can i start charging my car", "start-session"),
        ("சார்ஜ் செய்வது எப்படி", "start-session"),
        ("do you have chademo plugs", "connectors"),
        ("que conectores hay", "connectors"),
        ("can i book a charger for 5pm", "reservation"),
        ("wallet eka topup karanne kohomada", "top-up"),
        ("where do i see my solar production", "monitoring"),
        ("solar irundhum bill yen adhigam", "production-and-bill"),
    ],
)
def test_a_question_in_other_words_finds_its_topic(shipped: Index, question: str, topic: str) -> None:
    found = shipped.search(question)
    assert found is not None
    assert found.topic.id == topic


@pytest.mark.parametrize(
    "question",
    [
        "who is your CEO", "do you sell cars", "can i bring my dog", "what is the weather today", "", "???",
        "my car has not arrived", "do you give a discount for taxis", "mata raki deparak karanna", "வானிலை எப்படி",
    ],
)  # fmt: skip
def test_what_nobody_wrote_down_finds_nothing(shipped: Index, question: str) -> None:
    assert shipped.search(question) is None


def test_every_shipped_topic_speaks_four_languages_and_finds_itself(shipped: Index) -> None:
    for topic in shipped.knowledge.topics:
        assert set(topic.answer) == {"en", "si", "ta", "es"}, topic.id
        for question in topic.questions:
            found = shipped.search(question)
            assert found is not None
            assert found.topic.id == topic.id, question


def test_a_language_that_lacks_falls_back_to_english() -> None:
    (topic,) = parse(GOOD).topics
    assert (topic.said("si"), topic.said("ta")) == ("ඔව්", "yes")


def test_nothing_known_answers_nothing() -> None:
    assert Index.of(Knowledge(), fold).search("anything") is None
    lone = Knowledge((Topic("a", {"en": "yes"}, keywords=("unicorn",)),))
    assert Index.of(lone, fold).search("a unicorn?") is not None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[[topic]]\nid = "a"\nanswer = {', 3, "Invalid"),
        ('[[topic]]\nid = "a"\n\nanswer = "x\n', 4, "Illegal"),
        (GOOD + '[[topic]]\nid = "b"\nkeywords = ["x"]\n', 5, "answer"),
        (GOOD + GOOD, 1, "twice"),
        ('[[topic]]\nkeywords = ["x"]\nanswer = { en = "y" }\n', 1, "needs an id"),
        ('[[topic]]\nid = "a"\nkeywords = ["x"]\nanswer = { si = "y" }\n', 1, "en is a must"),
        ('[[topic]]\nid = "a"\nanswer = { en = "y" }\n', 1, "nobody finds it"),
        ('[[topic]]\nid = "a"\nkeywords = "x"\nanswer = { en = "y" }\n', 1, "list of texts"),
        ('[[topic]]\nid = "a"\nkeywords = ["x"]\nlive = "moon"\nanswer = { en = "y" }\n', 1, "live is one of"),
        ('[[topic]]\nid = "a"\nkeywrods = ["x"]\nanswer = { en = "y" }\n', 1, "keywrods"),
        ("threshold = 7\n", 1, "threshold"),
        ('topic = "x"\n', 1, r"\[\[topic\]\]"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(KnowledgeError, match=words) as caught:
        parse(text)
    assert caught.value.line == line


def test_an_edit_is_seen_and_a_bad_one_keeps_the_old_knowledge(tmp_path: Path) -> None:
    path = tmp_path / "k.toml"
    path.write_text(GOOD, encoding="utf-8")
    file = KnowledgeFile(path)
    assert file.index.search("unicorn") is not None
    path.write_text(GOOD.replace("unicorn", "dragon"), encoding="utf-8")
    os.utime(path, (1, 1))
    assert file.index.search("unicorn") is None
    assert file.index.search("dragon") is not None
    path.write_text("[[topic]]\nid = ", encoding="utf-8")
    assert file.index.search("dragon") is not None
    assert file.problem is not None
    assert "line 2" in file.problem
    path.unlink()
    assert file.index.search("dragon") is not None
    path.write_text(GOOD, encoding="utf-8")
    assert file.index.search("unicorn") is not None
    assert file.problem is None


def test_a_file_that_is_wrong_at_the_start_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(KnowledgeError, match="UTF-8"):
        KnowledgeFile(path)
    with pytest.raises(OSError, match="nothing"):
        KnowledgeFile(tmp_path / "nothing.toml")
