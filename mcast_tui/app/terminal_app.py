"""What every app of ours needs of a terminal: its driver, colours and signals, and the keys of every screen.

It opens nothing by itself. A subclass gives the function that opens what it is about, called once
the first frame is on screen; what that puts into `held` is left before the terminal is given back.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.drivers.linux_driver import LinuxDriver

from mcast_tui.app.colourless import Colourless
from mcast_tui.app.driver import TolerantDriver
from mcast_tui.app.palette import ASCII, THEMES, glyphs
from mcast_tui.app.screens.curtain import Curtain
from mcast_tui.errors import McastError
from mcast_tui.services.notice import Level

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from textual.driver import Driver
    from textual.filter import LineFilter
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

QUIT_WITHIN_S = 3.0
"""The second press of ctrl+c or q ends the app when it comes this soon."""
LEVELS: dict[SeverityLevel, Level] = {
    "information": Level.DONE,
    "warning": Level.WARNING,
    "error": Level.ERROR,
}
"""What Textual's words mean here."""
ENDED_BY = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Front(Protocol):
    """What the app needs of what is on screen."""

    @property
    def command(self) -> str:
        """The shell line shown that may be copied; empty when none is."""

    @property
    def is_typing(self) -> bool:
        """Whether letters go into a line of text."""

    def note(self, message: str, level: Level = Level.DONE) -> None:
        """Say what a widget, or Textual, has to say."""

    def stop_work(self) -> bool:
        """Stop what takes its time; tell whether there was any."""

    def warn_of_quitting(self) -> None:
        """Say that the next press quits, and what is lost by it."""

    def show_help(self, topic: str | None) -> None:
        """Show the keys that work here, or one topic."""


class TerminalApp(App[int]):
    """An app that leaves the terminal as it found it, however it ends."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", priority=True, id="app.quit"),
        Binding("ctrl+c", "interrupt", "Copy, or twice to quit", id="app.interrupt"),
        Binding("q", "interrupt", "Quit, twice", id="app.close"),
        Binding("ctrl+z", "suspend_process", "Suspend", priority=True, id="app.suspend"),
        Binding("ctrl+l", "redraw", "Redraw", id="app.redraw"),
        Binding("question_mark,f1", "help", "Help", id="app.help"),
        Binding("ctrl+y", "copy_remedy", "Copy the command shown", priority=True, id="app.copy_remedy"),
        Binding("y", "copy_remedy_unless_typing", "Copy the command shown", priority=True, id="app.copy"),
    ]

    def __init__(self, opening: Callable[[], Awaitable[None]], *, ascii: bool = False) -> None:  # noqa: A002  # the option's own word
        """`opening` opens what the app is about, puts its first screen up and sets `front`.

        A `McastError` out of it ends the app.
        """
        super().__init__()
        self._opening = opening
        self.front: Front | None = None
        """What is on screen; None while only the curtain is."""
        self.glyphs = glyphs(ascii_only=ascii)
        self.held = AsyncExitStack()
        """What is left when the app ends, the last first."""
        self._colourless = Colourless(lambda: self.current_theme.dark)
        self._interrupted_at = float("-inf")
        self.refused: McastError | None = None
        """Why what the app is about could not be opened."""
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
        loop = asyncio.get_running_loop()
        self.held.callback(loop.set_exception_handler, loop.get_exception_handler())
        loop.set_exception_handler(self._take_failure)
        self.call_after_refresh(self.call_later, self._open)

    async def _open(self) -> None:
        try:
            await self._opening()
        except McastError as error:
            self.refused = error
            self.exit(error.exit_status)
        gc.enable()
        gc.freeze()

    def _take_failure(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End with the traceback when a callback failed: the screen would swallow what asyncio logs of it."""
        error = context.get("exception")
        if "handle" in context and isinstance(error, Exception):
            self._handle_exception(error)
        else:
            loop.default_exception_handler(context)

    def _end_on(self, number: signal.Signals) -> None:
        if signal.getsignal(number) is signal.SIG_IGN:
            return  # whoever started us wants it ignored, as nohup does
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(number, self.exit, 128 + number)
        except (RuntimeError, ValueError):
            return  # not in the main thread, as in some tests: whoever is there takes the signals
        self.held.callback(loop.remove_signal_handler, number)

    def on_resize(self) -> None:
        """Draw all of it again, at an unchanged size too: a terminal that was small cut off what it showed.

        Of sizes that follow each other quickly we are told the last, and that may be the one before.
        """
        if self.front is not None:
            self.action_redraw()

    async def on_unmount(self) -> None:
        """Leave what was opened; Textual comes by here however the app ends."""
        await self.held.aclose()

    def get_key_display(self, binding: Binding) -> str:
        """Return a key as help and footer write it: a word where Textual has a sign few fonts have."""
        if binding.key_display:
            return binding.key_display
        words = {"enter": "enter", "space": "space", "question_mark": "?", "colon": ":"}
        if self.glyphs is ASCII:
            words |= {"up": "up", "down": "down", "left": "left", "right": "right"}
        return words.get(binding.key) or super().get_key_display(binding)

    # -- keys of every screen ----------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  # Textual calls it so
        front = self.front
        if front is None:
            return action in {"quit", "suspend_process", "interrupt"}
        if action.startswith("copy_remedy"):
            return bool(front.command) and not (action.endswith("typing") and front.is_typing)
        return True

    async def action_quit(self) -> None:
        self.exit(0)

    def action_interrupt(self) -> None:
        """Copy what is selected; stop what takes its time; the second time in a row, quit."""
        if self.front is None:
            self.exit(0)
        elif selected := self.screen.get_selected_text():
            self.copy_to_clipboard(selected)
            self.notify("Copied the selection.")
        elif not self.front.stop_work():
            now = time.monotonic()
            if now - self._interrupted_at < QUIT_WITHIN_S:
                self.exit(0)
            self._interrupted_at = now
            self.front.warn_of_quitting()

    def action_suspend_process(self) -> None:
        """Stop the whole foreground job, as a terminal's own ctrl+z does: `make demo` is two processes."""
        if self._driver is not None and self._driver.can_suspend:
            self.app_suspend_signal.publish(self)
            os.killpg(os.getpgrp(), signal.SIGTSTP)

    def action_redraw(self) -> None:
        self.screen.refresh(layout=True)

    def action_help(self) -> None:
        if self.front is not None:
            self.front.show_help(None)

    def action_copy_remedy(self) -> None:
        """Copy the command a toast shows; it is never run by us."""
        if self.front is not None and (command := self.front.command):
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
        if self.front is not None:
            self.front.note(f"{title}: {message}" if title else message, LEVELS[severity])

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer of Textual's own commands those that do something here."""
        del screen
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)


def run(make_app: Callable[[], TerminalApp]) -> int:
    """Run an app until the person leaves; return its exit status, or raise why it could not be opened.

    Garbage is collected only after the first screen is up, which is then there sooner.
    """
    gc.disable()
    try:
        app = make_app()
        status = app.run()
    finally:
        gc.enable()
    if app.refused is not None:
        raise app.refused
    return status if status is not None else (app.return_code or 0)
