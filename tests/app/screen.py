"""An app of ours as a person uses it: what is on screen, keys, and waiting until something is seen."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from inspect import iscoroutine
from typing import TYPE_CHECKING

import pytest

from tests.peers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from mcast_tui.app.terminal_app import TerminalApp

LOOK_AGAIN_S = 0.02


@dataclass
class Screen(ABC):
    """A running app and what a person could see of it and do with it."""

    app: TerminalApp
    pilot: Pilot[int]

    @property
    def text(self) -> str:
        """What is on screen, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    @abstractmethod
    def told(self) -> list[str]:
        """Everything announced so far, the oldest first."""

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, condition: Callable[[], object], what: str = "it") -> None:
        """Wait until the condition, which may return a coroutine, holds and what follows at once is shown."""
        deadline = time.monotonic() + PATIENCE_S
        while not await _outcome(condition):
            if time.monotonic() > deadline:
                pytest.fail(f"{what} never came about:\n{self.text}\n{self.told}")
            await self.pilot.pause(LOOK_AGAIN_S)
        if self.app.is_running:
            await self.pilot.pause(0)


async def _outcome(condition: Callable[[], object]) -> object:
    holds = condition()
    return await holds if iscoroutine(holds) else holds
