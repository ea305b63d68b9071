"""Troubles: the charger's own word decides what is done about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from desk import tickets
from models.charger import Charger, ChargerState, Connector, RunKind
from models.charging import ChargingTransaction
from models.contact import Contact
from models.conversation import Conversation
from models.incident import Incident, IncidentPerson
from models.message import MessageState
from models.reading import Category, Reading, Urgency
from models.ticket import Priority, TicketStatus
from tests.assistant.conftest import Network, pays, reading


def _fault(charger: str | None = None, **more: Any) -> Reading:
    return reading(Category.FAULT, charger_id=(charger,) if charger else (), **more)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "charger 100002 is not starting, red light"),
        ("si-Latn", "100002 eka wada na, rathu eliya"),
        ("ta-Latn", "100002 velai seyyala"),
        ("es", "el cargador 100002 no funciona"),
    ],
)
def test_a_fault_that_can_be_cleared_is_being_cleared(network: Network, language: str, text: str) -> None:
    assert network.hears(text, _fault("100002", language=language)) == ["fault.checking"]
    (run,) = network.runs()
    assert (run.kind, run.charger_id, run.connector) == (RunKind.CLEAR_FAULT, "100002", 1)
    assert run.conversation_id == network.conversation().id
    assert run.incident_id == network.rows(Incident)[0].id
    assert network.tickets() == []
    assert network.last().language == language.removesuffix("-Latn")
    assert "100002" in network.spoken(network.last())
    assert network.message().state is MessageState.REPLIED
    network.all_can_be_said()


@pytest.mark.parametrize("category", [Category.FAULT, Category.INFO, Category.OTHER])
def test_a_doubtful_message_counts_where_the_charger_itself_reports_the_fault(
    network: Network, category: Category
) -> None:
    doubtful = reading(category, charger_id=("100002",), needs_review=category is not Category.OTHER)
    assert network.hears("so what is wrong with 100002 today", doubtful) == ["fault.checking"]


def test_a_doubtful_question_at_a_charger_that_is_well_goes_to_a_human(network: Network) -> None:
    doubtful = reading(Category.INFO, charger_id=("100001",), needs_review=True)
    network.hears("so what about that thing with 100001 then", doubtful)
    assert network.runs() == []
    assert network.message().state is MessageState.NEEDS_REVIEW


def test_the_same_message_is_answered_once(network: Network) -> None:
    assert network.hears("100002 red light", _fault("100002"), twice=True) == ["fault.checking"]
    assert len(network.runs()) == 1


def test_a_ground_failure_is_never_cleared_by_a_machine(network: Network) -> None:
    assert network.hears("100003 does not work", _fault("100003")) == ["fault.not_healed"]
    assert network.runs() == []
    (ticket,) = network.tickets()
    assert ticket.priority is Priority.HIGH
    assert ticket.evidence is not None
    assert ticket.evidence["no_remedy"] == "run.safety"
    assert ticket.evidence["charger"]["connectors"][0]["error_code"] == "GroundFailure"
    assert "technician" in network.spoken(network.last())
    network.all_can_be_said()


def test_an_offline_charger_gets_a_ticket_and_an_incident(network: Network) -> None:
    assert network.hears("100004 dead", _fault("100004")) == ["fault.offline"]
    (ticket,) = network.tickets()
    assert ticket.charger_id == "100004"
    assert ticket.incident_id == network.rows(Incident)[0].id
    network.all_can_be_said()


def test_a_fault_of_the_whole_station_is_every_connectors(network: Network) -> None:
    row = Connector(charger_id="100001", number=0, status=ChargerState.FAULTED, error_code="InternalError")
    row.received_at = network.clock.now()
    network.put(row)
    assert network.hears("100001 does not start", _fault("100001")) == ["fault.checking"]
    assert network.runs()[0].connector == 1


def test_a_charger_of_hours_ago_is_not_meant_by_a_new_trouble(network: Network) -> None:
    network.hears("100001 does not start", _fault("100001"))
    network.clock.set(network.clock.now() + timedelta(hours=3))
    assert network.hears("my car does not charge", _fault()) == ["fault.which"]


def test_a_switched_off_charger_becomes_a_ticket_with_the_reason(network: Network) -> None:
    network.change(Charger, "100002", auto_heal=False)
    assert network.hears("100002 red", _fault("100002")) == ["fault.not_healed"]
    assert network.tickets()[0].evidence["no_remedy"] == "run.switched_off"  # type: ignore[index]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (ChargerState.AVAILABLE, "fault.advice.available"),
        (ChargerState.PREPARING, "fault.advice.preparing"),
        (ChargerState.CHARGING, "fault.advice.charging"),
        (ChargerState.SUSPENDED_EV, "fault.advice.car_pauses"),
        (ChargerState.SUSPENDED_EVSE, "fault.advice.charger_pauses"),
        (ChargerState.FINISHING, "fault.advice.finishing"),
        (ChargerState.RESERVED, "fault.advice.reserved"),
        (ChargerState.UNAVAILABLE, "fault.advice.unavailable"),
    ],
)
def test_a_charger_without_a_fault_gets_advice_by_its_state(network: Network, state: ChargerState, code: str) -> None:
    network.change(Connector, ("100001", 1), status=state)
    assert network.hears("100001 does not start", _fault("100001", connector=(1,))) == [code]
    assert network.tickets() == []
    assert network.runs() == []
    assert [choice["id"] for choice in network.last().choices] == ["fault:works:100001", "fault:still:100001"]
    network.all_can_be_said()


def test_still_not_working_becomes_a_ticket_with_what_was_said(network: Network) -> None:
    network.hears("100001 does not start", _fault("100001"))
    assert network.hears("Still not working", payload="fault:still:100001") == ["fault.ticket"]
    (ticket,) = network.tickets()
    assert "100001 does not start" in ticket.summary
    assert ticket.evidence is not None
    assert ticket.evidence["charger"]["id"] == "100001"
    network.all_can_be_said()


def test_a_typed_number_is_the_choice_that_it_stood_for(network: Network) -> None:
    network.hears("100001 does not start", _fault("100001"))
    network.change(Conversation, network.conversation().id, menu={"1": "fault:works:100001", "2": "fault:still:100001"})
    assert network.hears("1", reading(Category.OTHER, needs_review=True)) == ["fault.glad"]
    assert network.tickets() == []
    assert network.message().needs_review is False


def test_still_in_words_means_the_charger_just_talked_about(network: Network) -> None:
    texts = ["still not working", "thama wada na", "innum velai seiyala", "sigue sin funcionar"]
    for number, text in enumerate(texts):
        who = f"+9477000{number:04d}"
        network.hears("100001 does not start", _fault("100001"), who=who)
        assert network.hears(text, reading(Category.FAULT), who=who) == ["fault.ticket"], text
    assert [ticket.charger_id for ticket in network.tickets()] == ["100001"] * 4


def test_a_second_message_about_the_same_charger_joins_the_ticket(network: Network) -> None:
    network.hears("100004 dead", _fault("100004"))
    assert network.hears("100004 is really dead, screen black", _fault("100004")) == ["case.added"]
    assert len(network.tickets()) == 1
    assert network.message().ticket_id == network.tickets()[0].id
    network.all_can_be_said()


def test_a_second_person_joins_the_incident_and_opens_nothing(network: Network) -> None:
    network.hears("100004 dead", _fault("100004"))
    assert network.hears("100004 dead", _fault("100004"), who="+94770000002") == ["fault.known"]
    assert len(network.tickets()) == 1
    assert len(network.rows(Incident)) == 1
    assert len(network.rows(IncidentPerson)) == 2


def test_a_second_person_during_the_remedy_hears_that_it_is_under_way(network: Network) -> None:
    network.hears("100002 red", _fault("100002"))
    assert network.hears("100002 red", _fault("100002"), who="+94770000002") == ["fault.already_checking"]
    assert len(network.runs()) == 1
    assert network.tickets() == []


def test_without_a_charger_the_person_is_asked_which_one(network: Network) -> None:
    assert network.hears("it does not charge", _fault()) == ["fault.which"]
    ids = [choice["id"] for choice in network.last().choices]
    assert "charger:100002" in ids
    assert ids[-1] == "charger:"
    assert network.hears("100002", reading(Category.OTHER, needs_review=True, charger_id=("100002",))) == [
        "fault.checking"
    ]
    assert network.conversation().dialogue is None
    network.all_can_be_said()


def test_an_unknown_number_is_asked_again_and_ends_in_a_ticket(network: Network) -> None:
    assert network.hears("999999 broken", _fault("999999")) == ["fault.unknown_charger"]
    assert network.hears("the blue one", reading(Category.OTHER)) == ["fault.which_again"]
    assert network.hears("by the gate I think", reading(Category.OTHER)) == ["fault.ticket_no_charger"]
    (ticket,) = network.tickets()
    assert ticket.charger_id is None
    assert "999999 broken" in ticket.description
    assert "by the gate" in ticket.description
    network.all_can_be_said()


def test_the_charger_of_an_own_session_is_meant(network: Network) -> None:
    network.hears("hello", reading(Category.OTHER))
    pays(network)
    network.change(ChargingTransaction, 77, stopped_at=None, charger_id="100005")
    network.clock.set(network.clock.now() + timedelta(hours=13))
    assert network.hears("I cannot unplug my car", _fault()) == ["fault.advice.finishing"]


def test_a_stranded_person_pages_the_team_at_once(network: Network) -> None:
    codes = network.hears("car locked to 100005", _fault("100005", urgency=Urgency.URGENT))
    assert codes == ["fault.urgent"]
    assert network.tickets()[0].priority is Priority.HIGH
    assert network.alerts("fault")[0].urgent
    assert [i.code for i in network.said() if i.conversation_id is None] == ["fault.page"]
    network.all_can_be_said()


def test_a_solved_ticket_is_reopened_by_still_broken(network: Network) -> None:
    network.hears("100004 dead", _fault("100004"))
    ref = network.tickets()[0].ref
    network.as_operator(tickets.resolve, ref, "replaced the fuse")
    network.clock.set(network.clock.now() + timedelta(hours=20))
    network.hears("it is still not working", reading(Category.FAULT))
    assert network.tickets()[0].status is not TicketStatus.RESOLVED
    assert len(network.tickets()) == 1


def test_the_state_of_an_own_ticket_is_told_by_its_number(network: Network) -> None:
    network.hears("100004 dead", _fault("100004"))
    assert network.hears("how is TKT-000001?", reading(Category.INFO, ticket_ref=("TKT-000001",))) == ["case.status"]
    network.all_can_be_said()


def test_the_state_of_an_own_ticket_is_told_without_its_number(network: Network) -> None:
    network.hears("100004 dead", _fault("100004"))
    for text in ("what about my ticket?", "mage ticket eka mokada", "என் புகார் என்ன ஆச்சு", "y mi ticket?"):
        assert network.hears(text, reading(Category.OTHER, needs_review=True)) == ["case.status"], text


def test_another_persons_ticket_does_not_exist(network: Network) -> None:
    network.hears("100004 dead", _fault("100004"))
    codes = network.hears("how is TKT-000001?", reading(Category.INFO, ticket_ref=("TKT-000001",)), who="+94770000002")
    assert codes == ["case.unknown"]
    assert len(network.rows(Contact)) == 2
