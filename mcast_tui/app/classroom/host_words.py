"""What a host's box says: who it is, what it joined and hears, what it sends, and what is set on it.

Pure: each line is texts with their styles, cut to a width by who draws it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui import human
from mcast_tui.app.fit import MUTED
from mcast_tui.services.lab.classroom.scene import NO_SOCKET, RP_FILTER, received

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.app.classroom.canvas import Line
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.parts import Member
    from mcast_tui.services.lab.classroom.picture import HostState, MemberState, SenderState
    from mcast_tui.services.lab.classroom.scene import Scene
    from mcast_tui.wire.literal import Address

MODES = ("off", "strict", "loose")
"""Of rp_filter, by its number."""
DROPPED = {RP_FILTER: "rp_filter refuses", NO_SOCKET: "reaches no socket"}


def name_of(host: HostState) -> str:
    """Return what a host is called: its number, and what it is beside a host."""
    roles = [
        role for role, is_so in (("router", host.routes is not None), ("querier", is_querier(host))) if is_so
    ]
    return " ".join((f"host{host.number}", *roles))


def is_querier(host: HostState) -> bool:
    """Tell whether our querier runs there."""
    return host.queries is not None


def version_of(host: HostState, interface: str) -> str:
    """Return which IGMP a host speaks there, as its kernel says; empty when it says nothing."""
    spoken = {row.igmp_version for row in host.memberships if row.interface == interface} - {None}
    return f"IGMPv{max(filter(None, spoken))}" if spoken else ""


def place_lines(host: HostState, scene: Scene, width: int, glyphs: Glyphs) -> list[Line]:
    """Return a line for what no program gets, for each member, who hears something first, and each sender."""
    members = [state for state in scene.picture.members.values() if state.member.host == host.number]
    senders = [state for state in scene.picture.senders.values() if state.sender.host == host.number]
    dropped = [(counter, scene.drop_rates.get((host.number, counter))) for counter in DROPPED]
    members.sort(
        key=lambda state: (
            not scene.member_rates.get(state.member.name) and not is_starved(state.member, scene)
        )
    )
    return [
        *(_drop_line(host, counter, rate, width, glyphs) for counter, rate in dropped if rate),
        *(_member_line(state, scene, width, glyphs) for state in members),
        *(_sender_line(state, scene.sender_rates.get(state.sender.name), width, glyphs) for state in senders),
    ]


def _drop_line(host: HostState, counter: str, rate: float, width: int, glyphs: Glyphs) -> Line:
    """Return ``rp_filter refuses  20/s``."""
    what = f"{glyphs.warning} {DROPPED[counter]}"
    return _spread((what,), "bold $warning", rate, host.counters.get(counter, 0), width, glyphs)


def _member_line(state: MemberState, scene: Scene, width: int, glyphs: Glyphs) -> Line:
    """Return ``joined 239.1.2.3  20/s``; what it hears stands at the right."""
    member, rate = state.member, scene.member_rates.get(state.member.name)
    lengths = [f"joined {member.group}" if member.group is not None else f"hears port {member.port}"]
    if member.source is not None:
        source = brief(member.source)
        lengths = [
            f"joined {member.group} from {source}",
            f"joined {source},{member.group}",
            f"{source},{member.group}",
        ]
    if is_starved(member, scene):
        lengths, style = [f"{glyphs.warning} {what}" for what in lengths], "bold $warning"
    else:
        style = "$success" if rate else ""
    return _spread(lengths, style, rate, received(state), width, glyphs)


def is_starved(member: Member, scene: Scene) -> bool:
    """Tell whether what it wants is sent, and a member hears none of it: what a class is to look at."""
    senders = (state.sender for state in scene.picture.senders.values())
    return scene.member_rates.get(member.name) == 0 and any(
        (sender.to, sender.port) == (member.group, member.port)
        and member.source in {None, sender.comes_from}
        and scene.sender_rates.get(sender.name)
        for sender in senders
    )


def _sender_line(state: SenderState, rate: float | None, width: int, glyphs: Glyphs) -> Line:
    sender = state.sender
    style = "bold $warning" if state.errno and not rate else "$secondary" if rate else ""
    words, brief_words = f"sends {sender.to}", f"{glyphs.to} {sender.to}"
    lengths = [words]
    if sender.source is not None:
        source = brief(sender.source)
        lengths = [f"{words} from {source}", f"{source} {brief_words}", words]
    elif sender.to.is_multicast:
        lengths = [f"{words} ttl {sender.ttl}", f"{brief_words} ttl {sender.ttl}", words]
    return _spread(lengths, style, rate, state.sent, width, glyphs)


def _spread(
    lengths: Sequence[str], style: str, rate: float | None, total: int, width: int, glyphs: Glyphs
) -> Line:
    """Return words at the left, a rate and a total at the right, as much of it as there is room for."""
    speed, count = human.format_rate(rate), human.format_compact(total)
    weight = f"bold {style}" if rate else style or MUTED
    shortest = lengths[-1]
    for what, right in (
        *((what, f" {speed:>6}") for what in lengths),
        (shortest, f" {speed}"),
        (shortest, ""),
    ):
        if len(what) + len(right) <= width:
            break
    if len(what) + len(right) + 7 <= width:
        right = f" {count:>6}{right}"
    room = max(0, width - len(right))
    return ((shortened(what, room, glyphs).ljust(room), weight), (right, weight))


def settings_words(host: HostState, interfaces: Sequence[str]) -> str:
    """Return what is set on a host's interfaces that is not so by itself; empty when nothing is."""
    said = []
    for interface in interfaces:
        where = f" on {interface}" if len(interfaces) > 1 else ""
        setting = host.settings.get(interface)
        if setting and setting.rp_filter:
            said.append(f"rp_filter {MODES[setting.rp_filter]}{where}")
        if setting and setting.force_igmp_version:
            said.append(f"IGMPv{setting.force_igmp_version} forced{where}")
    return ", ".join(said)


def shortened(text: str, room: int, glyphs: Glyphs) -> str:
    """Return a text in at most `room` cells, with a mark where it was cut."""
    if len(text) <= room:
        return text
    return text[: max(0, room - 1)] + glyphs.ellipsis * (room > 0)


def brief(address: Address) -> str:
    """Return the end of an address on one of our LANs: ``.10.1`` of 192.168.10.1."""
    text = str(address)
    return text.removeprefix("192.168") if text.startswith("192.168.") else text
