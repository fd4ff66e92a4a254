"""The command palette: every slash command, every group, from the same registry as the input line."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from mcast_tui.services.command import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.app.screens.main import MainScreen


class RegistryProvider(Provider):
    """Commands that are whole by themselves are run; the others are written into the input line."""

    async def discover(self) -> Hits:
        for text, about, run in self._entries():
            yield DiscoveryHit(Content(text), run, text=text, help=about)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for text, about, run in self._entries():
            score = matcher.match(f"{text} {about}")
            if score > 0:
                yield Hit(score, Content(text), run, text=text, help=about)

    def _entries(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        """Yield (what is shown, what it does, how)."""
        screen = cast("MainScreen", self.screen)
        for command in COMMANDS:
            yield command.usage, command.help, screen.palette_action(command)
        for group_id, label in screen.palette_groups():
            yield f"Go to {label}", "Select this group", screen.palette_selection(group_id)
