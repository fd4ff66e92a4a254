"""The pace of sending: on time in the long run, without spinning, and never fast by accident."""

from __future__ import annotations

import pytest

from mcast_tui.cli.sending.pacing import FASTEST_UNASKED, MOST_BEHIND_S, Pace, pace_asked
from mcast_tui.errors import UsageError

OVERSLEPT_S = 0.0003


class Time:
    """A clock that only sleeping, and a test, moves; who sleeps wakes up a little late."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sleeps: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds + OVERSLEPT_S


def test_late_wakes_do_not_add_up() -> None:
    time = Time()
    pace = Pace(1000, time.sleep, time.clock)
    for _ in range(1001):
        pace.wait()
    assert time.now - 100 == pytest.approx(1.0, abs=2 * OVERSLEPT_S)


def test_it_sleeps_once_for_a_packet_and_not_at_all_for_the_first() -> None:
    time = Time()
    pace = Pace(10, time.sleep, time.clock)
    pace.wait()
    assert time.sleeps == []
    pace.wait()
    assert time.sleeps == [pytest.approx(0.1)]


def test_a_short_delay_is_made_up_for_and_a_pause_is_not() -> None:
    time = Time()
    pace = Pace(100, time.sleep, time.clock)
    pace.wait()
    time.now += MOST_BEHIND_S / 2
    for _ in range(3):
        pace.wait()
    assert time.sleeps == []  # three that were late go at once
    time.now += 60
    pace.wait()
    assert time.sleeps == []
    pace.wait()
    assert time.sleeps == [pytest.approx(0.01)]


def test_without_a_rate_nothing_waits() -> None:
    time = Time()
    pace = Pace(None, time.sleep, time.clock)
    for _ in range(100):
        pace.wait()
    assert time.sleeps == []


@pytest.mark.parametrize(
    ("rate", "interval", "endless", "yes", "asked"),
    [
        (None, None, False, False, None),
        (50.0, None, False, False, 50.0),
        (None, 0.5, True, False, 2.0),
        (float(FASTEST_UNASKED), None, True, False, 1000.0),
        (5000.0, None, False, True, 5000.0),
        (None, None, True, True, None),
    ],
)
def test_a_pace_is_as_asked(
    rate: float | None, interval: float | None, endless: bool, yes: bool, asked: float | None
) -> None:
    assert pace_asked(rate, interval, endless=endless, yes=yes) == asked


@pytest.mark.parametrize(
    ("rate", "interval", "endless", "remedy"),
    [
        (1001.0, None, False, "--yes"),
        (None, 0.0001, False, "--yes"),
        (None, None, True, "--interval"),
        (5.0, 0.2, False, "Leave one"),
    ],
)
def test_too_fast_endless_without_a_pace_and_two_paces_are_refused(
    rate: float | None, interval: float | None, endless: bool, remedy: str
) -> None:
    with pytest.raises(UsageError) as refused:
        pace_asked(rate, interval, endless=endless, yes=False)
    assert remedy in (refused.value.remedy or "")
