"""Questions one at a time: every talk ends or stays in a state that is known, whatever is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.assistant import forgotten
from bot.assistant.dialogue import FORGOTTEN_S
from bot.assistant.questions import FORMS
from desk import talk
from models.message import Location
from models.reading import Category, Reading, Urgency
from tests.assistant.conftest import Network, reading

ANY = reading(Category.OTHER, needs_review=True)


def test_an_installation_is_asked_for_step_by_step(network: Network) -> None:
    first = reading(Category.INSTALL, summary="wants a home charger")
    assert network.hears("we want to invest in our house", first) == ["ask.first"]
    assert "What shall be installed?" in network.spoken(network.last())
    assert network.hears("A charger", payload="ask:what:charger") == ["ask.install.where"]
    assert network.hears(location=Location(6.9, 79.8)) == ["ask.install.supply"]
    assert network.hears("skip", ANY) == ["ask.install.car"]
    assert network.hears(media=True) == ["ask.photo_kept"]
    assert network.hears("a Leaf", ANY) == ["ask.install.when"]
    assert network.tickets() == []
    started = network.clock.now()
    assert network.hears("next Friday", ANY) == ["ask.install.done"]
    (ticket,) = network.tickets()
    assert ticket.category is Category.INSTALL
    assert ticket.summary == "wants a home charger"
    assert ticket.created_at < started
    assert ticket.evidence == {
        "answers": {"what": "A charger", "where": "6.9, 79.8", "car": "a Leaf", "when": "next Friday"}, "photos": 1,
    }  # fmt: skip
    assert "Which car, or what shall it power? a Leaf" in ticket.description
    assert network.conversation().dialogue is None
    assert all(not row.needs_review for row in [network.message()])
    network.all_can_be_said()


def test_what_was_said_already_is_not_asked(network: Network) -> None:
    first = reading(Category.RFID, charger_id=("100001",))
    assert network.hears("card rejected at 100001", first) == ["ask.first"]
    assert "Which number is printed" in network.spoken(network.last())
    assert network.hears("04A1B2C3", reading(Category.OTHER, id_tag=("04A1B2C3",))) == ["ask.rfid.done"]
    assert network.tickets()[0].evidence["answers"] == {  # type: ignore[index]
        "card": "04A1B2C3", "wish": "It is not accepted", "where": "100001",
    }  # fmt: skip


def test_a_talk_can_be_broken_off(network: Network) -> None:
    for number, word in enumerate(("cancel", "epa", "வேண்டாம்", "cancelar")):
        who = f"+9477000{number:04d}"
        network.hears("very bad service", reading(Category.COMPLAINT), who=who)
        assert network.hears(word, ANY, who=who) == ["ask.cancelled"]
        assert network.conversation().dialogue is None
    assert network.tickets() == []


def test_a_human_breaks_out_of_questions(network: Network) -> None:
    network.hears("very bad service", reading(Category.COMPLAINT))
    assert network.hears("I want to talk to a human", ANY) == ["human.coming"]
    assert network.conversation().dialogue is None


def test_questions_left_alone_become_a_ticket_before_the_next_matter(network: Network) -> None:
    network.hears("very bad service in Galle", reading(Category.COMPLAINT))
    network.hears("nobody came", ANY)
    network.clock.set(network.clock.now() + timedelta(hours=13))
    assert network.hears("hello", reading(Category.OTHER)) == ["ask.complaint.done", "talk.hello"]
    (ticket,) = network.tickets()
    assert "very bad service in Galle" in ticket.description
    assert "nobody came" in ticket.description


SAID_ALREADY = [
    ("I lost my card", "It is lost"), ("mage card eka nathi una", "It is lost"), ("කාඩ් එක නැති වුණා", "It is lost"),
    ("அட்டை தொலைந்துவிட்டது", "It is lost"), ("perdí mi tarjeta", "It is lost"),
    ("please activate it", "Activate it"), ("lost it, I want a new card", None),
]  # fmt: skip


def test_what_the_words_say_already_is_not_asked(network: Network) -> None:
    for number, (text, answer) in enumerate(SAID_ALREADY):
        network.hears(text, reading(Category.RFID), who=f"+9477000{number:04d}")
        state = network.conversation().dialogue
        assert state is not None
        assert state["answers"].get("wish") == answer, text


def test_questions_left_alone_become_a_ticket_by_themselves(network: Network) -> None:
    network.hears("very bad service in Galle", reading(Category.COMPLAINT))
    network.hears("nobody came", ANY)
    network.hears("it does not charge", reading(Category.FAULT), who="+94770000002")
    network.hears("there is smoke", reading(Category.FAULT, urgency=Urgency.SAFETY), who="+94770000003")
    assert network.run(talk.quiet_dialogues, FORGOTTEN_S) == []
    network.clock.set(network.clock.now() + timedelta(hours=4))
    quiet = network.run(talk.quiet_dialogues, FORGOTTEN_S)
    assert len(quiet) == 3
    assert [network.run(forgotten.close, each) for each in quiet] == [True, True, True]
    assert [network.run(forgotten.close, each) for each in quiet] == [False, False, False]
    assert network.run(talk.quiet_dialogues, FORGOTTEN_S) == []
    assert sorted(t.category.value for t in network.tickets()) == ["complaint", "fault", "fault"]
    assert {"ask.complaint.done", "fault.ticket_no_charger"} <= {item.code for item in network.said()}
    network.all_can_be_said()


def test_a_second_request_of_the_same_kind_joins_the_first(network: Network) -> None:
    network.hears("very bad service", reading(Category.COMPLAINT))
    for text in ("nobody came", "on Monday", "an apology"):
        network.hears(text, ANY)
    assert network.hears("and still nobody came, terrible", reading(Category.COMPLAINT)) == ["case.added"]
    assert len(network.tickets()) == 1


def test_an_old_button_of_another_question_is_no_answer(network: Network) -> None:
    network.hears("please give me a quotation", reading(Category.INSTALL))
    assert network.hears("Three-phase", ANY, payload="ask:supply:three") == ["ask.install.where"]
    state = network.conversation().dialogue
    assert state is not None
    assert state["answers"] == {"what": "Three-phase"}


_TEXTS = st.one_of(
    st.sampled_from(
        ["cancel", "skip", "human", "bot", "1", "2", "99", "yes", "100001", "100004", "thanks", "hello", "language",
         "TKT-000001", "still not working", "it works now", "my card is lost", "ස්තුතියි", "நன்றி", "?", "/start", "-",
         "\u200b"]
    ),
    st.text(max_size=40),
)  # fmt: skip
_PAYLOADS = st.one_of(
    st.none(), st.none(), st.none(),
    st.sampled_from(
        ["fault:still:100001", "fault:works:100001", "fault:still:", "fault:x", "charger:100004", "charger:",
         "charger:no",
         "ask:what:charger", "ask:what", "ask", "skip", "cancel", "human", "ticket:billing", "ticket:x", "language:si",
         "language:xx", "menu:fault", "menu:find", "menu:no", "case:TKT-000001", "case:", "nonsense", ":::"]
    ),
)  # fmt: skip


@st.composite
def _readings(draw: st.DrawFn) -> Reading | None:
    if draw(st.integers(0, 9)) == 0:
        return None
    more: dict[str, Any] = {}
    if draw(st.booleans()):
        more["charger_id"] = (draw(st.sampled_from(["100001", "100002", "100003", "100004", "999999"])),)
    if draw(st.integers(0, 5)) == 0:
        more["ticket_ref"] = (draw(st.sampled_from(["TKT-000001", "TKT-999999"])),)
    return reading(
        draw(st.sampled_from(list(Category))),
        language=draw(st.sampled_from(["en", "si", "si-Latn", "ta-Latn", "es", "fr", "und"])),
        urgency=draw(st.sampled_from([Urgency.NORMAL] * 8 + [Urgency.URGENT, Urgency.SAFETY])),
        needs_review=draw(st.booleans()), summary=draw(st.sampled_from(["", "one line"])), **more,
    )  # fmt: skip


_STEP = st.tuples(_TEXTS, _readings(), _PAYLOADS, st.booleans(), st.integers(0, 3))
_KINDS = {*FORMS, "which_charger", "safety_which"}
_people = iter(range(10_000_000))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(_STEP, min_size=1, max_size=12))
def test_any_talk_ends_or_stays_in_a_known_state(network: Network, steps: list[Any]) -> None:
    who = f"+9477{next(_people):07d}"
    for text, read, payload, media, hours in steps:
        said = network.hears(text, read, who=who, payload=payload, media=media)
        assert len(said) <= 3
        if read is not None and read.urgency is Urgency.SAFETY:
            assert said[0].startswith("safety.")
        conversation = next(row for row in network.rows(type(network.conversation())) if who in row.address)
        state = conversation.dialogue
        assert state is None or state["kind"] in _KINDS
        if state is not None and state["kind"] in FORMS:
            assert FORMS[state["kind"]].question(state["step"]) is not None
        network.clock.set(network.clock.now() + timedelta(minutes=20 * hours))
    network.all_can_be_said()
