"""From labels to rows that teach: quarrels stay out, nobody is too loud, a part is kept back, the unsure come first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from classifiers.dataset import Row
from classifiers.fold import fold
from classifiers.team_rows import CAP_LEAST, CAP_SHARE, choose
from classifiers.worth_labelling import margin, rank
from models.reading import Category, Urgency
from models.teaching import Labelled

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def word(number: int) -> str:
    """A word for a number: digits are folded into one."""
    syllables = ("ba", "do", "fi", "gu", "ka", "lo", "mi", "nu", "pa", "ro")
    return "".join(syllables[int(digit)] for digit in f"{number:04d}")


def said(
    number: int, text: str, category: Category, by: str = "ana", *, days_ago: int = 60, urgency: Urgency | None = None
) -> Labelled:
    at = NOW - timedelta(days=days_ago) + timedelta(seconds=number)
    return Labelled(number, text, category, Category.OTHER, 0.5, f"member:{by}", by, "", at, at, urgency)


def texts(rows: tuple[Row, ...]) -> set[str]:
    return {row.text for row in rows}


def test_what_reads_the_same_is_one_row_and_a_quarrel_is_none() -> None:
    chosen = choose(
        [
            said(1, "Charger eka wada na", Category.FAULT, "ana"),
            said(2, "CHARGER eka wada na!", Category.FAULT, "ben", urgency=Urgency.URGENT),
            said(3, "is it open", Category.INFO, "ana"),
            said(4, "is it open", Category.COMPLAINT, "ben"),
            said(5, "top up", Category.FAULT, "ana"),
            said(6, "top up", Category.BILLING, "ana"),  # one person's later word is no quarrel
        ],
        NOW,
    )
    rows = {row.text: row for row in (*chosen.taught, *chosen.newest)}
    assert fold("Charger eka wada na") == fold("CHARGER eka wada na!")
    assert "is it open" not in rows
    [quarrel] = chosen.quarrels
    assert {(one.by, one.category) for one in quarrel} == {("ana", Category.INFO), ("ben", Category.COMPLAINT)}
    kept = [row for row in rows.values() if fold(row.text) == fold("top up")]
    assert [row.category for row in kept] in ([], ["billing"])


def test_a_quarrel_ends_when_one_of_them_agrees() -> None:
    rows = [said(1, "is it open", Category.INFO, "ana"), said(2, "is it open", Category.COMPLAINT, "ben")]
    assert choose(rows, NOW).quarrels
    assert not choose([*rows, said(3, "is it open", Category.INFO, "ben")], NOW).quarrels


def test_a_danger_that_another_takes_for_none_is_a_quarrel() -> None:
    danger = said(1, "the handle is warm and hums", Category.FAULT, "ana", urgency=Urgency.SAFETY)
    silent = said(2, "the handle is warm and hums", Category.FAULT, "ben")
    denied = said(3, "the handle is warm and hums", Category.FAULT, "ben", urgency=Urgency.NORMAL)
    assert not choose([danger, silent], NOW).quarrels
    assert choose([danger, denied], NOW).quarrels


def test_one_label_of_a_third_person_does_not_silence_two() -> None:
    both = [said(n + k * 500, f"{by} {word(n)}", Category.INFO, by) for k, by in enumerate("ab") for n in range(300)]
    chosen = choose([*both, said(2000, "quite another thing", Category.FAULT, "c")], NOW)
    assert sum(chosen.over_cap.values()) == 2 * (300 - 601 // 3)


def test_one_of_many_gives_a_fifth_at_most_and_a_small_team_gives_all() -> None:
    loud = [said(number, f"loud words {word(number)}", Category.FAULT, "ana") for number in range(400)]
    one, two = ([said(1000 + n, f"{by} {word(n)}", Category.INFO, by) for n in range(50)] for by in ("ben", "cleo"))
    alone = choose([*loud, *one], NOW)
    assert alone.over_cap == {}
    together = choose(sorted([*loud, *one, *two], key=lambda row: row.at), NOW)
    assert together.over_cap == {"ana": 400 - 500 // 3}  # an equal share of three
    more = [said(2000 + n, f"{by} {word(n)}", Category.INFO, by) for by in "defg" for n in range(25)]
    crowd = choose(sorted([*loud, *one, *two, *more], key=lambda row: row.at), NOW)
    assert crowd.over_cap == {"ana": 400 - int(CAP_SHARE * 600)}
    kept = {row.text for row in together.taught if row.text.startswith("loud")}
    assert f"loud words {word(0)}" not in kept  # the oldest go
    few = [said(number, f"{by} {word(number)}", Category.FAULT, by) for by in "abc" for number in range(CAP_LEAST)]
    assert choose(few, NOW).over_cap == {}


@given(st.lists(st.tuples(st.text(min_size=1, max_size=12), st.sampled_from(Category), st.sampled_from("abcd"),
                          st.integers(0, 100)), max_size=80))  # fmt: skip
def test_no_row_both_teaches_and_measures(given_rows: list[tuple[str, Category, str, int]]) -> None:
    labelled = sorted(
        (said(n, text, category, by, days_ago=days) for n, (text, category, by, days) in enumerate(given_rows)),
        key=lambda one: one.at,
    )
    chosen = choose(labelled, NOW)
    assert not {row.family for row in chosen.taught} & {row.family for row in chosen.newest}
    assert not any(row.held_out for row in chosen.taught)
    assert all(row.held_out for row in chosen.newest)
    quarrelled = {fold(one.text) or one.text for same in chosen.quarrels for one in same}
    assert not quarrelled & {row.family for row in (*chosen.taught, *chosen.newest)}
    assert chosen == choose(labelled, NOW)


def test_only_the_newest_month_measures() -> None:
    rows = [said(number, f"some words {word(number)}", Category.FAULT, days_ago=10) for number in range(40)]
    old = [said(100 + number, f"old words {word(number)}", Category.FAULT, days_ago=40) for number in range(40)]
    chosen = choose([*old, *rows], NOW)
    assert chosen.newest
    assert all(text.startswith("some") for text in texts(chosen.newest))


@dataclass(frozen=True)
class Message:
    """As much of one as ranking asks."""

    text: str
    scores: dict[str, float] = field(default_factory=dict)


def test_the_least_sure_come_first_and_copies_once() -> None:
    sure = Message("balance please", {"billing": 0.7, "info": 0.2})
    torn = Message("card blocked", {"billing": 0.4, "rfid": 0.39})
    copies = [Message("HELLO!!", {"other": 0.5, "info": 0.3}), Message("hello", {"other": 0.5, "info": 0.3})]
    assert rank([sure, *copies, torn], 10) == [(torn, 1), (copies[0], 2), (sure, 1)]
    assert rank([sure, torn], 1) == [(torn, 1)]
    assert margin({}) == 1.0
