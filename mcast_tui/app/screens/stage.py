"""What is on stage: the widgets of the frame, and everything that changes what they show.

`app.bridge` tells it that time has passed or something happened, `app.actions` what a request
changed. It draws that on the widgets and decides nothing else; `MainScreen` lays them out and
takes the keys.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from mcast_tui.app.fit import MUTED
from mcast_tui.app.screens.chat import ChatPane
from mcast_tui.app.screens.conversation import Conversation
from mcast_tui.app.screens.help import HelpScreen, about_focus, keys_help, topic_of
from mcast_tui.app.screens.membership import MembershipPane
from mcast_tui.app.screens.packets import PacketsPane
from mcast_tui.app.screens.start import StartPage
from mcast_tui.app.toasts import Toasts
from mcast_tui.app.view_facts import (
    group_entries,
    header_facts,
    overdue_groups,
    start_presets,
    vocabulary,
    wire_entry,
    wire_header_facts,
)
from mcast_tui.app.widgets.bar import Bar, Item
from mcast_tui.app.widgets.composer import Composer
from mcast_tui.app.widgets.event_list import EventList
from mcast_tui.app.widgets.footer import FooterBar
from mcast_tui.app.widgets.header import HeaderBar
from mcast_tui.app.widgets.line_input import LineInput
from mcast_tui.app.widgets.sidebar import Sidebar
from mcast_tui.app.widgets.suggestions import Suggestions
from mcast_tui.errors import describe_errno
from mcast_tui.net.interfaces import name_by_index
from mcast_tui.safe import safe_text
from mcast_tui.services.actions import Actions
from mcast_tui.services.command import is_command
from mcast_tui.services.desk import Desk
from mcast_tui.services.events import (
    CaptureStopped,
    Event,
    GroupLeft,
    GroupsImpaired,
    IntakeFailed,
    MembershipNews,
)
from mcast_tui.services.group import SELECTED_BY
from mcast_tui.services.membership.facts import What
from mcast_tui.services.membership.timeline import line_of
from mcast_tui.services.membership.view import view_of
from mcast_tui.services.notice import Level, Notice, NoticeLog, notice_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.screens.main import MainScreen
    from mcast_tui.net.kernel import KernelView
    from mcast_tui.services.membership.facts import Explanation
    from mcast_tui.services.membership.topic_texts.topic import Topic
    from mcast_tui.services.membership.view import MembershipSource
    from mcast_tui.services.node import Node

PACKETS, CHAT, MEMBERSHIP, START = "packets", "chat", "membership", "start"
TABS = ((PACKETS, "1 Packets"), (CHAT, "2 Chat"), (MEMBERSHIP, "4 Membership"))
START_TABS = (("Packets", ""), ("Chat", ""), ("M Membership", "screen.show_memberships"))
"""On the start page, where digits join what it offers and only the memberships can be looked at."""


class Stage:
    """The widgets of one `MainScreen` over one `Node`."""

    def __init__(
        self, screen: MainScreen, node: Node, memberships: MembershipSource, glyphs: Glyphs, note: str
    ) -> None:
        self._screen = screen
        self._node = node
        self._glyphs = glyphs
        self.notices = NoticeLog()
        self._note = note
        self._kernel: Mapping[int, KernelView | None] = {}
        self.memberships = memberships
        """Who knows what the Membership screen draws, and what passes on the wire."""
        self.tell_watching: Callable[[bool], None] = lambda _is_watching: None
        """Told whether the wire is on screen: its packets have no socket of ours to wake anybody."""
        self.tab = PACKETS
        self.desk = Desk(node)
        self.actions = Actions(node, self.desk, self)
        self.header = HeaderBar(glyphs)
        self.tabs = Bar(id="tabs", gap=0)
        self.sidebar = Sidebar(glyphs)
        self.start = StartPage(glyphs)
        self.packets = PacketsPane(node.ring, self._interface_name, glyphs, id=PACKETS)
        self.chat = ChatPane(glyphs, id=CHAT)
        self.membership = MembershipPane(self._interface_name, glyphs, id=MEMBERSHIP)
        self.side_chat = ChatPane(glyphs, id="side-chat")
        self._conversation = Conversation(node, self.desk, glyphs, self._visible_chats)
        self.events = EventList(glyphs)
        self.suggestions = Suggestions(glyphs)
        self.composer = Composer(glyphs, self.suggestions, lambda: vocabulary(node, self.desk))
        self.footer = FooterBar()
        self.toasts = Toasts(glyphs)

    @property
    def centre(self) -> str:
        """The id of what the centre holds: the start page while nothing is joined.

        Unless packets are left to be read; and memberships there are without ours, too.
        """
        if len(self._node.groups) or self.tab == MEMBERSHIP or self.desk.is_on_wire:
            return self.tab
        if self.tab == PACKETS and self._node.ring.head:
            return self.tab
        return START

    # -- time has passed ---------------------------------------------------------------------

    def tick(self) -> None:
        """Draw what arrived since the last frame."""
        if self.centre == PACKETS:
            self.packets.tick()
        elif self.centre == MEMBERSHIP:
            self.membership.tick()
        self._conversation.tick()

    def sample(self, kernel: Mapping[int, KernelView | None]) -> None:
        """Draw the rates, the losses, the peers and the kernel's word."""
        self._kernel = kernel
        if traffic := self.memberships.traffic:
            traffic.sample(time.monotonic())
        self.show_rates()
        if self.desk.is_on_wire:
            self._show_wire()
        if self.centre == START:
            self.start.show(*start_presets(self.desk, self.memberships))
        elif self.centre == MEMBERSHIP:
            self._show_memberships(anew=True)
        self._conversation.sample(kernel)

    def show_rates(self) -> None:
        traffic = self.memberships.traffic
        if traffic is not None and self.desk.is_on_wire:
            self.header.show(wire_header_facts(self._node, traffic, self._note))
        else:
            self.header.show(header_facts(self._node, self.desk, self._note))
        overdue = overdue_groups(self.memberships)
        entries = group_entries(self._node, self._kernel, overdue)
        wire = wire_entry(traffic) if traffic else None
        self.sidebar.groups.show(*entries, self.desk.selected_id, wire)
        if self.sidebar.display:
            self._show_peers()
        self.show_tabs()

    def _show_peers(self) -> None:
        traffic = self.memberships.traffic
        if self.desk.is_on_wire and traffic is not None:
            self.sidebar.show_peers("the wire", traffic.peers(), time.time_ns())
            return
        where = self.desk.selected.label if self.desk.selected else ""
        self.sidebar.show_peers(where, self._node.monitor.peers(self.desk.selected), time.time_ns())

    def _show_wire(self) -> None:
        """Draw what the tap sees, or why it sees nothing."""
        traffic = self.memberships.traffic
        if traffic is not None and self.centre == PACKETS:
            self.packets.show_wire(traffic)
            self.packets.show_streams()

    def show_tabs(self) -> None:
        """Draw the tabs, with how many lines of all groups are unread."""
        if self.centre == START:
            self.tabs.show([Item(Content.styled(f" {name} ", MUTED), action) for name, action in START_TABS])
            return
        unread = self._node.chat.unread_in_groups()
        items = []
        for tab, name in TABS:
            style = "bold $background on $primary" if tab == self.centre else ""
            mark = f" {self._glyphs.unread}{min(unread, 999)}" if tab == CHAT and unread else ""
            label = Content.assemble(f" {name}", (mark, "" if tab == self.centre else "bold $warning"), " ")
            items.append(Item(label.stylize(style) if style else label, f"screen.show_tab('{tab}')"))
        self.tabs.show(items)

    # -- something happened ------------------------------------------------------------------

    def take_events(self, events: Sequence[Event]) -> None:
        """Draw what these facts change; who asked for them is told by the actions."""
        for event in events:
            if isinstance(event, GroupLeft):
                self.composer.forget_draft(event.group.id)
                self.packets.forget(str(event.group.endpoint))
                self._conversation.forget(event.group.id)
            elif isinstance(event, IntakeFailed):
                what = f"A read of {event.label} failed: {describe_errno(event.errno)}."
                self.announce(Notice(Level.WARNING, what, "It is read on; what was lost by it is not known."))
            elif isinstance(event, GroupsImpaired):
                self.announce(replace(notice_of(event.error), level=Level.WARNING))
            elif isinstance(event, CaptureStopped):
                what = f"Nothing is received any more: the capture thread stopped: {event.reason}."
                self.announce(Notice(Level.ERROR, what, "Start the app again."))
        self._announce_healed(events)

    def _announce_healed(self, events: Sequence[Event]) -> None:
        """Say in one notice what was joined again; each of them stands on the timeline."""
        entries = [event.entry for event in events if isinstance(event, MembershipNews)]
        healed = [entry for entry in entries if entry.what is What.HEALED]
        if healed:
            more = f" (and {len(healed) - 1} more)" if len(healed) > 1 else ""
            self.announce(Notice(Level.DONE, f"{line_of(healed[0])}{more}."))
            self.show_target()

    # -- a request changed something -----------------------------------------------------------

    def announce(self, notice: Notice) -> None:
        """Show a notice and keep it."""
        kept = self.notices.add(notice, time.time())
        self.toasts.pop(kept, "^y" if isinstance(self._screen.focused, LineInput) else "y")
        self.events.show(tuple(self.notices))
        self._screen.refresh_bindings()

    def note(self, message: str, level: Level = Level.DONE) -> None:
        """Make a notice of what a widget has to say."""
        self.announce(Notice(level, message))

    @property
    def command(self) -> str:
        """The newest command there is to copy."""
        return self.toasts.command

    @property
    def is_typing(self) -> bool:
        return self.composer.input.has_focus

    def stop_work(self) -> bool:
        """Stop what is being sent; tell whether there was any."""
        return self.actions.stop_batch()

    def warn_of_quitting(self) -> None:
        kept = "The packets captured so far are not saved." if self._node.ring.head else ""
        self.announce(Notice(Level.WARNING, "Press it again to quit.", kept))

    def show_selection(self) -> None:
        """Make everything on screen be about the selected group."""
        group = self.desk.selected
        was_on_membership = self.membership.display
        self._screen.switch_centre(self.centre)
        self.tell_watching(self.desk.is_on_wire and self.centre == PACKETS)
        if self.desk.is_on_wire:
            self._show_wire()
        elif group is None:
            self.packets.show(None, "")
        else:
            self.packets.show(group.selects, str(group.endpoint), SELECTED_BY)
        self._node.chat.poll()
        self._conversation.show()
        self.composer.switch_draft(self.desk.selected_id)
        self.show_target()
        self.show_rates()
        if self.centre == START:
            self.start.show(*start_presets(self.desk, self.memberships))
        elif self.centre == MEMBERSHIP:
            self._show_memberships(anew=not was_on_membership)
        self._screen.refresh_bindings()

    def show_target(self) -> None:
        joined = len(self._node.groups)
        otherwise = "choose a group" if joined else "join"
        if self.desk.is_on_wire:
            otherwise = "only listened to"
        self.composer.show_target(self.desk.target(), otherwise)
        self._screen.refresh_bindings()

    def point_at(self, column: int) -> None:
        """Select the word that is at fault: typing replaces it."""
        self.composer.input.focus()
        self.composer.select_word(column)

    def offer_line(self, line: str) -> None:
        """Write a line for the person to finish, unless he is writing one himself."""
        typed = self.composer.input.value
        if not typed or is_command(typed):
            self.composer.write(line)
            self.composer.input.focus()

    def show_progress(self, done: int, total: int) -> None:
        self.composer.show_progress(done, total)

    def ask_again(self, text: str) -> None:
        self.composer.ask(text)

    def clear_view(self, *, undo: bool) -> int:
        """Hide what is in the centre, or show it again; return how many lines that concerned."""
        if self.centre == PACKETS:
            return self.packets.undo_clear() if undo else self.packets.clear()
        if self.centre == MEMBERSHIP:
            return self.membership.timeline.clear(undo=undo)
        return self._conversation.clear(undo=undo)

    def show_wire(self) -> None:
        """Open the tap, or begin to look for the privileged one; go to what it sees."""
        self.memberships.listen()
        self.desk.select_wire()
        self._screen.action_show_tab(PACKETS)

    def toggle_pause(self) -> None:
        self.packets.toggle_pause()

    def follow(self) -> None:
        if self.centre == CHAT:
            self.chat.view.action_follow()
        elif self.centre == MEMBERSHIP:
            self.membership.timeline.action_follow()
        else:
            self.packets.follow()

    def show_help(self, topic: str | None) -> None:
        screen = self._screen
        keys = keys_help(screen.active_bindings.values(), screen.app)
        screen.app.push_screen(
            HelpScreen(keys, about_focus(screen.focused), self.notices, self._glyphs, topic_of(topic))
        )

    def show_explanation(self, explanation: Explanation) -> None:
        """Go to what a join, leave or change of sources did."""
        self._screen.action_show_tab(MEMBERSHIP)
        self.membership.show_explanation(explanation)

    def show_topic(self, topic: Topic) -> None:
        """Explain something in plain words."""
        self._screen.action_show_tab(MEMBERSHIP)
        self.membership.show_topic(topic)

    def quit(self) -> None:
        self._screen.app.exit()

    # -- for itself ------------------------------------------------------------------------------

    def _show_memberships(self, *, anew: bool) -> None:
        """Draw the Membership screen, and put its cursor on the selected group, if one is selected."""
        self.memberships.listen()  # a person looks at it: not before, for it costs
        if anew:
            self.membership.show(view_of(self.memberships, time.time_ns()))
        group = self.desk.selected
        if group is None or group.ifindex is None:
            self.membership.select(None)
        else:
            self.membership.select((group.ifindex, group.endpoint.address))

    def _visible_chats(self) -> Iterator[ChatPane]:
        if self.centre == CHAT:
            yield self.chat
        elif self.centre == PACKETS and self._screen.has_class("-wide"):
            yield self.side_chat

    def _interface_name(self, ifindex: int) -> str | None:
        name = name_by_index(self._node.interfaces, ifindex)
        return None if name is None else safe_text(name)
