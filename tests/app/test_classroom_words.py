"""A lesson's words, laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcast_tui.app.classroom.lesson_words import lesson_rows, menu
from mcast_tui.app.palette import UNICODE
from mcast_tui.services.lab.classroom.actions import Leave
from mcast_tui.services.lab.classroom.cast import Cast
from mcast_tui.services.lab.classroom.claims import KnowsQuerier
from mcast_tui.services.lab.classroom.expectations import Expectation
from mcast_tui.services.lab.classroom.lectern import Lesson
from mcast_tui.services.lab.classroom.live_lan import LanPlan
from mcast_tui.services.lab.classroom.runner import Outcome, Runner, StepResult
from mcast_tui.services.lab.classroom.scenario import Scenario, Step
from tests.pictures import picture
from tests.pty_app import unsafe_in

if TYPE_CHECKING:
    from textual.content import Content


HOSTILE = "\x1b[31mred\u202e [/nope] [@click=app.quit]quit[/] 漢字 " + "long" * 60


def lesson(words: str, steps: int = 3) -> Lesson:
    """Return a lesson whose every word is this."""
    step = Step(
        words,
        (Leave(words),),
        words,
        f"{words}\n\n{words}",
        words,
        (Expectation(words, KnowsQuerier(0, None)),),
    )
    plan = LanPlan(hosts=3)
    scenario = Scenario(
        "l", words, words, f"{words}\n{words}", plan, Cast({}, {}, ((1, 2, 3),)), (step,) * steps
    )
    return Lesson(Runner(scenario))


def result(of: Lesson, number: int, *holds: bool) -> StepResult:
    step = of.scenario.steps[number - 1]
    outcomes = tuple(Outcome(f"claim {at}", each, f"evidence {at}") for at, each in enumerate(holds))
    return StepResult(number, step, ("viewer joins",), outcomes, 0.5, picture(3))


def plain(rows: list[Content]) -> str:
    return "\n".join(row.plain for row in rows)


@pytest.mark.parametrize("width", [1, 8, 20, 42, 64])
def test_a_lessons_words_are_safe_and_no_wider_than_their_pane(width: int) -> None:
    played = lesson(HOSTILE)
    for _ in range(4):
        rows = lesson_rows(played, "LESSON 1 of 7", width, UNICODE)
        assert not unsafe_in(plain(rows))
        assert all(character.isprintable() or character == "\n" for character in plain(rows))
        if width >= 20:  # below, an indent and a word are wider by themselves
            assert max(row.cell_length for row in rows) <= width
        if played.running is None and not played.results:
            played.running = played.scenario.steps[0]
        else:
            played.running = None
            played.results.append(result(played, len(played.results) + 1, True, False))
    rows, places = menu([played.scenario] * 3, 1, width, UNICODE)
    assert not unsafe_in(plain(rows))
    assert set(places.values()) == {0, 1, 2}


def test_a_step_shows_what_was_done_and_each_claim_with_its_evidence() -> None:
    played = lesson("words")
    played.results.append(result(played, 1, True, False))
    text = plain(lesson_rows(played, "LESSON 1 of 7", 42, UNICODE))
    assert "LESSON 1 of 7   ✗··" in text
    assert "→ viewer joins" in text
    assert "✓ claim 0\n  evidence 0\n✗ claim 1\n  evidence 1" in text
    assert "space → 2. words" in text


def test_a_step_under_way_shows_what_is_awaited_and_offers_no_next() -> None:
    played = lesson("words")
    played.running = played.scenario.steps[0]
    text = plain(lesson_rows(played, "LESSON 1 of 7", 42, UNICODE))
    assert "→ words leaves" in text
    assert "○ words" in text
    assert "space" not in text


@pytest.mark.parametrize(("last", "said"), [(True, "All of it was so."), (False, "not all of it was so")])
def test_the_end_of_a_lesson_says_whether_all_of_it_was_so(last: bool, said: str) -> None:
    played = lesson("words", steps=2)
    played.results += [result(played, 1, True), result(played, 2, last)]
    text = " ".join(plain(lesson_rows(played, "LESSON 1 of 7", 42, UNICODE)).split())
    assert said in text
    assert "p picks another lesson" in text
