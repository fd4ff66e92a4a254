"""What a person does to the source filter of a group, and the filter that this makes.

Refused is a change that does not fit the mode, which the kernel would answer with a bare EINVAL; the remedy
is the command that does what may have been meant. Pure: nothing is set here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.wire.membership.source_filter import FilterMode, SourceFilter

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address


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


def apply_change(current: SourceFilter, change: SourceChange, attempted: str, *, family: int) -> SourceFilter:
    """Return the filter that `change` makes of `current`; `attempted` says in an error what was tried.

    Raises `UsageError` for a source of the wrong family, a change that is none, and one that the mode
    does not allow.
    """
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
