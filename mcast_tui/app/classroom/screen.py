"""The classroom's screen: the picture, the lesson beside it, what happened, and the keys.

It draws what the lectern knows a few times a second, and hands keys on: what they mean is `keys`' affair.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from mcast_tui.app.classroom.ask_line import AskLine, Question
from mcast_tui.app.classroom.bindings import BINDINGS
from mcast_tui.app.classroom.board import BoardView
from mcast_tui.app.classroom.keys import Keys
from mcast_tui.app.classroom.lesson_pane import LessonPane
from mcast_tui.app.classroom.pace import Pace
from mcast_tui.app.classroom.status_words import header_line, host_line
from mcast_tui.app.screens.help import HelpScreen, about_focus, keys_help
from mcast_tui.app.toasts import Toasts
from mcast_tui.app.widgets.bar import Bar
from mcast_tui.app.widgets.event_list import EventList, event_line
from mcast_tui.app.widgets.footer import FooterBar, run_item
from mcast_tui.app.widgets.heading import Heading
from mcast_tui.app.widgets.suggestions import Suggestions
from mcast_tui.errors import EndpointError, McastError
from mcast_tui.services.notice import Level, Notice, notice_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.lectern import Lectern
    from mcast_tui.services.lab.classroom.scenario import Scenario

PICTURES_PER_S = 4
IN_A_LESSON = {"next_step", "leave_lesson", "run_through"}
ABOUT = (
    "Keys act on the host that is marked: a digit, an arrow or a click marks another. What the picture shows "
    "is read from the kernels of the hosts and the switch; nothing leaves this machine."
)


class ClassroomScreen(Screen[None]):
    """Everything on screen over one lectern; `classroom.tcss`, beside this file, says where it stands."""

    DEFAULT_CSS = Path(__file__).with_name("classroom.tcss").read_text(encoding="utf-8")
    AUTO_FOCUS = ""
    SCOPED_CSS = False  # its rules ask for classes of the app and of the screen itself
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # Textual's own declaration
        (0, "-narrow"),
        (110, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  # likewise
        (0, "-flat"),
        (12, "-low"),
        (30, "-high"),
    ]
    HELP = ABOUT
    BINDINGS: ClassVar[list[BindingType]] = list(BINDINGS)

    def __init__(self, lectern: Lectern, glyphs: Glyphs) -> None:
        super().__init__()
        self._lectern = lectern
        self._glyphs = glyphs
        self._suggestions = Suggestions(glyphs)
        self.ask_line = AskLine(self._suggestions, self._obey_answer)
        self.board = BoardView(glyphs)
        self.pane = LessonPane(lectern, glyphs)
        self._events = EventList(glyphs)
        self._header = Static(id="lab-header", markup=False)
        self._host = Static(id="host", markup=False)
        self._status = Static(id="status", markup=False)
        self._footer = FooterBar()
        self._toasts = Toasts(glyphs)
        self._keys = Keys(lectern, self.ask_line.ask, self._later)
        self.pace = Pace(lectern, self.show_lesson, self._later, self.set_timer)
        self._news_shown = -1

    def compose(self) -> ComposeResult:
        yield self._header
        with Container(id="classroom"):
            with Vertical(id="lan"):
                yield self.board
                yield self._host
                yield Heading("WHAT HAPPENED", id="event-heading")
                yield self._events
            yield self.pane
        yield self._suggestions
        yield self._status
        yield self.ask_line
        yield self._footer
        yield self._toasts

    def on_mount(self) -> None:
        self.bindings_updated_signal.subscribe(self, lambda _: self._footer.refresh_keys(self))
        self.run_worker(self._watch(), name="watch the LAN")
        self.pane.show()

    # -- what is drawn -----------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Draw the LAN a few times a second; what cannot be looked at is told once and tried again."""
        while True:
            try:
                await self._lectern.look()
            except McastError as error:
                self.announce(notice_of(error))
                await asyncio.sleep(1)
            self.draw()
            await asyncio.sleep(1 / PICTURES_PER_S)

    def draw(self) -> None:
        """Draw the last picture, and what happened since it was drawn."""
        if not self.is_attached:
            return
        scene = self._lectern.scene
        width = self.size.width
        self.board.show(scene)
        self._header.update(header_line(scene, self._title(), width, self._glyphs))
        self._host.update(
            host_line(scene, width if self.has_class("-narrow") else self._host.size.width, self._glyphs)
        )
        news = self._lectern.news
        if news.revision != self._news_shown:
            self._news_shown = news.revision
            told = tuple(news)
            self._events.show(told)
            self._status.update(event_line(told[-1], width - 2, self._glyphs) if told else Content())

    def _title(self) -> str:
        lesson = self._lectern.lesson
        if lesson is None:
            return "free play"
        return f"lesson: {lesson.scenario.title}" + (", runs by itself" if self.pace.is_automatic else "")

    def show_lesson(self) -> None:
        """Draw the lesson as far as it has come."""
        self.pane.show()
        self.refresh_bindings()
        self.draw()

    # -- for the app -------------------------------------------------------------------------------

    @property
    def command(self) -> str:
        return self._toasts.command

    @property
    def is_typing(self) -> bool:
        return self.ask_line.is_open

    def note(self, message: str, level: Level = Level.DONE) -> None:
        """Make a notice of what a widget has to say."""
        self.announce(Notice(level, message))

    def announce(self, notice: Notice) -> None:
        """Show a notice and keep it."""
        self._toasts.pop(self._lectern.news.add(notice, time.time()))
        self.refresh_bindings()

    def stop_work(self) -> bool:
        """Stop a lesson that runs by itself; tell whether one did."""
        was = self.pace.is_automatic
        self.pace.wait()
        if was:
            self.note("The lesson waits for space.")
        return was

    def warn_of_quitting(self) -> None:
        self.announce(Notice(Level.WARNING, "Press it again to quit.", "The LAN goes with it."))

    def show_help(self, topic: str | None) -> None:
        del topic
        keys = keys_help(self.active_bindings.values(), self.app)
        self.app.push_screen(
            HelpScreen(keys, about_focus(self.focused) or ABOUT, self._lectern.news, self._glyphs, further=())
        )

    # -- keys --------------------------------------------------------------------------------------

    async def on_key(self, event: Key) -> None:
        """Obey keys in their turn: Textual would look them up later, when an answer may have followed."""
        active = self.active_bindings.get(event.key)
        if self.ask_line.takes_keys:
            self.ask_line.take_key(event)
        elif active is not None and active.enabled and (active.binding.id or "").startswith("lab."):
            event.stop()
            event.prevent_default()
            await self.run_action(active.binding.action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  # Textual calls it so
        """Only keys that do something here are keys here."""
        lesson = self._lectern.lesson
        if action in IN_A_LESSON:
            can_go_on = action == "leave_lesson" or (lesson is not None and not lesson.is_over)
            return lesson is not None and not self.pane.is_menu and can_go_on
        return action != "play" or self.pane.is_menu

    def action_select(self, number: int) -> None:
        if self._lectern.select(number):
            self.draw()
        else:
            self.note(f"There is no host {number}.", Level.WARNING)

    def action_step_host(self, step: int) -> None:
        self._lectern.step_selection(step)
        self.draw()

    async def action_key(self, name: str) -> None:
        """Do what a key means; a question it asks is open before the next key is looked at."""
        try:
            await getattr(self._keys, name)()
        except McastError as error:
            self.announce(notice_of(error))

    def action_move(self, step: int) -> None:
        self.pane.move(step)

    def action_pick(self) -> None:
        """Show the lessons to choose from; again shows the one that is played."""
        self.pane.pick(on=not self.pane.is_menu)
        self.refresh_bindings()

    def action_play(self) -> None:
        if scenario := self.pane.chosen:
            self.play(scenario)

    def action_next_step(self) -> None:
        self.pace.step()

    def action_run_through(self) -> None:
        """Let the lesson go on by itself, or wait for the key again."""
        if not self.stop_work():
            self.pace.run()

    def action_restart(self) -> None:
        self.pace.wait()
        self._later(self._lectern.restart())

    def action_leave_lesson(self) -> None:
        self.pace.wait()
        self._later(self._lectern.leave_lesson())

    def action_back(self) -> None:
        """Leave one layer: the list of lessons, a toast; never the app."""
        if self.pane.is_menu and self._lectern.lesson is not None:
            self.action_pick()
        else:
            self._toasts.drop_newest()

    def play(self, scenario: Scenario) -> None:
        """Begin a lesson, on a LAN of its own."""
        self.pace.wait()
        self.pane.pick(on=False)
        self._later(self._lectern.open(scenario))

    # -- what the widgets say ----------------------------------------------------------------------

    @on(BoardView.HostClicked)
    def select_clicked(self, event: BoardView.HostClicked) -> None:
        self.action_select(event.number)

    @on(LessonPane.Chosen)
    def play_clicked(self, event: LessonPane.Chosen) -> None:
        self.play(event.scenario)

    @on(Bar.ItemClicked)
    async def run_clicked(self, event: Bar.ItemClicked) -> None:
        event.stop()
        await run_item(self, event.action)

    def _obey_answer(self, question: Question, text: str) -> None:
        self._later(self._obey(question, text))

    async def _obey(self, question: Question, text: str) -> None:
        """Do what was answered; what could not be done goes back into the field."""
        try:
            await question.answer(text)
        except McastError as error:
            column = error.column if isinstance(error, EndpointError) else None
            self.ask_line.give_back(question, text, column)
            raise

    # -- for itself --------------------------------------------------------------------------------

    def _later(self, work: Awaitable[None]) -> None:
        """Do it beside the messages: keys are not to wait with it."""
        self.run_worker(self._guarded(work))

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Make a notice of what could not be done, and draw what became of it."""
        try:
            await work
        except McastError as error:
            self.announce(notice_of(error))
        self.show_lesson()
