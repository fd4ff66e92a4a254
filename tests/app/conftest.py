"""What a test may rely on after a key was pressed: that the app has done all that follows from it."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest
from textual import app as textual_app
from textual import pilot as textual_pilot
from textual._context import active_app
from textual.pilot import Pilot

from mcast_tui.app import bridge
from mcast_tui.services.membership import table_watch
from tests.peers import PATIENCE_S

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

ROUNDS = 50
"""More than any message takes from widget to widget; a flood of packets ends the waiting too."""
STEPS = 1000
"""The same, in turns of the event loop."""


@pytest.fixture(autouse=True)
def pilot_waits_until_nothing_is_left_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pilot wait for the app: Textual waits for a process that uses no CPU, 20 ms at a time.

    On a busy machine a process seems idle because others run; on an idle one each key takes 40 ms.
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
    monkeypatch.setattr(textual_app, "wait_for_idle", nothing_is_left_to_do)
    monkeypatch.setattr(textual_pilot, "wait_for_idle", nothing_is_left_to_do)


async def nothing_is_left_to_do(_least_s: float = 0, _most_s: float = 0) -> None:
    """Let the app run until no callback is due, no widget has a message and all is laid out and painted."""
    app, loop = active_app.get(), asyncio.get_running_loop()
    for _ in range(STEPS):
        await asyncio.sleep(0)
        if not app.is_running:
            return
        if loop._ready or has_messages(app):
            continue
        # What timers of Textual's would do within the next frame is done at once.
        if app._resize_timer is not None:
            app._check_resize()
        elif is_painted(app.screen):
            return
        else:
            app.screen._on_timer_update()


def has_messages(app: App[object]) -> bool:
    return any(each.message_queue_size for each in (app, *app.screen.walk_children(with_self=True)))


def is_painted(screen: Screen[object]) -> bool:
    """Whether nothing waits for the screen to be laid out and painted, or it is not to be now."""
    if not screen.is_current or screen.app._batch_count:
        return True
    return not (
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )


@pytest.fixture(autouse=True)
def garbage_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the garbage of one app go before the next: each has all there is left out of the search for it."""
    monkeypatch.setattr(gc, "freeze", lambda: None)


@pytest.fixture(autouse=True)
def clocks_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what the app looks at once a second be seen sooner: tests wait for what is seen, not for clocks."""
    monkeypatch.setattr(bridge, "SAMPLE_S", 0.2)
    monkeypatch.setattr(bridge, "KERNEL_APART_S", 0.2)
    monkeypatch.setattr(table_watch, "POLL_S", 0.2)
