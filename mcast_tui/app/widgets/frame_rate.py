"""How often a live widget draws: often while a reader can follow, seldom when nobody could.

`FrameRate` is pure: the caller passes `now` (monotonic seconds), what arrived and what a frame cost.
"""

from __future__ import annotations

import os
from typing import Final

READABLE_PER_S: Final = 200
"""Above this many new lines a second a reader cannot follow more than `BUSY` frames anyway."""

SMOOTH: Final = 30
BUSY: Final = 10
SLOW: Final = 4
"""Frames per second: while lines are readable, when they are not, and where drawing is dear."""

SHARE: Final = 0.25
"""The part of its slot a frame may take before the next slower rate is used."""

WINDOW_S: Final = 0.5
"""Over which the arrival rate is taken."""


def is_behind_ssh() -> bool:
    """Whether the terminal is at the other end of an ssh connection."""
    return "SSH_CONNECTION" in os.environ


class FrameRate:
    """The frame policy of one widget; `is_remote` is a terminal behind ssh, where bytes are dear."""

    def __init__(self, *, is_remote: bool = False) -> None:
        self.is_remote = is_remote
        self.lines_per_s = 0.0
        self.frame_cost_s = 0.0
        """Smoothed over some frames."""
        self._arrived = 0
        self._window_from = self._drawn_at = float("-inf")

    @property
    def frames_per_s(self) -> int:
        """The rate that is right now."""
        if self.is_remote:
            return SLOW
        for rate in (SMOOTH, BUSY):
            is_readable = rate == BUSY or self.lines_per_s < READABLE_PER_S
            if is_readable and self.frame_cost_s <= SHARE / rate:
                return rate
        return SLOW

    def count(self, lines: int, now: float) -> None:
        """Take note of `lines` new lines since the last call."""
        self._arrived += lines
        if now - self._window_from >= WINDOW_S:
            self.lines_per_s = self._arrived / (now - self._window_from)
            self._arrived, self._window_from = 0, now

    def is_due(self, now: float) -> bool:
        """Whether a frame may be drawn at `now`; a lone line after silence always may."""
        # A timer is early or late by some ms: without the slack every other tick would be missed.
        return now - self._drawn_at >= 0.8 / self.frames_per_s

    def drew(self, now: float) -> None:
        """Take note that a frame was begun at `now`."""
        self._drawn_at = now

    def cost(self, seconds: float) -> None:
        """Take note of what a frame cost, from being asked for to being on its way to the terminal."""
        self.frame_cost_s += (seconds - self.frame_cost_s) * 0.2
