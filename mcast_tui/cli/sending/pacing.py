"""The pace of sending: a schedule that is slept to, and the rate nobody passes by accident."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

FASTEST_UNASKED = 1000
"""Packets a second that need no ``--yes``: a LAN bears it; ten times as much can silence a Wi-Fi."""

MOST_BEHIND_S = 0.1
"""A delay up to this is made up for by sending the late packets at once; what is longer was a pause, of the
input or of the machine, and must not end in a burst."""


def pace_asked(rate: float | None, interval_s: float | None, *, endless: bool, yes: bool) -> float | None:
    """Return the packets a second that were asked for, None when nothing was said of it.

    Refuses both at once, more than `FASTEST_UNASKED` without `yes`, and to send without an end at
    a pace that nobody named.
    """
    if rate is not None and interval_s is not None:
        raise UsageError(
            "send at --rate and at --interval", "each sets the pace", remedy="Leave one of them out."
        )
    if interval_s is not None:
        rate = 1 / interval_s
    if yes:
        return rate
    if rate is not None and rate > FASTEST_UNASKED:
        raise UsageError(
            f"send {rate:g} packets/s",
            f"more than {FASTEST_UNASKED} packets/s can disturb the network",
            remedy="If that is what you want, add --yes.",
        )
    if rate is None and endless:
        raise UsageError(
            "repeat without an end",
            "no pace is named",
            remedy="Add --interval or --rate, or --yes to send as fast as it goes.",
        )
    return rate


class Pace:
    """Says when the next packet is due: `rate` a second on the average, without drift and without spinning.

    A rate of None never waits. `sleep` is what passes the time, at least as long as it is told.
    """

    def __init__(
        self,
        rate: float | None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_s = 1 / rate if rate else 0.0
        self._sleep = sleep
        self._clock = clock
        self._due: float | None = None

    def wait(self) -> None:
        """Return when the next packet may go; the first may at once."""
        if not self._interval_s:
            return
        now = self._clock()
        if self._due is None or now - self._due > MOST_BEHIND_S:
            self._due = now
        elif now < self._due:
            self._sleep(self._due - now)
        self._due += self._interval_s
