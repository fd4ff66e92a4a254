"""The app: it enters a `Node`, shows the frame over it, and leaves the node however it ends.

Start-up is silent: nothing is joined but what the command line names, nothing is sent. What
takes time - numpy, the services, the sockets - is loaded and opened once the first frame is on
screen; the node is left before the terminal is given back.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.drivers.linux_driver import LinuxDriver

from mcast_tui.app.colourless import Colourless
from mcast_tui.app.driver import TolerantDriver
from mcast_tui.app.palette import ASCII, THEMES, glyphs
from mcast_tui.app.screens.curtain import Curtain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from textual.command import Provider
    from textual.driver import Driver
    from textual.filter import LineFilter
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from mcast_tui.app.screens.main import MainScreen
    from mcast_tui.services.node import Node
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.place import Place

    Beside: TypeAlias = Callable[[Node, Callable[[str], None]], AbstractAsyncContextManager[None]]
    """What else runs as long as a node does; it says its lines by the second."""

QUIT_WITHIN_S = 3.0
"""The second press of ctrl+c or q ends the app when it comes this soon."""
ENDED_BY = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _commands() -> type[Provider]:
    from mcast_tui.app.provider import RegistryProvider

    return RegistryProvider


class McastApp(App[int]):
    """The terminal app over one node."""

    TITLE = "mcast-tui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    COMMANDS = {_commands, *App.COMMANDS}  # noqa: RUF012  # Textual's own declaration
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", priority=True, id="app.quit"),
        Binding("ctrl+c", "interrupt", "Copy, or twice to quit", id="app.interrupt"),
        Binding("q", "interrupt", "Quit, twice", id="app.close"),
        Binding("ctrl+z", "suspend_process", "Suspend", priority=True, id="app.suspend"),
        Binding("ctrl+l", "redraw", "Redraw", id="app.redraw"),
        Binding("ctrl+p", "command_palette", "Palette", priority=True, id="app.palette"),
        Binding("question_mark,f1", "help", "Help", id="app.help"),
        Binding("ctrl+y", "copy_remedy", "Copy the command shown", priority=True, id="app.copy_remedy"),
        Binding("y", "copy_remedy_unless_typing", "Copy the command shown", priority=True, id="app.copy"),
    ]

    def __init__(
        self,
        open_node: Callable[[], Node],
        places: Sequence[Place] = (),
        *,
        demo_note: str | None = None,
        ascii: bool = False,  # noqa: A002  # the option's own word
        beside: Beside | None = None,
    ) -> None:
        super().__init__()
        self._open_node = open_node
        self._places = tuple(places)
        self._note = demo_note or ""
        self._beside = beside
        self._glyphs = glyphs(ascii_only=ascii)
        self._held = AsyncExitStack()
        self._colourless = Colourless(lambda: self.current_theme.dark)
        self._interrupted_at = float("-inf")
        self.main: MainScreen | None = None
        """The frame; None while only the curtain is on screen."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name
        self.set_class(ascii, "-ascii")

    # -- from start to end -----------------------------------------------------------------------

    def get_driver_class(self) -> type[Driver]:
        chosen = super().get_driver_class()
        return TolerantDriver if chosen is LinuxDriver else chosen

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, self._colourless] if self.no_color else filters

    def get_default_screen(self) -> Screen[None]:
        return Curtain()

    def on_mount(self) -> None:
        for number in ENDED_BY:
            self._end_on(number)
        self.call_after_refresh(self.call_later, self._open)

    def _end_on(self, number: signal.Signals) -> None:
        if signal.getsignal(number) is signal.SIG_IGN:
            return  # whoever started us wants it ignored, as nohup does
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(number, self.exit, 128 + number)
        except (RuntimeError, ValueError):
            return  # not in the main thread, as in some tests: whoever is there takes the signals
        self._held.callback(loop.remove_signal_handler, number)

    async def _open(self) -> None:
        """Load the rest, open what is needed to receive, and join what was named."""
        from mcast_tui.app.bridge import Bridge
        from mcast_tui.app.screens.main import MainScreen

        node = await self._held.enter_async_context(self._open_node())
        main = MainScreen(node, self._glyphs, self._note)
        await self.push_screen(main)
        self.main = main
        main.stage.memberships.follow()
        bridge = Bridge(node, main.stage)
        self._held.callback(bridge.stop)
        bridge.start(self)
        if self._beside is not None:
            await self._held.enter_async_context(self._beside(node, self._note_line))
        main.join(*self._places)
        gc.enable()
        gc.freeze()

    def _note_line(self, line: str) -> None:
        if self.main is not None and self.is_running:  # at the end there is nobody left to read it
            self.main.stage.note(line, "warning")

    def on_resize(self) -> None:
        """Draw all of it again, at an unchanged size too: a terminal that was small cut off what it showed.

        Of sizes that follow each other quickly we are told the last, and that may be the one before.
        """
        if self.main is not None:
            self.action_redraw()

    async def on_unmount(self) -> None:
        """Leave every group; Textual comes by here however the app ends."""
        await self._held.aclose()

    def get_key_display(self, binding: Binding) -> str:
        """Return a key as help and footer write it: a word where Textual has a sign few fonts have."""
        if binding.key_display:
            return binding.key_display
        words = {"enter": "enter", "space": "space", "question_mark": "?", "colon": ":"}
        if self._glyphs is ASCII:
            words |= {"up": "up", "down": "down", "left": "left", "right": "right"}
        return words.get(binding.key) or super().get_key_display(binding)

    # -- keys of every screen ----------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  # Textual calls it so
        if self.main is None:
            return action in {"quit", "suspend_process", "interrupt"}
        if action.startswith("copy_remedy"):
            typing = self.main.stage.composer.input.has_focus
            return bool(self.main.stage.toasts.command) and not (action.endswith("typing") and typing)
        return True

    async def action_quit(self) -> None:
        self.exit(0)

    def action_interrupt(self) -> None:
        """Copy what is selected; stop what is being sent; the second time in a row, quit."""
        if self.main is None:
            self.exit(0)
        elif selected := self.screen.get_selected_text():
            self.copy_to_clipboard(selected)
            self.notify("Copied the selection.")
        elif not self.main.stage.actions.stop_batch():
            now = time.monotonic()
            if now - self._interrupted_at < QUIT_WITHIN_S:
                self.exit(0)
            self._interrupted_at = now
            self.main.stage.warn_of_quitting()

    def action_suspend_process(self) -> None:
        """Stop the whole foreground job, as a terminal's own ctrl+z does: `make demo` is two processes."""
        if self._driver is not None and self._driver.can_suspend:
            self.app_suspend_signal.publish(self)
            os.killpg(os.getpgrp(), signal.SIGTSTP)

    def action_redraw(self) -> None:
        self.screen.refresh(layout=True)

    def action_help(self) -> None:
        if self.main is not None:
            self.main.stage.show_help(None)

    def action_copy_remedy(self) -> None:
        """Copy the command a toast shows; it is never run by us."""
        if self.main is not None and (command := self.main.stage.toasts.command):
            self.copy_to_clipboard(command)
            self.notify(f"Copied {len(command.encode())} bytes: {command}")

    def action_copy_remedy_unless_typing(self) -> None:
        self.action_copy_remedy()

    # -- Textual's own doors -------------------------------------------------------------------------

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Make a notice of what widgets and Textual itself have to say: one kind of toast, never markup."""
        del timeout, markup
        if self.main is not None:
            self.main.stage.note(f"{title}: {message}" if title else message, severity)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer of Textual's own commands those that do something here."""
        del screen
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)


def run_app(
    settings: Settings, places: Sequence[Place], *, note: str = "", beside: Beside | None = None
) -> int:
    """Run the app joined to these places until the person leaves; return the exit status.

    `note` says what this is not: the real network, in the demo. `beside` runs as long as the node does.
    Garbage is collected only after the first frame, which is then there sooner.
    """
    gc.disable()
    try:
        app = McastApp(
            partial(_make_node, settings),
            places,
            demo_note=note or None,
            ascii=settings.ascii,
            beside=beside,
        )
        status = app.run()
    finally:
        gc.enable()
    return status if status is not None else (app.return_code or 0)


def _make_node(settings: Settings) -> Node:
    from mcast_tui.services.node import Node

    return Node(settings)
