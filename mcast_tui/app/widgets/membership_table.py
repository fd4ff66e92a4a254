"""The memberships of this host as a table of which only the visible rows are ever made."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from textual.message import Message

from mcast_tui.app.widgets.columns import titles_of
from mcast_tui.app.widgets.cursor_rows import CursorRows
from mcast_tui.app.widgets.membership_columns import COLUMNS, fit_columns, row_of
from mcast_tui.safe import safe_text
from mcast_tui.wire.literal import Address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.content import Content

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.membership.facts import HeardGroup, HostMembership, PruneCountdown
    from mcast_tui.services.membership.view import MembershipView

Key: TypeAlias = tuple[int, Address]
"""Interface index and group: what makes a membership of this host the same one."""


def key_of(each: HostMembership | PruneCountdown | HeardGroup) -> Key:
    """Return which membership it is, or is about."""
    return each.ifindex, each.group


class MembershipTable(CursorRows):
    """Ours first, then those of others, then those the kernel holds by itself; one row has the cursor."""

    HELP = (
        "What this host is a member of, as the kernel's tables say. They count users and do not name them:\n"
        "what is not ours is called other. Enter shows all that is known of a row."
    )

    class CursorMoved(Message):
        """The person chose a membership."""

        def __init__(self, membership: HostMembership) -> None:
            super().__init__()
            self.membership = membership

    class TitlesChanged(Message):
        """Other columns fit now."""

        def __init__(self, titles: str) -> None:
            super().__init__()
            self.titles = titles

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(self.row, glyphs, id="memberships")
        self._given: Sequence[HostMembership] | None = None
        self._memberships: list[HostMembership] = []
        self._names: dict[int, str] = {}
        self._with_ipv6 = self._with_names = False
        self._view: MembershipView | None = None
        self._prunes: Mapping[Key, PruneCountdown] = {}
        self._heard: Mapping[Key, HeardGroup] = {}
        self._widths: dict[str, int] = {}
        self.is_moved = False
        """The person moved the cursor since it was last put somewhere."""

    @property
    def chosen(self) -> HostMembership | None:
        """The membership under the cursor."""
        at = self.cursor
        return self._memberships[at] if at is not None and at < len(self._memberships) else None

    def show(
        self,
        view: MembershipView,
        prunes: Mapping[Key, PruneCountdown],
        heard: Mapping[Key, HeardGroup],
        instead: Content,
    ) -> None:
        """Draw the rows of `view`; `instead` stands where there is none. The same rows are not sorted again.

        `prunes` and `heard` are its own, by the membership they are about.
        """
        self._view, self._prunes, self._heard = view, prunes, heard
        chosen = self.chosen
        if view.rows is not self._given:
            self._take(view.rows)
        self._fit()
        self.set_total(len(self._memberships), instead)
        if chosen is not None:
            self._go_to(key_of(chosen))

    def _take(self, memberships: Sequence[HostMembership]) -> None:
        self._given = memberships
        self._memberships = sorted(memberships, key=_order)
        self._names = {each.ifindex: safe_text(each.interface) for each in memberships}
        self._with_ipv6 = any(each.group.version == 6 for each in memberships)
        self._with_names = any(each.name for each in memberships)

    def select(self, key: Key) -> bool:
        """Put the cursor on a membership; tell whether there is such a one."""
        self.is_moved = False
        return self._go_to(key)

    def _go_to(self, key: Key) -> bool:
        if self.chosen is not None and key_of(self.chosen) == key:
            return True
        at = next((at for at, each in enumerate(self._memberships) if key_of(each) == key), None)
        if at is None:
            return False
        super().put_cursor(at)
        return True

    def row(self, y: int) -> Content:
        membership, now = self._memberships[y], self._view.at if self._view else 0
        prune = self._prunes.get(key_of(membership))
        return row_of(membership, self._widths, prune, self._heard_of(membership), now, self._glyphs)

    def _heard_of(self, membership: HostMembership) -> int | None:
        """Return how many other hosts reported its group; None where that cannot be known."""
        if self._view is None or membership.is_of_every_host or not self._view.hears(membership.interface):
            return None
        heard = self._heard.get(key_of(membership))
        return len(heard.members) if heard else 0

    def _fit(self) -> None:
        widths = fit_columns(
            self.row_width,
            tuple(self._names.values()),
            with_ipv6=self._with_ipv6,
            with_names=self._with_names,
            with_prunes=bool(self._prunes),
            with_heard=self._view is not None and self._view.tap.is_open,
        )
        if widths != self._widths:
            self._widths = widths
            self.post_message(self.TitlesChanged(titles_of(COLUMNS, widths)))

    def on_resize(self) -> None:
        self._fit()

    def put_cursor(self, to: int) -> None:
        """Put the cursor where the person wants it, and say so."""
        super().put_cursor(to)
        self.is_moved = True
        if self.chosen is not None:
            self.post_message(self.CursorMoved(self.chosen))


def _order(membership: HostMembership) -> tuple[int, int, int, int]:
    kind = 0 if membership.ours else 2 if membership.is_permanent else 1
    return kind, membership.ifindex, membership.group.version, int(membership.group)
