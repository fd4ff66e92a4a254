"""The whole app on a host of the lab, driven by keys and read as text."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events

from mcast_tui.app.app import McastApp
from mcast_tui.app.screens import main  # noqa: F401  # the app loads it late, with file reads no test's loop may do
from mcast_tui.services.node import Node
from mcast_tui.services.settings import Settings
from mcast_tui.wire.place import parse_places
from tests.app.screen import Screen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcast_tui.app.app import Beside
    from mcast_tui.app.screens.stage import Stage
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.membership.view import MembershipSource

SMALL = {"ring_packets": 10_000, "ring_bytes": 1 << 20, "receive_buffer": 1 << 20}


@dataclass
class Frame(Screen):
    """The app over a node."""

    app: McastApp
    node: Node

    @property
    def stage(self) -> Stage:
        return self.app.main.stage

    @property
    def line(self) -> str:
        """What stands in the input line."""
        return self.stage.composer.input.value

    @property
    def chip(self) -> str:
        return str(self.app.main.query_one("#chip").render()).strip()

    @property
    def counter(self) -> str:
        return str(self.app.main.query_one("#counter").render()).strip()

    @property
    def told(self) -> list[str]:
        return self.notices

    @property
    def notices(self) -> list[str]:
        return [" ".join(part for part in (notice.what, notice.fix) if part) for notice in self.stage.notices]

    @property
    def groups(self) -> list[str]:
        return [group.label for group in self.node.groups]

    @property
    def keys(self) -> set[str]:
        """The ids of the bindings that do something now."""
        return {each.binding.id for each in self.app.screen.active_bindings.values() if each.binding.id}

    async def type(self, text: str) -> None:
        """Type into the input line: the last character by its key, the others at once: that is quicker."""
        self.stage.composer.input.focus()
        await self.pilot.pause()
        self.stage.composer.input.insert_text_at_cursor(text[:-1])
        names = {" ": "space", "/": "slash", ":": "colon", ".": "full_stop", "-": "minus", ",": "comma"}
        await self.pilot.press(names.get(text[-1], text[-1]))

    async def enter(self, text: str) -> None:
        await self.type(text)
        await self.pilot.press("enter")
        await self.pilot.pause()

    async def refusal_of(self, line: str) -> str:
        """Enter a line that is refused; return what is said of it. It stays, and is taken away here."""
        before = self.stage.notices.revision
        await self.enter(line)
        await self.until(lambda: self.stage.notices.revision > before, f"a refusal of {line}")
        refusal = self.notices[-1]
        assert self.line == line
        await self.press("end", "ctrl+u")
        assert self.line == ""
        return refusal

    async def paste(self, text: str) -> None:
        self.stage.composer.input.focus()
        await self.pilot.pause()
        self.stage.composer.input.post_message(events.Paste(text))
        await self.pilot.pause()

    async def joined(self, count: int = 1) -> None:
        await self.until(lambda: len(self.node.groups) == count, f"{count} groups")
        await self.pilot.pause()


@asynccontextmanager
async def frame_on(
    host: Host,
    *endpoints: str,
    size: tuple[int, int] = (120, 40),
    note: str | None = None,
    beside: Beside | None = None,
    memberships: MembershipSource | None = None,
    **settings: object,
) -> AsyncIterator[Frame]:
    """Run the app on `host`, joined to these endpoints; `memberships` is asked in place of the node."""
    with host.entered():
        node = Node(Settings().override(**SMALL, **settings))
        app = McastApp(
            lambda: node,
            [place for each in endpoints for place in parse_places(each)],
            demo_note=note,
            ascii=node.settings.ascii,
            beside=beside,
            memberships=memberships,
        )
        async with app.run_test(size=size) as pilot:
            frame = Frame(app, pilot, node)
            await frame.until(lambda: app.main is not None, "the frame")
            await frame.joined(len(endpoints))
            yield frame
