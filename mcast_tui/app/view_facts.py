"""What the widgets are told, gathered from the node and the desk: one function per widget.

They read and arrange; they change nothing and draw nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from mcast_tui.app.fit import compact
from mcast_tui.app.screens.start import presets
from mcast_tui.app.widgets.header import HeaderFacts
from mcast_tui.app.widgets.sidebar import GroupEntry
from mcast_tui.net.interfaces import typeable
from mcast_tui.safe import safe_text
from mcast_tui.services.completion import Vocabulary
from mcast_tui.services.desk import ALL_TRAFFIC, ON_THE_WIRE
from mcast_tui.wire.address import Endpoint
from mcast_tui.wire.socat.line import peer_command

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.screens.start import Preset
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.net.kernel import KernelView
    from mcast_tui.services.desk import Desk
    from mcast_tui.services.group import Group
    from mcast_tui.services.membership.view import MembershipSource
    from mcast_tui.services.node import Node
    from mcast_tui.services.tap.streams import Stream
    from mcast_tui.services.tap.traffic import TapTraffic
    from mcast_tui.wire.literal import Address

SILENT_AFTER_S = 10.0
"""A group joined so long ago that its silence deserves a hint."""


def header_facts(node: Node, desk: Desk, note: str) -> HeaderFacts:
    """Return the header: the selected group's interface, else the one a join would use."""
    interface = desk.selected.interface if desk.selected else desk.join_interface
    unnamed = "every interface" if desk.selected else "no interface"
    return HeaderFacts(
        interface=safe_text(interface.name) if interface else unnamed,
        address=_address_of(interface, desk.selected),
        groups=len(node.groups),
        snapshot=node.monitor.snapshot(),
        skipped=node.chat.skipped(),
        note=note,
    )


def wire_header_facts(node: Node, traffic: TapTraffic, note: str) -> HeaderFacts:
    """Return the header while the wire is selected: what the tap saw, and what it lost."""
    state = traffic.tap.state
    return HeaderFacts(
        interface=safe_text(", ".join(state.interfaces)) if state.is_open else "no tap",
        address=safe_text(f"tap {state.way}") if state.is_open else "",
        groups=len(node.groups),
        snapshot=traffic.snapshot(),
        note=note,
        is_tapped=True,
        tap=traffic.tap.known_counts,
    )


def wire_entry(traffic: TapTraffic) -> GroupEntry:
    """Return the sidebar's entry for what the tap sees; while it is closed, with the reason."""
    state, seen = traffic.tap.state, traffic.snapshot()
    closed = state.closed
    said = f"no tap: {closed.reason}" if closed is not None else f"tap on {', '.join(state.interfaces)}"
    return GroupEntry(
        ON_THE_WIRE,
        "On the wire",
        seen.packets_per_s if state.is_open else None,
        seen.history if state.is_open else (),
        kernel=safe_text(said),
        is_off=not state.is_open,
    )


def stream_endpoint(stream: Stream, interface: str | None) -> str:
    """Return what to join for a stream, as `/join` reads it; a tagged one is on another interface."""
    endpoint = Endpoint(stream.destination, stream.port or 0, protocol=stream.protocol)
    if interface is None or stream.vlan or not stream.destination.is_multicast:
        return str(endpoint)
    return f"{endpoint} if {typeable(interface, stream.ifindex)}"


def _address_of(interface: Interface | None, group: Group | None) -> str:
    if interface is None:
        return ""
    family = group.endpoint.family if group else 4
    of_family = [each for each in interface.addresses if each.version == family]
    return str(next(iter(of_family or interface.addresses), ""))


def group_labels(node: Node) -> dict[int, str]:
    """Return each group's address and port by its id; all of its endpoint where two would look alike."""
    return {group.id: group_label(node, group) for group in node.groups}


def group_label(node: Node, group: Group) -> str:
    """Return a group's address and port; all of its endpoint where another one would look alike."""
    if node.groups.count_at(group.endpoint) > 1:
        return safe_text(str(group.endpoint))
    return str(replace(group.endpoint, interface=None, source=None))


def overdue_groups(source: MembershipSource) -> frozenset[tuple[int, Address]]:
    """Return interface and group of those whose querier is overdue, so that switches will forget us."""
    return frozenset((prune.ifindex, prune.group) for prune in source.prunes() if prune.is_overdue)


