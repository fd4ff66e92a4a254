"""The round-trip time of an answer: since the last question before it, or unknown, never nonsense."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

from mcast_tui.services.query import CLOCK_STEP_NS, Query, _Asked, clock_offset

if TYPE_CHECKING:
    from mcast_tui.services.query import Answer

SECOND = 1_000_000_000


def query_asked(*asked: _Asked) -> Query:
    query = Query(SimpleNamespace(), None, None)
    query._asked.extend(asked)
    return query


def answered(query: Query, at: int, *, kernel_time: bool = True) -> Answer:
    return query._answer(SimpleNamespace(received_at=at, kernel_time=kernel_time, own=False, refused=False))


def test_it_is_counted_from_the_last_question_before_the_answer() -> None:
    now, offset = time.time_ns(), clock_offset()
    query = query_asked(*(_Asked(now - seconds * SECOND, offset) for seconds in (3, 2, 1)))
    assert answered(query, now).rtt_ns == SECOND
    assert answered(query, now - 2 * SECOND + 500).rtt_ns == 500


def test_what_came_before_any_question_has_none() -> None:
    now = time.time_ns()
    assert answered(query_asked(_Asked(now, clock_offset())), now - 1).rtt_ns is None
    assert answered(query_asked(), now).rtt_ns is None


def test_a_clock_that_was_set_meanwhile_makes_it_unknown_in_either_direction() -> None:
    now, offset = time.time_ns(), clock_offset()
    for step in (-3600 * SECOND, -2 * CLOCK_STEP_NS, 2 * CLOCK_STEP_NS, 3600 * SECOND):
        assert answered(query_asked(_Asked(now - SECOND - step, offset - step)), now).rtt_ns is None


def test_without_the_kernels_time_it_is_unknown() -> None:
    now = time.time_ns()
    query = query_asked(_Asked(now - SECOND, clock_offset()))
    assert answered(query, now, kernel_time=False).rtt_ns is None
