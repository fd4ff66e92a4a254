"""Whom the sentences of a lesson may name: its members, senders, hosts and LANs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mcast_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcast_tui.services.lab.classroom.parts import Member, Sender

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Cast:
    """The members and senders of a lesson by name, and which hosts are on which LAN."""

    members: Mapping[str, Member]
    senders: Mapping[str, Sender]
    lans: tuple[tuple[int, ...], ...]

    def member(self, name: str) -> Member:
        """Return a member; raises UsageError."""
        return _named(self.members, name, "member")

    def sender(self, name: str) -> Sender:
        """Return a sender; raises UsageError."""
        return _named(self.senders, name, "sender")

    def host(self, number: str) -> int:
        """Return the number of a host; raises UsageError when the lesson has none of it."""
        if not any(int(number) in hosts for hosts in self.lans):
            raise UsageError(f"use host {number}", f"the hosts are 1 to {max(map(max, self.lans))}")
        return int(number)

    def lan(self, number: str | None) -> int:
        """Return the number of a LAN, the first when none is named; raises UsageError when there is none."""
        if number is not None and int(number) >= len(self.lans):
            raise UsageError(f"use LAN {number}", f"the LANs are 0 to {len(self.lans) - 1}")
        return int(number or 0)

    def place(self, number: str, lan: str | None) -> tuple[int, int]:
        """Return a host and a LAN it is on: the first it is on when none is named; raises UsageError."""
        host = self.host(number)
        on = [index for index, hosts in enumerate(self.lans) if host in hosts]
        chosen = on[0] if lan is None else int(lan)
        if chosen not in on:
            raise UsageError(f"use host {number} on LAN {chosen}", f"it is on LAN {', '.join(map(str, on))}")
        return host, chosen


def _named(parts: Mapping[str, Part], name: str, noun: str) -> Part:
    if name not in parts:
        there = ", ".join(parts) or "none"
        raise UsageError(f"use the {noun} {name!r}", f"the lesson has no such {noun}; it has {there}")
    return parts[name]
