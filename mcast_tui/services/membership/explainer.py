"""Explains what a person does to a group: looks before and after, keeps the last explanation, tells of it.

What a tap hears afterwards makes it say more. `explain` finds the words, `Witness` looks, and this is what
the node asks and tells, whether anybody wants to know or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.services.events import Explained
from mcast_tui.services.membership.explain import explain
from mcast_tui.services.membership.witness import Witness
from mcast_tui.services.placement import joinable_kind, joining_interface

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.events import Event
    from mcast_tui.services.group import Group
    from mcast_tui.services.groups import Groups
    from mcast_tui.services.membership.deed import Deed
    from mcast_tui.services.membership.facts import Explanation
    from mcast_tui.services.source_change import SourceChange
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.membership.message import Heard
    from mcast_tui.wire.membership.source_filter import SourceFilter

MOST_REPORTS = 64
"""Kept to explain one deed by: it makes two or three, other groups' reports may come in between."""


class Explainer:
    """The last explanation, and the way to the next."""

    def __init__(self, groups: Groups, tell: Callable[[Event], None]) -> None:
        self._holding = groups.holding
        self._tell = tell
        self.is_on = False
        """Whether the tables are looked at before and after what is done to a group, to explain it.

        Not for a verb that joins ten thousand: each look reads a whole table.
        """
        self.explanation: Explanation | None = None
        """What the last join, leave or change of sources did; a tap makes it say more."""
        self._deed: Deed | None = None
        self._reports: tuple[Heard, ...] = ()

    def watch_join(self, endpoint: Endpoint, interfaces: Sequence[Interface]) -> Watched:
        """Look on before the endpoint is joined; raises `McastError` for what could not be."""
        if not self.is_on:
            return Watched(None, self._explain)
        interface = joining_interface(endpoint, joinable_kind(endpoint, interfaces), interfaces)
        return Watched(Witness(endpoint.address, interface, self._holding), self._explain)

    def watch(self, group: Group) -> Watched:
        """Look on before something is done to a group of ours."""
        witness = Witness(group.endpoint.address, group.interface, self._holding) if self.is_on else None
        return Watched(witness, self._explain)

    def _explain(self, deed: Deed) -> None:
        self._deed, self._reports = deed, ()
        self.explanation = explain(deed)
        self._tell(Explained(self.explanation))

    def hear(self, reports: Sequence[Heard]) -> None:
        """Say more of the last deed: `reports` are membership messages of this host that a tap saw leave."""
        if self._deed is None:
            return
        self._reports = (*self._reports, *reports)[-MOST_REPORTS:]
        explanation = explain(self._deed, self._reports)
        if explanation != self.explanation:
            self.explanation = explanation
            self._tell(Explained(explanation))


class Watched:
    """Something about to be done: to be told what it was once the kernel took it, and then explained.

    Without a witness nobody wants to know, and nothing is.
    """

    def __init__(self, witness: Witness | None, explain_deed: Callable[[Deed], None]) -> None:
        self._witness = witness
        self._explain = explain_deed

    def joined(self, groups: Sequence[Group]) -> None:
        """Take note of a run of groups that were joined in one go."""
        if self._witness is not None:
            self._explain(self._witness.of_join(groups[0], len(groups) - 1))

    def left(self, group: Group, before: SourceFilter | None) -> None:
        """Take note that the group was left; `before` is the filter it had."""
        if self._witness is not None:
            self._explain(self._witness.of_leave(group, before))

    def changed(self, group: Group, change: SourceChange, before: SourceFilter | None) -> None:
        """Take note that the group's sources were changed; `before` is the filter it had."""
        if self._witness is not None:
            self._explain(self._witness.of_change(group, change, before))
