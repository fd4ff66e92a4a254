"""Who else on the link sends from an address of this host: each is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.services.membership.facts import TimelineEntry, What

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import Heard

MOST_TOLD = 16
"""Anyone can forge both addresses: what is beyond is not told."""


class Impostors:
    """Compares who sent a message with what this host's interfaces are called by."""

    def __init__(self) -> None:
        self._told: set[tuple[int, Address, bytes]] = set()

    def hear(self, heard: Heard, interfaces: Sequence[Interface]) -> Iterator[TimelineEntry]:
        """Take in what came from an address of this host; yield what is new about that.

        Another interface of ours may be on the same LAN, so all their MAC addresses are this host's.
        """
        who = heard.ifindex, heard.source, heard.source_mac
        ours = {each.mac for each in interfaces if each.mac}
        if not ours or heard.source_mac in ours or who in self._told or len(self._told) == MOST_TOLD:
            return
        self._told.add(who)
        name = next((each.name for each in interfaces if each.index == heard.ifindex), None)
        mac = heard.source_mac.hex(":")
        text = (
            f"{heard.source} is this host's address, and {mac} sends from it, too: "
            "what is meant for the one may reach the other"
        )
        if heard.source.version == 4:  # fib_validate_source() in net/ipv4/fib_frontend.c
            text += ", and this host ignores what that one asks"
        yield TimelineEntry(heard.received_at, What.ALARM, True, heard.ifindex, name, None, mac, text, "tap")
