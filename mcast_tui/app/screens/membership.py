"""The Membership screen's centre: who is a member of what, what happened, who asks, and what it means.

`MembershipPane` only draws: the frame gives it a `MembershipView` when one is due, and it owns
nothing. Where there is room its parts stand side by side or one below the other; where there is
not, the table keeps its place and one other part at a time stands below it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message

from mcast_tui.app.fit import MUTED
from mcast_tui.app.widgets.explanation_view import ExplanationView
from mcast_tui.app.widgets.field_list import FieldList
from mcast_tui.app.widgets.heading import Heading
from mcast_tui.app.widgets.membership_fields import (
    entry_fields,
    entry_title,
    membership_fields,
    membership_title,
)
from mcast_tui.app.widgets.membership_table import Key, MembershipTable, key_of
from mcast_tui.app.widgets.querier_view import QuerierView
from mcast_tui.app.widgets.timeline_entry import clock
from mcast_tui.app.widgets.timeline_view import TimelineView
from mcast_tui.human import counted
from mcast_tui.net.interfaces import typeable
from mcast_tui.safe import safe_text
from mcast_tui.services.command import find_command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.widget import Widget

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.widgets.field_list import Field
    from mcast_tui.app.widgets.rows import Rows
    from mcast_tui.services.membership.facts import (
        Explanation,
        HeardGroup,
        HeardMember,
        HostMembership,
        PruneCountdown,
    )
    from mcast_tui.services.membership.topic_texts.topic import Topic
    from mcast_tui.services.membership.view import MembershipView

SIDE_BY_SIDE = 112
"""Columns of the pane from which on table and timeline leave room for the rest beside them."""
ALL_PARTS = 28
"""Rows of the pane from which on all parts may stand one below the other."""
TIMELINE, EXPLANATION, QUERIERS = "timeline", "explanation", "queriers"
PARTS = (TIMELINE, EXPLANATION, QUERIERS)
"""What may stand below the table where there is room for one of them, in the order `v` goes through."""


class MembershipPane(Container):
    """Table, timeline, queriers and explanation; see the module."""

    DEFAULT_CSS = Path(__file__).with_name("membership.tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]  # Textual's own is a list of a union
        Binding("enter", "toggle_detail", "Detail", id="membership.detail"),
        Binding("escape", "close_detail", "Close the detail", id="membership.back", show=False),
        Binding("e", "explain", "What just happened", id="membership.explain"),
        Binding("v", "next_part", "The next part below the table", id="membership.part"),
        Binding("f", "toggle_only", "Timeline of this group alone, or of all", id="membership.only"),
        Binding("J", "join_chosen", "Join this group", id="membership.join"),
        Binding("b", "begin('block')", "Block a source", id="membership.block"),
        Binding("s", "begin('source')", "Add, drop or choose sources", id="membership.source"),
        Binding("y", "copy_tap", "Copy what would open the tap", id="membership.copy_tap", show=False),
    ]

    class Chosen(Message):
        """The person put the cursor on a membership."""

        def __init__(self, membership: HostMembership) -> None:
            super().__init__()
            self.membership = membership

    class LineBegun(Message):
        """The person wants to finish this line in the input."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    def __init__(
        self,
        interface_name: Callable[[int], str | None],
        glyphs: Glyphs,
        *,
        id: str,  # noqa: A002  # Textual's own word
    ) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._view: MembershipView | None = None
        self._prunes: dict[Key, PruneCountdown] = {}
        self._selected: Key | None = None
        self._heard: dict[Key, HeardGroup] = {}
        self._elsewhere: list[HeardGroup] = []
        self._part = TIMELINE
        self._is_detail_open = self._is_of_entry = False
        self._detailed: tuple[str, Sequence[Field]] = ("", ())
        self.table = MembershipTable(glyphs)
        self.timeline = TimelineView(glyphs)
        self.queriers = QuerierView(interface_name, glyphs)
        self.explanation = ExplanationView(glyphs)
        self._parts: dict[str, Rows] = {
            TIMELINE: self.timeline,
            EXPLANATION: self.explanation,
            QUERIERS: self.queriers,
        }
        self._has_keys: Rows = self.table
        self._detail = FieldList(glyphs)
        self._heading = Heading("KERNEL")
        self._titles = Heading("", classes="membership-titles")
        self._timeline_heading = Heading("TIMELINE", id="timeline-heading")
        self._querier_heading = Heading("QUERIERS", id="querier-heading")
        self._explanation_heading = Heading("WHAT JUST HAPPENED", id="explanation-heading")

    def compose(self) -> ComposeResult:
        with Vertical(id="membership-state", classes="membership-part"):
            yield self._heading
            yield self._titles
            yield self.table
            yield self._detail
            yield self._timeline_heading
            yield self.timeline
        with Vertical(id="membership-meaning", classes="membership-part"):
            yield self._querier_heading
            yield self.queriers
            yield self._explanation_heading
            yield self.explanation

    # -- what is shown

    def show(self, view: MembershipView) -> None:
        """Show what is known at one moment."""
        before, self._view = self._view, view
        if before is None or before.prunes is not view.prunes:
            self._prunes = {key_of(prune): prune for prune in view.prunes}
        if before is None or before.heard is not view.heard:
            self._heard = {key_of(heard): heard for heard in view.heard}
        if before is None or before.heard is not view.heard or before.rows is not view.rows:
            self._elsewhere = view.elsewhere()
        self._heading.show(f"KERNEL {safe_text(view.origin)}", f"  {counted(len(view.rows), 'membership')}")
        self.table.show(view, self._prunes, self._heard, self._no_rows(view))
        self.timeline.show(view.timeline, self.timeline.only)
        self.queriers.show(view, self._elsewhere)
        self.explanation.show(view.explanation)
        self._querier_heading.show("QUERIERS", self._wire_words(view))
        self._name_parts()
        if self._is_detail_open:
            self._show_detail()
        if before is None or before.tap.closed != view.tap.closed:
            self.refresh_bindings()

    def tick(self) -> None:
        """Draw what came into the timeline since."""
        self.timeline.update_entries()

    def select(self, key: Key | None) -> None:
        """Put the cursor on this membership, if there is such a one; None: wherever it is.

        The same one again, after the person moved the cursor, is older than what the person chose.
        """
        if key is not None and (key != self._selected or not self.table.is_moved):
            self.table.select(key)
        self._selected = key

    def show_topic(self, topic: Topic) -> None:
        """Explain something in plain words, until something happens or `e` is pressed."""
        self.explanation.show_topic(topic)
        self._go_to(EXPLANATION)

    def show_explanation(self, explanation: Explanation | None) -> None:
        """Show what just happened, whatever stood there."""
        self.explanation.show(explanation)
        self.explanation.show_last()
        self._go_to(EXPLANATION)

    def take_keys(self) -> None:
        """Give the keys to the part that was used last, or to the table where that is not on screen."""
        (self._has_keys if self._is_shown(self._has_keys) else self.table).focus()

    def _wire_words(self, view: MembershipView) -> str:
        """Return how much of the wire is known: what is listed may be below the edge."""
        if not view.tap.is_open:
            return "no tap"
        others = f"  {counted(len(self._elsewhere), 'group')} of others" if self._elsewhere else ""
        return f"{len(view.queriers)}{others}"

    def _no_rows(self, view: MembershipView) -> Content:
        if view.unreadable is not None:
            reason = safe_text(view.unreadable.strerror or str(view.unreadable))
            text = f" {self._glyphs.warning} Not known: the kernel's tables cannot be read: {reason}."
            return Content.styled(text, "$warning")
        return Content.styled(" No memberships: not even the kernel's own, so no interface is up.", MUTED)

    def _name_parts(self) -> None:
        """Write the headings: the legend, or what came below, and what the timeline is narrowed to."""
        view, glyphs = self._view, self._glyphs
        only = f" of {self.timeline.only[1]} alone" if self.timeline.only else ""
        tap = "" if view is None or view.tap.is_open else ", no tap"
        aside = f"{glyphs.seen} seen {glyphs.inferred} inferred{tap}"
        if not self.timeline.is_following:
            aside = f"{glyphs.down} {self.timeline.pending} new, End follows"
        self._timeline_heading.show(f"TIMELINE{only}", aside)
        explanation = view.explanation if view else None
        if self.explanation.is_topic:
            self._explanation_heading.show("EXPLAINED", "e what just happened")
        else:
            at = clock(explanation.at, milliseconds=False) if explanation else ""
            self._explanation_heading.show("WHAT JUST HAPPENED", at)

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "close_detail":
                return self._is_detail_open
            case "next_part":
                return self.has_class("-single")
            case "copy_tap":
                return bool(self._tap_command)
            case "join_chosen":
                return self.table.chosen is not None and not self.table.chosen.ours
            case "begin":
                return find_command(str(parameters[0])) is not None
        return True

    @property
    def is_detail_open(self) -> bool:
        return self._is_detail_open

    def action_toggle_detail(self) -> None:
        """Show or hide all of what has the cursor: an entry when the timeline has the keys."""
        if self._is_detail_open:
            self.action_close_detail()
            return
        self._is_detail_open = True
        self._is_of_entry = self.timeline.has_focus and self.timeline.chosen is not None
        self._show_detail()
        self._arrange()

    def action_close_detail(self) -> None:
        had_keys = self._detail.has_focus
        self._is_detail_open = False
        self._arrange()
        if had_keys or self._is_of_entry:
            self.call_after_refresh(self.take_keys)

    def action_explain(self) -> None:
        self.show_explanation(self._view.explanation if self._view else None)

    def action_next_part(self) -> None:
        self._go_to(PARTS[(PARTS.index(self._part) + 1) % len(PARTS)])

    def action_toggle_only(self) -> None:
        """Narrow the timeline to the membership under the cursor, or show all of it again."""
        chosen = self.table.chosen
        only = key_of(chosen) if chosen and self.timeline.only is None else None
        if self._view is not None:
            self.timeline.show(self._view.timeline, only)
        self._name_parts()
        self.refresh_bindings()

    def action_join_chosen(self) -> None:
        chosen = self.table.chosen
        if chosen is not None:
            where = typeable(chosen.interface, chosen.ifindex)
            self.post_message(self.LineBegun(f"/join {chosen.group} if {where}"))

    def action_begin(self, command: str) -> None:
        self.post_message(self.LineBegun(f"/{command} "))

    @property
    def _tap_command(self) -> str:
        """The shell line that would help where the tap is closed; empty where none is shown."""
        closed = self._view.tap.closed if self._view is not None else None
        return closed.command if closed is not None else ""

    def action_copy_tap(self) -> None:
        """Copy the line that would help where the tap is closed; it is never run by us."""
        command = self._tap_command
        self.app.copy_to_clipboard(command)
        self.notify(f"Copied: {command}", markup=False)

    def _go_to(self, part: str) -> None:
        """Bring a part into view where they take turns, and give it the keys."""
        self._part = part
        self._is_detail_open = self._is_detail_open and not self.has_class("-single")
        self._arrange()
        self._name_parts()
        self._has_keys = self._parts[part]
        self.call_after_refresh(self.take_keys)  # only what is laid out can take the keys

    # -- what the parts say

    @on(MembershipTable.CursorMoved)
    def choose(self, event: MembershipTable.CursorMoved) -> None:
        event.stop()
        self._has_keys, self._is_of_entry = self.table, False
        self._show_detail()
        self.post_message(self.Chosen(event.membership))
        self.refresh_bindings()

    @on(MembershipTable.TitlesChanged)
    def show_titles(self, event: MembershipTable.TitlesChanged) -> None:
        event.stop()
        self._titles.show(event.titles)

    @on(TimelineView.CursorMoved)
    def show_entry(self, event: TimelineView.CursorMoved) -> None:
        event.stop()
        self._has_keys, self._is_of_entry = self.timeline, event.entry is not None
        self._show_detail()

    @on(TimelineView.StateChanged)
    def show_state(self, event: TimelineView.StateChanged) -> None:
        event.stop()
        self._name_parts()

    def _show_detail(self) -> None:
        entry, chosen = self.timeline.chosen, self.table.chosen
        detailed: tuple[str, Sequence[Field]] = ("Nothing is selected", ())
        if entry is not None and self._is_of_entry:
            detailed = entry_title(entry), entry_fields(entry)
        elif chosen is not None:
            prune = self._prunes.get(key_of(chosen))
            detailed = membership_title(chosen), membership_fields(chosen, prune, self._heard_of(chosen))
        if detailed != self._detailed:
            self._detailed = detailed
            self._detail.show(*detailed, None)

    def _heard_of(self, membership: HostMembership) -> Sequence[HeardMember] | None:
        """Return which other hosts reported its group; None where they are not heard."""
        if self._view is None or not self._view.hears(membership.interface):
            return None
        heard = self._heard.get(key_of(membership))
        return heard.members if heard else ()

    # -- where the parts stand

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        is_wide = self.size.width >= SIDE_BY_SIDE
        is_single = not is_wide and self.size.height < ALL_PARTS
        self.set_class(is_wide, "-wide")
        self.set_class(is_single, "-single")
        self.set_class(self._is_detail_open, "-detail")
        for part in PARTS:
            self.set_class(is_single and part == self._part, f"-at-{part}")
        focused = self.app.focused
        if focused in self._parts.values() and not self._is_shown(focused):
            self.table.focus()  # what is taken away would take the keys with it
        self.refresh_bindings()

    def _is_shown(self, part: Widget | None) -> bool:
        """Whether a part is on screen at this size."""
        if part is self.table or not self.has_class("-single"):
            return True
        return not self._is_detail_open and part is self._parts[self._part]
