"""What is drawn of the LAN: the newest picture, and what passed in the second before it.

Pure. A rate needs two pictures; until there are two it is unknown, and shown so.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcast_tui.services.lab.classroom.picture import LinkRates, LinkState, MemberState, Picture

RP_FILTER, NO_SOCKET = "TcpExt.IPReversePathFilter", "Udp.IgnoredMulti"
"""Counters of packets that arrived and that no program got: refused by their source; wanted by no socket."""
WINDOW_S = 1.0
"""What rates are taken over: long enough for a sender of a few packets a second to be steady."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing to draw."""

    picture: Picture
    rates: Mapping[tuple[int, int], LinkRates] = field(default_factory=dict)
    """By host and LAN, in packets a second; empty while unknown."""
    member_rates: Mapping[str, float] = field(default_factory=dict)
    """What each member hears, in packets a second."""
    sender_rates: Mapping[str, float] = field(default_factory=dict)
    drop_rates: Mapping[tuple[int, str], float] = field(default_factory=dict)
    """What each host's kernel drops, by host and counter, in packets a second."""
    selected: int = 1
    """The host that keys act on."""
    pulse: int = 0
    """Counts the frames: what moves along a cable moves by it."""

    @property
    def slots(self) -> tuple[LinkState, ...]:
        """The cables from top to bottom: those of a LAN together, a host on two between their LANs."""
        lans: dict[int, list[int]] = {}
        for link in self.picture.links:
            lans.setdefault(link.host, []).append(link.lan)
        return tuple(
            sorted(
                self.picture.links,
                key=lambda link: (sum(lans[link.host]) / len(lans[link.host]), link.host, link.lan),
            )
        )


class Watch:
    """The pictures of the last second."""

    def __init__(self) -> None:
        self._pictures: deque[Picture] = deque()
        self._pulse = 0

    @property
    def newest(self) -> Picture | None:
        return self._pictures[-1] if self._pictures else None

    def add(self, picture: Picture) -> None:
        """Take a newer picture; those older than the window, but for the one that begins it, go."""
        self._pictures.append(picture)
        while len(self._pictures) > 2 and self._pictures[1].taken_at <= picture.taken_at - WINDOW_S:
            self._pictures.popleft()
        self._pulse += 1

    def scene(self, selected: int) -> Scene | None:
        """Return what is to be drawn now; None before the first picture."""
        if self.newest is None:
            return None
        if len(self._pictures) < 2:
            return Scene(self.newest, selected=selected, pulse=self._pulse)
        now, before = self._pictures[-1], self._pictures[0]
        seconds = max(now.taken_at - before.taken_at, 1e-3)
        return Scene(
            now,
            now.rates_since(before),
            _rates(_heard(now), _heard(before), seconds),
            _rates(_sent(now), _sent(before), seconds),
            _drop_rates(now, before, seconds),
            selected,
            self._pulse,
        )


def received(state: MemberState) -> int:
    """Return how many packets a member has heard since it joined."""
    return sum(row.received for row in state.heard) + state.uncounted


def _drop_rates(now: Picture, before: Picture, seconds: float) -> dict[tuple[int, str], float]:
    return {
        (new.number, counter): (new.counters.get(counter, 0) - old.counters.get(counter, 0)) / seconds
        for new, old in zip(now.hosts, before.hosts, strict=True)
        for counter in (RP_FILTER, NO_SOCKET)
    }


Counts = dict[tuple[str, int], int]
"""By name and serial: who begins anew is another, and begins at zero."""


def _heard(picture: Picture) -> Counts:
    return {(name, state.serial): received(state) for name, state in picture.members.items()}


def _sent(picture: Picture) -> Counts:
    return {(name, state.serial): state.sent for name, state in picture.senders.items()}


def _rates(now: Counts, before: Counts, seconds: float) -> dict[str, float]:
    """Return what was counted in a second, by name."""
    return {key[0]: (count - before.get(key, 0)) / seconds for key, count in now.items()}
