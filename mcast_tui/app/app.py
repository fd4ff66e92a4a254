"""The app: it enters a `Node`, shows the frame over it, and leaves the node however it ends.

Start-up is silent: nothing is joined but what the command line names, nothing is sent. What
takes time - numpy, the services, the sockets - is loaded and opened once the first frame is on
screen; the node is left before the terminal is given back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from mcast_tui.app import terminal_app
from mcast_tui.app.terminal_app import TerminalApp
from mcast_tui.services.notice import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from textual.command import Provider

    from mcast_tui.app.screens.main import MainScreen
    from mcast_tui.services.membership.view import MembershipSource
    from mcast_tui.services.node import Node
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.place import Place

    Beside: TypeAlias = Callable[[Node, Callable[[str], None]], AbstractAsyncContextManager[None]]
    """What else runs as long as a node does; it says its lines by the second."""


def _commands() -> type[Provider]:
    from mcast_tui.app.provider import RegistryProvider

    return RegistryProvider


class McastApp(TerminalApp):
    """The terminal app over one node."""

    TITLE = "mcast-tui"
    COMMANDS = {_commands, *App.COMMANDS}  # noqa: RUF012  # Textual's own declaration
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", "Palette", priority=True, id="app.palette"),
    ]

    def __init__(
        self,
        open_node: Callable[[], Node],
        places: Sequence[Place] = (),
        *,
        demo_note: str | None = None,
        ascii: bool = False,  # noqa: A002  # the option's own word
        beside: Beside | None = None,
        memberships: MembershipSource | None = None,
    ) -> None:
        """`memberships` is asked in place of the node, where given."""
        super().__init__(self._open_node_and_frame, ascii=ascii)
        self._open_node = open_node
        self._places = tuple(places)
        self._note = demo_note or ""
        self._beside = beside
        self._memberships = memberships
        self.main: MainScreen | None = None
        """The frame; None while only the curtain is on screen."""

    async def _open_node_and_frame(self) -> None:
        """Load the rest, open what is needed to receive, and join what was named."""
        from mcast_tui.app.bridge import Bridge
        from mcast_tui.app.screens.main import MainScreen

        node = await self.held.enter_async_context(self._open_node())
        main = MainScreen(node, self._memberships or node.memberships, self.glyphs, self._note)
        await self.push_screen(main)
        self.main, self.front = main, main.stage
        main.stage.memberships.follow()
        bridge = Bridge(node, main.stage)
        self.held.callback(bridge.stop)
        bridge.start(self)
        main.stage.tell_watching = bridge.watch_wire
        if self._beside is not None:
            await self.held.enter_async_context(self._beside(node, self._note_line))
        main.join(*self._places)

    def _note_line(self, line: str) -> None:
        if self.main is not None and self.is_running:  # at the end there is nobody left to read it
            self.main.stage.note(line, Level.WARNING)


def run_app(
    settings: Settings, places: Sequence[Place], *, note: str = "", beside: Beside | None = None
) -> int:
    """Run the app joined to these places until the person leaves; return the exit status.

    `note` says what this is not: the real network, in the demo. `beside` runs as long as the node does.
    """
    return terminal_app.run(
        lambda: McastApp(
            partial(_make_node, settings),
            places,
            demo_note=note or None,
            ascii=settings.ascii,
            beside=beside,
        )
    )


def _make_node(settings: Settings) -> Node:
    from mcast_tui.services.node import Node

    return Node(settings)
