"""A described LAN: what is built, who is on it, and the steps that are done, told and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.actions import Action, Pause
    from mcast_tui.services.lab.classroom.cast import Cast
    from mcast_tui.services.lab.classroom.expectations import Expectation
    from mcast_tui.services.lab.classroom.live_lan import LanPlan

PATIENCE_S = 30.0
"""How long an expectation may take to come about; far longer than it does, so that a busy machine passes."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is done, what one sees and why, and what must then hold."""

    title: str
    actions: tuple[Action | Pause, ...]
    see: str
    """What there is to see, in plain words; may be empty."""
    why: str
    """Why it is so, in paragraphs; may be empty."""
    reference: str
    """Where it is written: an RFC section, a manual page; may be empty."""
    expectations: tuple[Expectation, ...]
    patience_s: float = PATIENCE_S


@dataclass(frozen=True, slots=True)
class Scenario:
    """A lesson, or any LAN with expectations."""

    name: str
    """The file's name without its ending: what a lesson is called by."""
    title: str
    text: str
    """What it is about, in paragraphs."""
    scale: str
    """How its times relate to real ones, told to the learner; empty when they are real."""
    plan: LanPlan
    cast: Cast
    steps: tuple[Step, ...]
