"""Join a place on its terms: whose packets are welcome, and how the group is sent to from then on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.net.intake import Admission
from mcast_tui.net.interfaces import resolve_interface

if TYPE_CHECKING:
    from mcast_tui.services.desk import Desk
    from mcast_tui.services.group import Group
    from mcast_tui.services.node import Node
    from mcast_tui.wire.place import Place


def admission_of(place: Place) -> Admission | None:
    """Return whose packets are welcome there; None where the settings say it."""
    return Admission(place.ranges, place.source_port) if place.is_filtered else None


async def join_place(node: Node, desk: Desk, place: Place) -> list[Group]:
    """Join every group of the place, or none; remember on the desk how they are sent to.

    Raises `McastError`, also for a receive buffer of its own: that is one for the whole run; and for a
    destination of its own: what is said at a place goes to that place.
    """
    if place.destination is not None:
        raise UsageError(
            f"talk at {place}",
            f"its address hears there, and sends to {place.destination}",
            remedy="Use mcast-tui socat for it, or let both be the same group and port.",
        )
    if place.receive_buffer not in {None, node.settings.receive_buffer}:
        raise UsageError(
            f"join {place}",
            f"its receive buffer of {place.receive_buffer} bytes cannot differ from that of the run",
            remedy=f"Start with --receive-buffer {place.receive_buffer}, or leave rcvbuf out.",
        )
    outgoing = resolve_interface(place.outgoing, node.interfaces) if place.outgoing else None
    groups = await node.join(desk.placed(place.endpoint), admission_of(place), place.sources)
    for group in groups:
        options = desk.options(group)
        desk.set_options(
            group,
            replace(
                options,
                hop_limit=options.hop_limit if place.hop_limit is None else place.hop_limit,
                loop=options.loop if place.loop is None else place.loop,
                ifindex=outgoing.index if outgoing else options.ifindex,
                traffic_class=place.traffic_class,
            ),
        )
    return groups