def group_entries(
    node: Node,
    kernel: Mapping[int, KernelView | None],
    overdue: Container[tuple[int | None, Address]] = (),
) -> tuple[GroupEntry, Sequence[int], Callable[[int], GroupEntry]]:
    """Return the sidebar's entry for all traffic, the ids of the groups, and what makes one's entry.

    Made when it is looked at: of ten thousand groups few are on screen.
    """
    snapshot = node.monitor.snapshot()

    def entry_of(group_id: int) -> GroupEntry:
        group = node.groups.by_id(group_id)
        if group is None:  # left since; the list is told so in a moment
            return GroupEntry(group_id, "", None)
        rates = snapshot.groups.get(group_id)
        return GroupEntry(
            group_id,
            group_label(node, group),
            rates.packets_per_s if rates else None,
            node.monitor.history(group_id),
            node.chat.unread(group_id),
            membership_words(group, kernel),
            "query overdue" if (group.ifindex, group.endpoint.address) in overdue else "",
        )

    total = GroupEntry(
        ALL_TRAFFIC, "All traffic", snapshot.packets_per_s, unread=node.chat.unread(ALL_TRAFFIC)
    )
    return total, node.groups.ids(), entry_of


def membership_words(group: Group, kernel: Mapping[int, KernelView | None]) -> str:
    """Return what the kernel says of a membership; not having asked it differs from its saying no.

    It speaks of all programs of this host together: where our own filter is another one, that is added.
    """
    if group.is_broadcast:
        return "no membership"
    if group.id not in kernel:
        return "membership not read"
    words = kernel_words(kernel[group.id]) or "not a member any more"
    own = compact(group.chosen_filter) if group.chosen_filter else ""
    return words if own in words else f"{words}, here {own}"


def kernel_words(view: KernelView | None) -> str:
    """Return the kernel's answer as the sidebar shows it: ``users 2 EXCLUDE{}``."""
    if view is None:
        return ""
    return f"users {view.users} {compact(view.filter or 'filter not told')}"


def start_presets(desk: Desk, source: MembershipSource) -> tuple[tuple[Preset, ...], Interface | None]:
    """Return what the start page offers, and what of it other programs of this host are members of."""
    interface = desk.join_interface
    offered = presets(interface)
    if interface is None:
        return offered, None
    try:
        joined = {row.group for row in source.rows() if row.ifindex == interface.index and row.others}
    except OSError:
        return offered, interface  # unreadable is unknown: nothing is said
    return tuple(
        replace(preset, joined_by="joined by another program")
        if preset.endpoint.address in joined
        else preset
        for preset in offered
    ), interface


WIRE_HAS_NO_CHAT = Content(
    "There is no conversation on the wire, and nothing can be sent there: it is only listened to.\n\n"
    "Select a group to talk in it; J on one of the streams joins its group."
)


def chat_emptiness(
    group: Group | None, kernel: Mapping[int, KernelView | None], glyphs: Glyphs, now: float
) -> Content:
    """Return what the chat says while nobody has said anything."""
    if group is None:
        return Content(
            "What is sent to this host alone is shown here.\n\n"
            "Select a group to talk to everybody in it; /msg ADDRESS text writes to one."
        )
    lines = [Content.assemble("Nobody has said anything on ", (group.label, "bold $foreground"), " yet.")]
    is_lost = not group.is_broadcast and group.id in kernel and kernel[group.id] is None
    if is_lost:  # as after the interface was taken away
        lost = "not a member any more - joined again once its interface is back."
        lines.append(Content.assemble((f"{glyphs.warning} ", "$warning"), lost))
    elif now - group.joined_at / 1e9 > SILENT_AFTER_S:
        lines.append(_silence(group, glyphs, is_read=group.id in kernel))
    lines += [
        Content(),
        Content("Type below and press Enter. On another host, to talk back:"),
        Content(),
        Content.styled(peer_command(replace(group.endpoint, interface=None)), "$foreground"),
    ]
    return Content("\n").join(lines)


def _silence(group: Group, glyphs: Glyphs, *, is_read: bool) -> Content:
    if not (group.is_broadcast or is_read):
        return Content("Silence so far; the kernel's word on the membership could not be read.")
    held = "receiving" if group.is_broadcast else "the membership is held"
    return Content.assemble((f"{glyphs.ok} ", "$success"), f"{held}; silence so far.")


def vocabulary(node: Node, desk: Desk) -> Vocabulary:
    """Return the words a command line can be completed with."""
    offered = presets(desk.join_interface)
    peers = [peer for peer in node.monitor.peers(desk.selected) if not peer.own]
    named = desk.selected.filter.sources if desk.selected and desk.selected.filter else ()
    return Vocabulary(
        groups=[(str(preset.endpoint), preset.name) for preset in offered],
        joined=[(safe_text(str(group.endpoint)), "joined") for group in node.groups],
        peers=[
            (safe_text(str(desk.endpoint_of(peer.address, peer.port, peer.ifindex, peer.protocol))), "")
            for peer in peers
        ],
        interfaces=[
            (safe_text(each.name), " ".join(str(address) for address in each.addresses[:2]))
            for each in node.interfaces
            if each.is_up
        ],
        sources=[
            (str(address), "in the filter" if address in named else "")
            for address in dict.fromkeys((*named, *(peer.address for peer in peers)))
        ],
    )
