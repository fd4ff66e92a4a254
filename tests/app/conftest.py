"""What a test may rely on after a key was pressed: that the app has done all that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.pilot import Pilot

from tests.peers import PATIENCE_S

if TYPE_CHECKING:
    from textual.app import App

ROUNDS = 50
"""More than any message takes from widget to widget; a flood of packets ends the waiting too."""


@pytest.fixture(autouse=True)
def pilot_waits_until_nothing_is_left_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pilot wait again while a widget has a message: Textual waits once, then for an idle process.

    On a busy machine a process seems idle because others run.
    """
    wait_once = Pilot._wait_for_screen

    async def wait(pilot: Pilot[object], timeout: float = PATIENCE_S) -> bool:  # noqa: ASYNC109  # as Textual has it
        for _ in range(ROUNDS):
            if not await wait_once(pilot, timeout):
                return False
            if not has_messages(pilot.app):
                break
        return True

    monkeypatch.setattr(Pilot, "_wait_for_screen", wait)


def has_messages(app: App[object]) -> bool:
    return any(each.message_queue_size for each in (app, *app.screen.walk_children(with_self=True)))
