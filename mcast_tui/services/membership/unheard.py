"""Groups that were joined again and of which nothing has arrived since: when to announce them once more.

A switch port may begin to forward long after it has its carrier: spanning tree listens and learns for 30 s
(IEEE 802.1D). The two reports of a join are lost in that time, and a switch that snoops then keeps the group
from us until a querier asks, which not every LAN has.

Without a clock: asked about once a second. What this host sends to its own groups comes back by no switch, so
it is no sign that they arrive; it is told by its source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire.columns import address_words, is_raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from typing import TypeAlias

    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.group import Group
    from mcast_tui.services.groups import Groups
    from mcast_tui.wire.literal import Address

    _Place: TypeAlias = tuple[int, int, int]
    """Where packets are sent: the two words of the address; interface, whether raw, port or protocol."""

AGAIN_AFTER_S = (2.0, 10.0, 35.0)
"""Since it was joined again: a port that was a little late; one that needs two of its shortest delays, or a
wireless bridge; and spanning tree by its defaults. Who then hears nothing has no sender, or another fault."""
MOST_AT_ONCE = 500
"""Announced at one look, 15 ms of work; the others at the next."""
NEWEST_ROWS = 16_384
"""Looked at for who sent: 10 ms of work. Where more came, a group that had packets is taken to arrive."""
_RAW = 1 << 16
"""In the number of a place: it is a protocol, not a port."""


@dataclass(eq=False, slots=True)
class _Round:
    """Groups that were joined again at one time."""

    begun_s: float
    head: int
    """Of the ring, then."""
    packets: dict[Group, int]
    """What each had counted then."""
    times: int = 0
    due: list[Group] = field(default_factory=list)


class Unheard:
    """Keeps in mind which groups were joined again, until something arrives or enough was tried."""

    def __init__(self, groups: Groups, ring: PacketRing) -> None:
        self._groups = groups
        self._ring = ring
        self._rounds: list[_Round] = []

    def watch(self, groups: Iterable[Group], now: float) -> None:
        """Take note that these were joined again at monotonic time `now`; what was noted before is over."""
        packets = {group: group.intake.tally.packets for group in groups}
        for each in self._rounds:
            for group in packets.keys() & each.packets.keys():
                del each.packets[group]
        self._rounds.append(_Round(now, self._ring.head, packets))
        self._forget_done()

    def due(self, now: float, interfaces: Mapping[int, Interface]) -> dict[Group, float]:
        """Return the groups that are to be announced now, and for how many seconds nothing of each arrived.

        Let go of are those that arrive, that were left, and whose interface, of `interfaces` by index, is
        not there or has no carrier: once it is back they are joined again anyway.
        """
        chosen: dict[Group, float] = {}
        for each in self._rounds:
            is_last = each.times == len(AGAIN_AFTER_S)
            if not each.due and not is_last and now >= each.begun_s + AGAIN_AFTER_S[each.times]:
                each.times += 1
                each.due = list(each.packets)
            self._let_go(each, interfaces)
            room = MOST_AT_ONCE - len(chosen)
            chosen.update(dict.fromkeys(each.due[:room], now - each.begun_s))
            del each.due[:room]
        self._forget_done()
        return chosen

    def _let_go(self, each: _Round, interfaces: Mapping[int, Interface]) -> None:
        """Let go of the groups that are due and need no announcing."""
        heard: AbstractSet[_Place] | None = None
        for group in each.due:
            before = each.packets.get(group)  # None: joined again once more
            interface = interfaces.get(group.ifindex or 0)
            is_here = interface is not None and interface.has_carrier
            if before is not None and is_here and self._groups.by_id(group.id) is group:
                if group.intake.tally.packets == before:
                    continue
                if heard is None:
                    own = [address.ip for other in interfaces.values() for address in other.addresses]
                    heard = _places_sent_to(self._ring, each.head, own)
                if _place_of(group) not in heard and self._ring.head - each.head <= NEWEST_ROWS:
                    continue  # copies of our own
            each.packets.pop(group, None)
        each.due = [group for group in each.due if group in each.packets]

    def _forget_done(self) -> None:
        last = len(AGAIN_AFTER_S)
        self._rounds = [each for each in self._rounds if each.packets and (each.due or each.times < last)]


def _place_of(group: Group) -> _Place:
    endpoint = group.endpoint
    number = endpoint.port if endpoint.protocol is None else endpoint.protocol | _RAW
    return (*address_words(endpoint.address), number | (group.ifindex or 0) << 32)


def _places_sent_to(ring: PacketRing, since: int, own: Iterable[Address]) -> AbstractSet[_Place]:
    """Return where packets went to that others than this host sent, since row `since` of the ring."""
    names = ("source", "destination", "destination_port", "ifindex", "flags")
    _, columns = ring.read(max(since, ring.head - NEWEST_ROWS), ring.head, names)
    source = columns["source"]
    is_foreign = np.ones(len(source), bool)
    for high, low in map(address_words, (*own, IPv4Address(0))):  # from 0.0.0.0 sends who has no address
        is_foreign &= (source[:, 0] != high) | (source[:, 1] != low)
    number = columns["destination_port"].astype(np.uint64)
    number |= is_raw(columns).astype(np.uint64) * np.uint64(_RAW)
    number |= columns["ifindex"].astype(np.uint64) << np.uint64(32)
    places = np.column_stack((columns["destination"], number))[is_foreign]
    return {(high, low, rest) for high, low, rest in np.unique(places, axis=0).tolist()}
