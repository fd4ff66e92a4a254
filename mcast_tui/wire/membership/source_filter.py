"""The source filter of a group: a mode and a list of sources, and how a person changes it.

RFC 3376 section 2 and RFC 3810 section 3: INCLUDE {A, B} hears only these, EXCLUDE {A, B} hears all but
these. Refused is a change that does not fit the mode, which the kernel would answer with a bare EINVAL.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
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


class Change(Enum):
    """What a person does to a filter."""

    ADD = "add"
    DROP = "drop"
    ONLY = "only"
    BLOCK = "block"
    UNBLOCK = "unblock"


@dataclass(frozen=True, slots=True)
class SourceChange:
    """A change, and the sources it is about: one at least, none twice."""

    kind: Change
    sources: tuple[Address, ...]

    def __str__(self) -> str:
        named = ", ".join(map(str, self.sources))
        return f"hear only {named}" if self.kind is Change.ONLY else f"{self.kind.value} {named}"


def apply_change(current: SourceFilter, change: SourceChange, place: str, *, family: int) -> SourceFilter:
    """Return the filter that `change` makes of `current`; `place` says in an error which group it is of.

    Raises `UsageError` for a source of the wrong family, a change that is none, and one that the mode
    does not allow.
    """
    attempted = f"{change} in {place}"
    for source in change.sources:
        if source.version != family:
            raise UsageError(
                attempted, f"{source} is no IPv{family} address", remedy="Group and source are of one family."
            )
    _refuse_other_mode(current, change, attempted)
    held, named = current.sources, change.sources
    match change.kind:
        case Change.ONLY:
            if current.mode is FilterMode.INCLUDE and set(held) == set(named):
                raise UsageError(attempted, "that is so already")
            return SourceFilter(FilterMode.INCLUDE, named)
        case Change.ADD | Change.BLOCK:
            for source in named:
                if source in held:
                    done = "heard" if change.kind is Change.ADD else "blocked"
                    raise UsageError(attempted, f"{source} is {done} already")
            return SourceFilter(current.mode, (*held, *named))
        case Change.DROP | Change.UNBLOCK:
            return _without(current, change, attempted)


def _refuse_other_mode(current: SourceFilter, change: SourceChange, attempted: str) -> None:
    named = ",".join(map(str, change.sources))
    if current.mode is FilterMode.EXCLUDE and change.kind in {Change.ADD, Change.DROP}:
        reason, remedy = "it hears any source", f"/source only {named} hears nobody else."
        if change.kind is Change.DROP:
            remedy = f"/block {named} hears all but that."
        raise UsageError(attempted, f"{reason}: its filter is {current}", remedy=remedy)
    if current.mode is FilterMode.INCLUDE and change.kind in {Change.BLOCK, Change.UNBLOCK}:
        remedy = (
            f"/source {'drop' if change.kind is Change.BLOCK else 'add'} {named} says it for such a group."
        )
        raise UsageError(attempted, f"it hears chosen sources only: its filter is {current}", remedy=remedy)


def _without(current: SourceFilter, change: SourceChange, attempted: str) -> SourceFilter:
    """Take sources off the list; the last one heard cannot go, for that is to leave."""
    for source in change.sources:
        if source not in current.sources:
            done = "heard" if change.kind is Change.DROP else "blocked"
            raise UsageError(attempted, f"{source} is not {done}: the filter is {current}")
    rest = tuple(source for source in current.sources if source not in change.sources)
    if not rest and current.mode is FilterMode.INCLUDE:
        raise UsageError(
            attempted,
            "no source would be left, and to hear nobody is to leave the group",
            remedy="/leave leaves it.",
        )
    return SourceFilter(current.mode, rest)


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
