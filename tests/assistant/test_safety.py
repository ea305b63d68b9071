"""Danger: always first, never muted, the charger off where the guards allow, the team paged at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.charger import Charger, ProcedureRun, RunKind
from models.contact import Contact
from models.incident import Incident
from models.reading import Category, Reading, Urgency
from models.ticket import Priority, TicketStatus
from tests.assistant.conftest import Network, reading


def _danger(*charger: str, language: str = "en", category: Category = Category.FAULT) -> Reading:
    return reading(category, urgency=Urgency.SAFETY, charger_id=charger, language=language)


def _pages(network: Network) -> list[str]:
    return [item.code for item in network.said() if item.conversation_id is None]


@pytest.mark.parametrize(
    ("language", "text", "word"),
    [
        ("en", "smoke from 100001", "step away"),
        ("si-Latn", "100001 eken dumak enawa", "ඈත්"),
        ("ta-Latn", "100001 la pugai varudhu", "விலகி"),
        ("es", "sale humo del 100001", "aléjate"),
    ],
)
def test_a_danger_at_a_named_charger(network: Network, language: str, text: str, word: str) -> None:
    assert network.hears(text, _danger("100001", language=language)) == ["safety.keep_away"]
    assert word in network.spoken(network.last())
    (run,) = network.runs()
    assert (run.kind, run.charger_id) == (RunKind.TAKE_OUT_OF_SERVICE, "100001")
    (ticket,) = network.tickets()
    assert (ticket.priority, ticket.category, ticket.charger_id) == (Priority.CRITICAL, Category.FAULT, "100001")
    assert network.rows(Incident)[0].cause == "safety"
    assert _pages(network) == ["safety.page"]
    assert network.alerts("safety")[0].urgent
    network.all_can_be_said()


@pytest.mark.parametrize("category", list(Category))
def test_a_danger_is_a_danger_whatever_the_category(network: Network, category: Category) -> None:
    assert network.hears("smoke at 100001", _danger("100001", category=category)) == ["safety.keep_away"]
    assert network.tickets()[0].priority is Priority.CRITICAL


def test_a_charger_that_nobody_named_is_not_switched_off(network: Network) -> None:
    assert network.hears("there is smoke", _danger()) == ["safety.keep_away", "safety.which"]
    assert network.runs() == []
    assert network.tickets()[0].charger_id is None
    page = next(item for item in network.said() if item.code == "safety.page")
    page.language = "en"
    assert "no charger is known" in network.spoken(page)
    network.all_can_be_said()


def test_the_charger_named_in_the_answer_is_switched_off_and_paged(network: Network) -> None:
    network.hears("there is smoke", _danger())
    read = reading(Category.OTHER, needs_review=True, charger_id=("100001",))
    assert network.hears("100001", read) == ["safety.named"]
    assert network.runs()[0].charger_id == "100001"
    assert [ticket.charger_id for ticket in network.tickets()] == ["100001"]
    assert _pages(network) == ["safety.page", "safety.page"]
    network.all_can_be_said()


def test_more_about_the_danger_goes_to_the_ticket(network: Network) -> None:
    network.hears("there is smoke", _danger())
    assert network.hears("the one next to the gate", reading(Category.OTHER, needs_review=True)) == ["safety.noted"]
    assert len(network.tickets()) == 1


def test_the_charger_of_the_message_before_counts_as_named(network: Network) -> None:
    network.hears("100001 does not start", reading(Category.FAULT, charger_id=("100001",)))
    assert network.hears("now there are sparks!", _danger()) == ["safety.keep_away"]
    assert network.runs()[0].charger_id == "100001"


def test_a_charger_named_two_messages_ago_is_only_asked_for(network: Network) -> None:
    network.hears("100001 does not start", reading(Category.FAULT, charger_id=("100001",)))
    network.hears("thanks", reading(Category.OTHER))
    assert network.hears("sparks!", _danger()) == ["safety.keep_away", "safety.which"]
    assert network.runs() == []
    assert network.last().choices[0]["id"] == "charger:100001"


def test_a_remedy_under_way_is_stopped(network: Network) -> None:
    network.hears("100002 red light", reading(Category.FAULT, charger_id=("100002",)))
    network.hears("now it smokes", _danger())
    (run,) = network.rows(ProcedureRun)
    assert run.stop_asked
    assert run.args["then"]["kind"] == RunKind.TAKE_OUT_OF_SERVICE.value


def test_what_the_guards_refuse_stands_in_the_page(network: Network) -> None:
    network.hears("smoke at 100001", _danger("100001"))
    network.hears("smoke at 100005 too", _danger("100005"))
    assert [run.charger_id for run in network.runs()] == ["100001"]
    page = [item for item in network.said() if item.code == "safety.page"][-1]
    assert page.facts["out"]["$code"] == "safety.not_taken_out"
    assert page.facts["out"]["why"]["$code"] == "run.too_many"
    assert len(network.tickets()) == 2


def test_a_second_visitor_of_the_web_chat_is_paged_for_and_a_member_takes_the_charger_out(network: Network) -> None:
    for number, charger in enumerate(("100001", "100005")):
        said = network.hears(f"smoke at {charger}", _danger(charger), who=f"visitor{number}", channel="web")
        assert said == ["safety.keep_away"]
    assert [run.charger_id for run in network.runs()] == ["100001"]
    assert [ticket.priority for ticket in network.tickets()] == [Priority.CRITICAL] * 2
    pages = [item for item in network.said() if item.code == "safety.page"]
    assert len(pages) == 2
    assert pages[-1].facts["out"]["why"]["$code"] == "run.unproven"
    assert "/out 100005" in network.spoken(pages[-1])
    assert all(alert.urgent for alert in network.alerts("safety"))
    network.all_can_be_said()


def test_an_offline_charger_cannot_be_switched_off_and_the_page_says_so(network: Network) -> None:
    network.hears("fire at 100004", _danger("100004"))
    page = next(item for item in network.said() if item.code == "safety.page")
    assert page.facts["out"]["why"]["$code"] == "run.not_connected"


def test_a_muted_person_in_danger_is_heard(network: Network) -> None:
    network.hears("hello", reading(Category.OTHER))
    contact = network.rows(Contact)[0]
    network.change(Contact, contact.id, muted_until_at=network.clock.now() + timedelta(hours=1))
    assert network.hears("hello again", reading(Category.OTHER)) == []
    assert network.hears("smoke at 100001", _danger("100001")) == ["safety.keep_away"]


def test_a_person_who_waits_for_a_human_and_is_in_danger_is_heard(network: Network) -> None:
    network.hears("human", reading(Category.OTHER))
    assert network.hears("smoke at 100001", _danger("100001")) == ["safety.keep_away"]


def test_a_danger_breaks_out_of_questions(network: Network) -> None:
    network.hears("my card is lost", reading(Category.RFID))
    assert network.hears("smoke at 100001!", _danger("100001")) == ["safety.keep_away"]
    assert network.conversation().dialogue is None


def test_the_same_danger_again_is_one_ticket_and_one_page_in_ten_minutes(network: Network) -> None:
    network.hears("smoke at 100001", _danger("100001"))
    assert network.hears("still smoke at 100001!!", _danger("100001")) == ["safety.known"]
    assert len(network.tickets()) == 1
    assert len(_pages(network)) == 1
    network.clock.set(network.clock.now() + timedelta(minutes=11))
    network.hears("more smoke at 100001", _danger("100001"))
    assert len(_pages(network)) == 2


def test_a_standing_ticket_becomes_critical(network: Network) -> None:
    network.hears("100001 does not start", reading(Category.FAULT, charger_id=("100001",)))
    network.hears("Still not working", payload="fault:still:100001")
    network.hears("it burns!", _danger("100001"))
    (ticket,) = network.tickets()
    assert ticket.priority is Priority.CRITICAL
    assert ticket.status is TicketStatus.OPEN


def test_a_charger_that_is_out_of_service_is_said_to_be(network: Network) -> None:
    network.change(Charger, "100001", out_of_service_since_at=network.clock.now(), out_of_service_why="smoke")
    codes = network.hears("100001 does not start", reading(Category.FAULT, charger_id=("100001",)))
    assert codes == ["fault.out_of_service"]
    assert network.runs() == []
