"""The source filter of a group: a mode and a list of sources, and what a host reports of it.

RFC 3376 section 2 and RFC 3810 section 3: INCLUDE {A, B} hears only these, EXCLUDE {A, B} hears all but
these.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from mcast_tui.wire.membership.message import GroupRecord, RecordType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcast_tui.wire.literal import Address


class FilterMode(IntEnum):
    """MCAST_EXCLUDE and MCAST_INCLUDE of RFC 3678, by their numbers."""

    EXCLUDE = 0
    INCLUDE = 1


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """What a socket, or an interface, hears of a group."""

    mode: FilterMode
    sources: tuple[Address, ...] = ()

    def __str__(self) -> str:
        return f"{self.mode.name} {{{', '.join(map(str, self.sources))}}}"

    def admits(self, source: Address) -> bool:
        """Tell whether what `source` sends passes."""
        return (source in self.sources) == (self.mode is FilterMode.INCLUDE)


ANY_SOURCE = SourceFilter(FilterMode.EXCLUDE)
NOBODY = SourceFilter(FilterMode.INCLUDE)
"""Hearing no source is not being a member: RFC 3376 sections 2 and 5.1."""


def merge(filters: Sequence[SourceFilter]) -> SourceFilter:
    """Return the filter of an interface whose members have these, RFC 3376 section 3.2; one at least."""
    included = {s: None for each in filters if each.mode is FilterMode.INCLUDE for s in each.sources}
    excluding = [each.sources for each in filters if each.mode is FilterMode.EXCLUDE]
    if not excluding:
        return SourceFilter(FilterMode.INCLUDE, tuple(included))
    by_all = [s for s in excluding[0] if all(s in sources for sources in excluding) and s not in included]
    return SourceFilter(FilterMode.EXCLUDE, tuple(by_all))


def state_change(group: Address, before: SourceFilter, after: SourceFilter) -> tuple[GroupRecord, ...]:
    """Return the records a host reports when its filter for `group` on an interface changes so.

    RFC 3376 section 5.1 and RFC 3810 section 6.1; none when nothing changes.
    """
    old, new = set(before.sources), set(after.sources)
    if before.mode is not after.mode:
        is_exclude = after.mode is FilterMode.EXCLUDE
        kind = RecordType.CHANGE_TO_EXCLUDE_MODE if is_exclude else RecordType.CHANGE_TO_INCLUDE_MODE
        return (GroupRecord(kind, group, _ordered(new)),)
    gained, lost = new - old, old - new
    if after.mode is FilterMode.EXCLUDE:
        gained, lost = lost, gained
    records = ((RecordType.ALLOW_NEW_SOURCES, gained), (RecordType.BLOCK_OLD_SOURCES, lost))
    return tuple(GroupRecord(kind, group, _ordered(sources)) for kind, sources in records if sources)


def _ordered(sources: Iterable[Address]) -> tuple[Address, ...]:
    return tuple(sorted(sources, key=int))
