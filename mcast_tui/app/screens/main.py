"""The frame: header, tabs, sidebar, centre, input and footer, where they stand, and the keys.

It composes, lays out by size, and passes on: what a person asks for goes to `app.actions`,
what changes on screen is done by the `Stage`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from mcast_tui.app.screens.membership import MembershipPane
from mcast_tui.app.screens.packets import PacketsPane
from mcast_tui.app.screens.stage import CHAT, MEMBERSHIP, PACKETS, START, Stage
from mcast_tui.app.screens.start import StartPage
from mcast_tui.app.view_facts import group_labels, stream_endpoint
from mcast_tui.app.widgets.bar import Bar
from mcast_tui.app.widgets.composer import Composer
from mcast_tui.app.widgets.footer import run_item
from mcast_tui.app.widgets.heading import Heading
from mcast_tui.app.widgets.line_input import LineInput
from mcast_tui.app.widgets.paste_question import PasteQuestion
from mcast_tui.app.widgets.sidebar import GroupList, PeerList
from mcast_tui.net.interfaces import name_by_index
from mcast_tui.services import request
from mcast_tui.services.command import parse_line
from mcast_tui.services.desk import ALL_TRAFFIC
from mcast_tui.services.notice import Level, Notice
from mcast_tui.services.target import lines_of
from mcast_tui.wire.place import Place

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.command import Command
    from mcast_tui.services.membership.view import MembershipSource
    from mcast_tui.services.node import Node


class MainScreen(Screen[None]):
    """Everything on screen while the app runs; `main.tcss`, beside this file, says where it stands."""

    DEFAULT_CSS = Path(__file__).with_name("main.tcss").read_text(encoding="utf-8")
    AUTO_FOCUS = "#start"
    SCOPED_CSS = False  # its rules ask for classes of the app and of the screen itself
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # Textual's own declaration
        (0, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  # likewise
        (0, "-flat"),
        (12, "-low"),
        (20, "-high"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "show_tab('packets')", "Packets", id="main.packets"),
        Binding("2", "show_tab('chat')", "Chat", id="main.chat"),
        Binding("4", "show_tab('membership')", "Membership", id="main.membership"),
        Binding("M", "show_memberships", "Memberships of this host", id="main.memberships"),
        Binding("g", "groups", "Groups", id="main.groups"),
        Binding("i", "type", "Type a line", id="main.type"),
        Binding("colon", "type('/')", "Type a command", id="main.command"),
        Binding("J", "type('/join ')", "Join a group", id="main.join"),
        Binding("L", "leave", "Leave this group", id="main.leave"),
        Binding("u", "undo_leave", "Join again what was left", id="main.undo_leave"),
        Binding("f5", "step_group(-1)", "Previous group", id="main.previous_group"),
        Binding("f6", "step_group(1)", "Next group", id="main.next_group"),
        Binding("ctrl+n", "next_unread", "Next group with unread lines", id="main.next_unread"),
        Binding("escape", "back", "Leave what is open", id="main.back"),
    ]

    def __init__(self, node: Node, memberships: MembershipSource, glyphs: Glyphs, note: str) -> None:
        super().__init__()
        self._node = node
        self.stage = Stage(self, node, memberships, glyphs, note)
        self._desk = self.stage.desk
        self._actions = self.stage.actions

    def compose(self) -> ComposeResult:
        stage = self.stage
        with Container(id="top"):
            yield stage.header
            yield stage.tabs
        with Horizontal(id="body"):
            yield stage.sidebar
            with ContentSwitcher(id="centre", initial=START):
                yield stage.start
                yield stage.packets
                yield stage.chat
                yield stage.membership
            with Vertical(id="right"):
                yield stage.side_chat
                yield Heading("EVENTS", id="event-heading")
                yield stage.events
        yield stage.suggestions
        yield stage.composer
        yield stage.footer
        yield stage.toasts

    def on_mount(self) -> None:
        self.bindings_updated_signal.subscribe(self, lambda _: self._show_keys())

    def _show_keys(self) -> None:
        stage = self.stage
        undoing = [
            binding
            for binding, does_undo in (
                ("packets.detail", stage.packets.is_detail_open),
                ("membership.detail", stage.membership.is_detail_open),
                ("membership.only", stage.membership.timeline.only is not None),
            )
            if does_undo
        ]
        stage.footer.refresh_keys(self, undoing)

    # -- layout ----------------------------------------------------------------------------------

    def switch_centre(self, to: str) -> None:
        """Show one of the centre's pages, and keep the keys there if they were in another."""
        switcher = self.query_one("#centre", ContentSwitcher)
        self.set_class(to == START, "-start")
        self.set_class(to == CHAT, "-tab-chat")
        self.set_class(to == MEMBERSHIP, "-tab-membership")
        if switcher.current == to:
            return
        was_inside = self.focused is None or switcher in self.focused.ancestors
        switcher.current = to
        if was_inside:
            self.call_after_refresh(self._focus_centre_unless_typing)  # only what is laid out takes keys

    def _focus_centre_unless_typing(self) -> None:
        """Give the keys to the centre, but where the person went to the input line in the meantime."""
        if not isinstance(self.focused, LineInput):
            self.focus_centre()

    def focus_centre(self) -> None:
        """Give the keys to what the centre shows."""
        stage = self.stage
        if stage.centre == PACKETS:
            stage.packets.focus_log()
        elif stage.centre == MEMBERSHIP:
            stage.membership.take_keys()
        else:
            (stage.chat.view if stage.centre == CHAT else stage.start).focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self.stage.show_selection)

    # -- keys ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  # Textual calls it so
        """Only keys that do something here are keys here."""
        match action:
            case "leave":
                return self._desk.selected is not None
            case "undo_leave":
                return self._desk.last_left is not None
            case "groups" | "step_group" | "show_tab":
                return self.stage.centre != START
            case "show_memberships":
                return self.stage.centre == START  # where 4 joins what is offered there
            case "next_unread":
                return self._desk.next_unread() is not None
        return True

    def action_show_tab(self, tab: str) -> None:
        self.stage.tab = tab
        self.stage.show_selection()
        self.focus_centre()

    def action_show_memberships(self) -> None:
        self.action_show_tab(MEMBERSHIP)

    def action_groups(self) -> None:
        """Go to the groups; on a narrow screen open or close their drawer."""
        groups = self.stage.sidebar.groups
        if groups.has_focus:
            self._close_drawer()
            self.focus_centre()
            return
        self.add_class("-drawer")
        self.stage.show_rates()
        groups.focus()

    def action_type(self, start: str = "") -> None:
        """Go to the input line; `start` is written unless something stands there already."""
        composer = self.stage.composer
        if composer.is_asking:
            composer.question.focus()
            return
        if start and not composer.input.value:
            composer.write(start)
        composer.input.focus()

    def action_leave(self) -> None:
        self._later(self._actions.perform(request.Leave(None)))

    def action_undo_leave(self) -> None:
        self.stage.toasts.drop_undoable()
        self._later(self._actions.undo_leave())

    def action_step_group(self, step: int) -> None:
        self._select(self._desk.neighbour(step))

    def action_next_unread(self) -> None:
        if group := self._desk.next_unread():
            self._select(group.id)

    def action_back(self) -> None:
        """Leave one layer: the question, the reply, the drawer, the input line, a toast; never the app."""
        if self.stage.composer.is_asking:
            self.stage.composer.question.action_answer("no")
        elif self._desk.reply_to is not None:
            self._desk.reply_to = None
            self.stage.show_target()
        elif self.has_class("-drawer"):
            self._close_drawer()
            self.focus_centre()
        elif isinstance(self.focused, LineInput) or self.stage.sidebar.has_focus_within:
            self.focus_centre()
        else:
            self.stage.toasts.drop_newest()

    def _close_drawer(self) -> None:
        self.remove_class("-drawer")

    # -- what the widgets say --------------------------------------------------------------------

    @on(Composer.Submitted)
    def obey(self, event: Composer.Submitted) -> None:
        """Do what a line says; it goes back into the field when it is not understood."""
        line, starting = event.line, self.stage.centre == START
        if not line:
            if starting:
                self.stage.start.action_join()
            return
        prefix = (
            "/join " if starting and not line.startswith("/") else ""
        )  # the page says: or type an address
        self.stage.composer.give_back(line, self._desk.selected_id, event.number)
        wanted = self._actions.understand(prefix + line, len(prefix))
        if wanted is not None:
            self.stage.composer.take(line)
            # perform is called here and not in the worker: it is about what is selected at Enter
            self._later(self._see_to(self._actions.perform(wanted), wanted, line, self._desk.selected_id))

    async def _see_to(self, done: Awaitable[bool], wanted: request.Request, line: str, group_id: int) -> None:
        """Await a request; what could not be done goes back to the group it was written for."""
        if await done:
            if isinstance(wanted, request.Say):
                self.stage.chat.give_hint_once()
        elif group_id <= ALL_TRAFFIC or self._node.groups.by_id(group_id):
            self.stage.composer.give_back(line, group_id)

    @on(Composer.LeaveWanted)
    def leave_layer(self) -> None:
        self.action_back()

    @on(PasteQuestion.Answered)
    def send_paste(self, event: PasteQuestion.Answered) -> None:
        if event.answer is PasteQuestion.Answer.ONE:
            self._later(self._actions.perform(request.SendBytes(event.text.encode(errors="replace"))))
        elif event.answer is PasteQuestion.Answer.LINES:
            self._later(self._actions.send_lines(lines_of(event.text)))

    @on(LineInput.CleanedUp)
    def say_cleaned(self, event: LineInput.CleanedUp) -> None:
        what = (
            f"{event.count} characters of the paste were left out: they act on a terminal instead of showing."
        )
        self.stage.announce(Notice(Level.WARNING, what, "/hex sends any byte."))

    @on(StartPage.JoinWanted)
    def join_preset(self, event: StartPage.JoinWanted) -> None:
        self.join(Place(event.endpoint))

    @on(StartPage.InterfaceWanted)
    def change_interface(self) -> None:
        self._desk.next_interface()
        self.stage.sample({})

    @on(GroupList.Selected)
    def select_group(self, event: GroupList.Selected) -> None:
        self._select(event.group_id)
        if event.entered:
            self._close_drawer()
            self.focus_centre()

    @on(GroupList.JoinWanted)
    def begin_join(self) -> None:
        self._close_drawer()
        self.action_type("/join ")

    @on(PeerList.PeerChosen)
    def begin_message(self, event: PeerList.PeerChosen) -> None:
        peer = event.peer
        self._close_drawer()
        endpoint = self._desk.endpoint_of(peer.address, peer.port, peer.ifindex, peer.protocol)
        self.action_type(f"/msg {endpoint} ")

    @on(MembershipPane.Chosen)
    def select_chosen(self, event: MembershipPane.Chosen) -> None:
        """Select the group of ours that has the cursor; all traffic when it is not ours."""
        chosen = event.membership
        ours = self._node.groups.holding(chosen.group, chosen.ifindex)
        if self._desk.selected not in ours:
            self._select(ours[0].id if ours else ALL_TRAFFIC)

    @on(MembershipPane.LineBegun)
    def begin_line(self, event: MembershipPane.LineBegun) -> None:
        self.action_type(event.line)

    @on(PacketsPane.JoinWanted)
    def begin_stream_join(self, event: PacketsPane.JoinWanted) -> None:
        stream = event.stream
        interface = name_by_index(self._node.interfaces, stream.ifindex)
        self.action_type(f"/join {stream_endpoint(stream, interface)}")

    @on(PacketsPane.ReplyRequested)
    def reply(self, event: PacketsPane.ReplyRequested) -> None:
        self._desk.reply_to_packet(event.packet)
        self.stage.show_target()
        self.action_type()

    @on(Bar.ItemClicked)
    async def run_item(self, event: Bar.ItemClicked) -> None:
        event.stop()
        await run_item(self, event.action)

    # -- for the app and the palette ---------------------------------------------------------------

    def join(self, *places: Place) -> None:
        """Join these and select the first; failures become notices."""
        self._later(self._join_all(places))

    async def _join_all(self, places: tuple[Place, ...]) -> None:
        for place in places:
            await self._actions.perform(request.Join((place,)))
        if len(places) > 1:
            self._select(next(iter(self._node.groups.ids()), ALL_TRAFFIC))

    def palette_action(self, command: Command) -> Callable[[], None]:
        """Return what choosing a command in the palette does."""
        line = f"/{command.name}"
        if command.is_complete_alone:
            return lambda: self._later(self._actions.perform(parse_line(line)))
        return lambda: self.action_type(f"{line} ")

    def palette_groups(self) -> list[tuple[int, str]]:
        return list(group_labels(self._node).items())

    def palette_selection(self, group_id: int) -> Callable[[], None]:
        return lambda: self._select(group_id)

    def _select(self, number: int) -> None:
        """Select what has this number in the sidebar."""
        if number != self._desk.selected_id:
            self._desk.select_id(number)
            self.stage.show_selection()

    def _later(self, work: Awaitable[object]) -> None:
        """Do it beside the messages: a send may wait for room in a buffer, and keys must not wait with it."""
        self.run_worker(work, exit_on_error=True)
