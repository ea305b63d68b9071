"""Money, questions, small talk, languages, humans, and the guards against loops."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.assistant.decide import answer
from desk import outbox
from desk.work import Work
from models.access import Actor, ActorKind, Role
from models.contact import Contact
from models.conversation import Conversation
from models.errors import NotFound
from models.message import Location, MessageState
from models.reading import Category
from models.reply import Reply
from models.ticket import Priority
from tests.assistant.conftest import Network, pays, reading

MONEY = reading(Category.BILLING)
OTHER = reading(Category.OTHER)
UNSURE = reading(Category.OTHER, needs_review=True)
INFO = reading(Category.INFO)


# Money ----------------------------------------------------------------------------------------------------------


def test_a_proven_phone_gets_its_figures(network: Network) -> None:
    network.hears("hello", OTHER)
    pays(network)
    assert network.hears("what is my balance", MONEY) == ["billing.figures"]
    text = network.spoken(network.last())
    assert "LKR 5,000.00" in text
    assert "CyberSource, received" in text
    assert "12.5 kWh, LKR 1,062.50" in text
    assert network.tickets() == []
    network.all_can_be_said()


@pytest.mark.parametrize(
    "text", ["I was charged twice", "salli depaarak kapila", "இரண்டு முறை பணம் எடுக்கப்பட்டது", "me cobraron dos veces"]
)
def test_money_that_went_wrong_is_a_ticket_with_the_figures(network: Network, text: str) -> None:
    network.hears("hello", OTHER)
    pays(network)
    assert network.hears(text, MONEY) == ["billing.figures_ticket"]
    (ticket,) = network.tickets()
    assert ticket.category is Category.BILLING
    assert ticket.evidence is not None
    assert ticket.evidence["wallet"] == {"$money": [500_000, "LKR"]}
    assert network.hears(f"I wrote before: {text}", MONEY) == ["case.added"]
    network.all_can_be_said()


def test_the_button_under_the_figures_opens_a_ticket(network: Network) -> None:
    network.hears("hello", OTHER)
    pays(network)
    network.hears("what is my balance", MONEY)
    assert network.hears("Open a ticket", payload="ticket:billing") == ["billing.ticket"]
    assert network.tickets()[0].summary == "what is my balance"


def test_an_unknown_number_gets_a_ticket(network: Network) -> None:
    assert network.hears("my balance please", MONEY) == ["billing.no_account"]
    assert network.tickets()[0].category is Category.BILLING
    network.all_can_be_said()


def test_a_web_visitor_proves_nobody_even_with_a_typed_phone(network: Network) -> None:
    network.hears("hello", OTHER)
    pays(network)
    read = reading(Category.BILLING, phone=("+94771234567",))
    assert network.hears("balance of +94771234567", read, who="session-1", channel="web") == ["billing.unproven"]
    assert "5,000" not in network.spoken(network.last())
    assert network.tickets() == []
    assert network.hears("I was charged twice", MONEY, who="session-1", channel="web") == ["billing.ticket_unproven"]
    network.all_can_be_said()


# Questions ------------------------------------------------------------------------------------------------------


QUESTIONS = [
    ("which connector types do you have?", "info.answer", "CCS2"),
    ("how much does charging cost per kWh", "info.prices", "LKR 85.00"),
    ("any free charger in Kandy?", "info.sites_here", "Kandy City Centre"),
    ("nuwara charger ekak thiyenawada Kandy wala", "info.sites_here", "Kandy City Centre"),
    ("where is the nearest charger", "info.sites", "Galle Fort"),
    ("opening hours in Kandy city", "info.prices", "24 h"),
]


def test_a_question_is_answered_from_what_the_house_knows(network: Network) -> None:
    for number, (text, code, words) in enumerate(QUESTIONS):
        assert network.hears(text, INFO, who=f"+9477000{number:04d}") == [code], text
        assert words in network.spoken(network.last())
    assert network.tickets() == []
    network.all_can_be_said()


def test_live_figures_count_what_is_free(network: Network) -> None:
    network.hears("any free charger in Kandy?", INFO)
    assert "fast (DC): 4 of 6 free" in network.spoken(network.last())


def test_an_answer_comes_in_the_persons_language(network: Network) -> None:
    network.hears("chademo thiyenawada", reading(Category.INFO, language="si-Latn"))
    assert "තියෙනවා" in network.spoken(network.last())


def test_a_question_in_known_words_needs_no_human_though_the_reading_is_unsure(network: Network) -> None:
    assert network.hears("how much per kWh?", reading(Category.INFO, needs_review=True)) == ["info.prices"]
    assert network.message().needs_review is False


def test_a_question_that_nobody_wrote_down_is_a_low_ticket(network: Network) -> None:
    assert network.hears("who painted the walls of your office", INFO) == ["info.ticket"]
    assert network.tickets()[0].priority is Priority.LOW
    network.all_can_be_said()


def test_a_place_on_the_map_gives_the_nearest_sites(network: Network) -> None:
    assert network.hears(location=Location(7.3, 80.6)) == ["info.nearest"]
    lines = network.spoken(network.last()).splitlines()
    assert "Kandy" in lines[1]
    assert lines[1].startswith("3.5")
    network.all_can_be_said()


# Small talk and languages ---------------------------------------------------------------------------------------


SMALL_TALK = [
    ("hi", UNSURE, "talk.hello"),
    ("ආයුබෝවන්", reading(Category.OTHER, language="si"), "talk.hello"),
    ("vanakkam", OTHER, "talk.hello"),
    ("hola", reading(Category.OTHER, language="es"), "talk.hello"),
    ("thank you so much", UNSURE, "talk.welcome"),
    ("gracias", OTHER, "talk.welcome"),
    ("ok", UNSURE, "talk.ok"),
    ("who won the cricket", OTHER, "talk.other"),
    ("xkcd qqq", UNSURE, "review.text"),
    ("language", UNSURE, "language.ask"),
    ("/status 100001", UNSURE, "talk.other"),
    ("/start", UNSURE, "talk.hello"),
    ("සිංහල", UNSURE, "language.set"),
]


def test_small_talk_opens_no_ticket(network: Network) -> None:
    for number, (text, read, code) in enumerate(SMALL_TALK):
        assert network.hears(text, read, who=f"+9477000{number:04d}") == [code], text
    assert network.tickets() == []
    network.all_can_be_said()


def test_a_chosen_language_wins_over_what_is_heard(network: Network) -> None:
    network.hears("language", OTHER)
    assert network.hears("தமிழ்", payload="language:ta") == ["language.set"]
    network.hears("which connector types do you have?", INFO)
    assert network.last().language == "ta"
    assert network.rows(Contact)[0].language == "ta"


def test_an_unclear_text_keeps_the_language_of_before(network: Network) -> None:
    network.hears("chademo thiyenawada", reading(Category.INFO, language="si-Latn"))
    network.hears("?", reading(Category.OTHER, language="und", needs_review=True))
    assert network.last().language == "si"
    network.hears("ok", reading(Category.OTHER, language="en"))
    assert network.last().language == "si"


def test_a_language_that_we_lack_is_answered_in_english(network: Network) -> None:
    network.hears("bonjour tout le monde", reading(Category.OTHER, language="fr"))
    assert network.last().language == "en"


def test_buttons_of_the_greeting_lead_on(network: Network) -> None:
    network.hears("hello", OTHER)
    assert network.hears("x", payload="menu:fault") == ["fault.which"]
    assert network.hears("x", payload="menu:find") == ["info.sites"]
    assert network.hears("x", payload="menu:balance") == ["billing.no_account"]
    assert network.hears("x", payload="menu:language") == ["language.ask"]


# Humans ---------------------------------------------------------------------------------------------------------


def test_what_is_not_understood_is_reviewed_and_told_once_in_half_an_hour(network: Network) -> None:
    assert network.hears("xkcd qqq", UNSURE) == ["review.text"]
    assert network.message().state is MessageState.NEEDS_REVIEW
    assert len(network.alerts("review")) == 1
    assert network.hears("blah frob", UNSURE) == []
    assert network.message().needs_review
    network.clock.set(network.clock.now() + timedelta(minutes=31))
    assert network.hears("zzz yyy", UNSURE) == ["review.text"]


def test_a_photo_without_a_word_waits_for_a_human(network: Network) -> None:
    assert network.hears(media=True) == ["review.media"]
    assert network.message().state is MessageState.NEEDS_REVIEW
    network.all_can_be_said()


def test_a_photo_joins_the_ticket_that_is_there(network: Network) -> None:
    network.hears("100004 dead", reading(Category.FAULT, charger_id=("100004",)))
    assert network.hears(media=True) == ["case.photo"]
    assert network.message().ticket_id == network.tickets()[0].id


@pytest.mark.parametrize(
    "text",
    [
        "human",
        "/human",
        "I want to talk to a person",
        "kenek ekka katha karanna ona",
        "மனிதர்",
        "quiero hablar con una persona",
    ],
)
def test_anybody_can_ask_for_a_human(network: Network, text: str) -> None:
    assert network.hears(text, UNSURE) == ["human.coming"]
    assert network.tickets()[0].conversation_id == network.conversation().id
    assert len(network.alerts("review")) == 1
    assert network.hears("are you there", OTHER) == []
    assert network.hears("100002 red", reading(Category.FAULT, charger_id=("100002",))) == []
    assert network.message().needs_review
    assert network.runs() == []
    assert network.hears("bot", OTHER) == ["human.bot_back"]
    assert network.hears("which connector types do you have?", INFO) == ["info.answer"]
    network.all_can_be_said()


def test_the_assistant_comes_back_twelve_hours_after_a_member_answered(network: Network) -> None:
    network.hears("human", OTHER)
    network.clock.set(network.clock.now() + timedelta(hours=20))
    assert network.hears("anybody?", OTHER) == []
    member = Actor(ActorKind.MEMBER, "1", "Ana", role=Role.ADMIN)

    def reply(work: Work) -> None:
        conversation = work.session.get_one(Conversation, network_conversation)
        outbox.say(work, conversation, Reply("reply", text="I am here"), key="r1")

    network_conversation = network.conversation().id
    network.office.submit(member, reply).result(30)
    assert network.hears("great, another question", OTHER) == []
    network.clock.set(network.clock.now() + timedelta(hours=13))
    assert network.hears("hello", OTHER) == ["talk.hello"]
    assert network.conversation().human_since_at is None


# Guards ---------------------------------------------------------------------------------------------------------


def test_the_same_text_three_times_is_answered_once(network: Network) -> None:
    said = [network.hears("which connector types do you have?", INFO) for _ in range(3)]
    assert said == [["info.answer"], [], []]


def test_two_chargers_are_two_messages(network: Network) -> None:
    network.hears("100004 dead", reading(Category.FAULT, charger_id=("100004",)))
    assert network.hears("100005 dead", reading(Category.FAULT, charger_id=("100005",))) != []


@pytest.mark.parametrize(
    "text",
    [
        "Automatic reply: I am out of office",
        "Thank you for contacting Ceylon Foods! We will get back to you",
        "Respuesta automática: estoy fuera de la oficina",
    ],
)
def test_another_machine_is_not_answered(network: Network, text: str) -> None:
    assert network.hears(text, OTHER) == []


def test_whoever_writes_without_end_is_muted_with_one_notice_and_heard_again_later(network: Network) -> None:
    said = [code for n in range(30) for code in network.hears(f"what about number {n} and word{n}", OTHER)]
    assert said.count("guard.muted") == 1
    assert said[-1] == "guard.muted"
    assert len(said) <= 9
    assert len(network.alerts("review")) == 1
    assert network.hears("my balance", MONEY) == []
    assert network.message().needs_review
    network.clock.set(network.clock.now() + timedelta(minutes=11))
    assert network.hears("hello", OTHER) == ["talk.hello"]


def test_an_echoing_machine_cannot_make_us_talk_for_ever(network: Network) -> None:
    text, answers = "hello there my friend", 0
    for n in range(200):
        said = network.hears(f"{text} {n}", OTHER)
        answers += len(said)
    assert answers <= 50


def test_a_message_that_does_not_exist_is_refused(network: Network) -> None:
    with pytest.raises(NotFound):
        network.run(answer, 999, None, network.context)
