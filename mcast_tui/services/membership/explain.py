"""What a join, a leave or a change of sources just did, step by step, each step with its evidence.

Pure: a `Deed` goes in, an `Explanation` comes out. Seen is what the kernel answered, what its tables said
before and after, and what a tap saw leave. What follows from that by the standards is inferred, and says
by which section. What neither shows is said to be unknown.
"""

from __future__ import annotations

from errno import errorcode
from typing import TYPE_CHECKING

from mcast_tui.services.membership.deed import Act
from mcast_tui.services.membership.facts import Explanation, Step, is_solicited_node, kernel_users
from mcast_tui.services.membership.wire_steps import wire_steps
from mcast_tui.wire.group_mac import aliases, group_mac
from mcast_tui.wire.membership.message import Protocol
from mcast_tui.wire.membership.source_filter import ANY_SOURCE, FilterMode
from mcast_tui.wire.scope import LIMITED_BROADCAST, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcast_tui.services.membership.deed import Deed
    from mcast_tui.wire.membership.message import Heard

_OLD = {Protocol.IGMPV1, Protocol.IGMPV2, Protocol.MLDV1}
"""They have no words for sources."""


def explain(deed: Deed, heard: Iterable[Heard] = ()) -> Explanation:
    """Return what `deed` did; `heard` are membership messages of this host that a tap saw since."""
    if deed.is_broadcast:
        return Explanation(deed.at, _title(deed), tuple(_broadcast_steps(deed)))
    steps = (
        *_socket_steps(deed),
        *_table_steps(deed),
        *_version_steps(deed),
        *wire_steps(deed, heard),
        *_card_steps(deed),
        *_switch_steps(deed),
    )
    return Explanation(deed.at, _title(deed), steps)


def _title(deed: Deed) -> str:
    on = f" on {deed.interface.name}" if deed.interface else ""
    more = f" and {deed.further} more" if deed.further else ""
    if deed.is_broadcast:
        verb = "stopped listening" if deed.act is Act.LEAVE else "listen"
        return f"You {verb} to {deed.endpoint.address}{on}."
    if deed.change is not None:
        return f"You said: {deed.change}, of {deed.endpoint.address}{on}."
    return f"You {deed.act.value} {deed.endpoint.address}{more}{on}."


def _socket_steps(deed: Deed) -> Iterator[Step]:
    """Say what was asked of the kernel, what it answered, and what it then says of the socket."""
    for option, number in deed.asked:
        evidence = f"setsockopt {option}"
        if number == 0:
            yield Step(True, f"{option} for interface index {_index(deed)}: the kernel took it.", evidence)
        else:
            reason = errorcode.get(number, str(number))
            yield Step(True, f"{option}: {reason}, the membership was gone already.", evidence)
    evidence = "getsockopt MCAST_MSFILTER"
    if deed.act is Act.FILTER:
        yield Step(
            True, f"The socket's filter was {deed.socket_before}, and is {deed.socket_after}.", evidence
        )
    elif deed.act is Act.JOIN and deed.socket_after is not None:
        if deed.socket_after == ANY_SOURCE:
            meaning = "any source is heard"
        elif deed.socket_after.mode is FilterMode.INCLUDE:
            meaning = "only these are heard"
        else:
            meaning = "all but these are heard"
        yield Step(True, f"The socket's filter is {deed.socket_after}: {meaning}.", evidence)


def _table_steps(deed: Deed) -> Iterator[Step]:
    """Say what the kernel's table showed before and after, for all programs of this host together."""
    table = f"/proc/net/{'igmp' if deed.endpoint.family == 4 else 'igmp6'}"
    if deed.before is None or deed.after is None:
        yield Step(False, "The kernel's table could not be read, so what it holds is not known.", table)
        return
    told = f"Users of the group on {_name(deed)}: {deed.before.users} -> {deed.after.users}"
    if deed.after.view is None:
        yield Step(True, f"{told}. This host is no member any more.", table)
        return
    held = deed.after.view.filter or "not told by the tables"
    yield Step(True, f"{told}; the interface's filter: {held}.", f"{table} and mcfilter")
    yield from _holding_steps(deed, deed.after.users - (0 if deed.act is Act.LEAVE else 1), table)


def _holding_steps(deed: Deed, users: int, table: str) -> Iterator[Step]:
    """Say who holds the group beside the socket this is about: `users` of them."""
    group = deed.endpoint.address
    others = users - kernel_users(group, users)
    if users and is_solicited_node(group):
        text = "So the kernel held it, for an address of this host, or another socket did."
        yield Step(False, text, "RFC 4291 section 2.7.1")
    elif users > others:
        text = "The kernel itself holds it, as on each host."
        yield Step(True, text, table)
    if others > 0:
        whose = "another socket" if others == 1 else f"{others} other sockets"
        yield Step(True, f"So {whose} of this host, ours or not, kept the group.", table)


def _version_steps(deed: Deed) -> Iterator[Step]:
    """Say which protocol is in force, and what that costs a filter."""
    protocol, reason = deed.in_force.protocol, deed.in_force.reason
    if protocol is None:
        yield Step(False, f"Which version is spoken on {_name(deed)}: {reason}.", "the kernel's tables")
        return
    origin = "sysctl" if "force_" in reason else "/proc/net/igmp"
    yield Step(True, f"{protocol.value} was in force on {_name(deed)}: {reason}.", origin)
    filters = (deed.socket_before, deed.socket_after)
    if protocol in _OLD and any(each and each.sources for each in filters):
        section = "RFC 3376 section 7.2.1" if protocol.family == 4 else "RFC 3810 section 8.2.1"
        text = (
            f"{protocol.value} has no words for sources: switch and router learn of the group alone, and let "
            "every source through. The kernel here drops the unwanted."
        )
        if scope_of(deed.endpoint.address).name.startswith("SSM"):
            text += " In this range a router may ignore such a report."
            section += ", RFC 4604 section 3.5"
        yield Step(False, text, section)


def _card_steps(deed: Deed) -> Iterator[Step]:
    """Say what the first user, or the last, means for the filter of Ethernet addresses."""
    if deed.before is None or deed.after is None or deed.act is Act.FILTER:
        return
    group = deed.endpoint.address
    mac = group_mac(group)
    evidence = "RFC 1112 sections 6.4 and 7.4" if group.version == 4 else "RFC 2464 section 7"
    if deed.before.users == 0 and deed.after.users > 0:
        shared = len(aliases(group)) - 1
        others = f" That address stands for {shared} other groups, too." if shared > 0 else ""
        yield Step(False, f"{_name(deed)} takes in frames to {mac}.{others}", evidence)
    elif deed.before.users > 0 and deed.after.users == 0:
        text = f"{_name(deed)} need not take in frames to {mac} any more, unless for a group that shares it."
        yield Step(False, text, evidence)


def _switch_steps(deed: Deed) -> Iterator[Step]:
    """Say what switches and routers do with it, which nobody here can see."""
    if deed.before is None or deed.after is None or deed.before.filter == deed.after.filter:
        return
    group = deed.endpoint.address
    scope = scope_of(group).name
    if group.version == 4 and scope == "link-local":
        text = "No switch prunes 224.0.0.0/24 and no router forwards it: it reaches every host of the link."
        yield Step(False, text, "RFC 4541 section 2.1.2")
        return
    is_local = group.version == 6 and scope.endswith("link-local")
    if deed.act is Act.FILTER:
        text = (
            "A switch may still forward by group alone: what the filter keeps out then comes to this port, "
            "and the kernel drops it."
        )
        yield Step(False, text, "RFC 4541 section 2.1.2")
    elif deed.after.view is None:
        yield Step(False, *_leaving(deed))
    elif deed.before.view is None:
        text = (
            "A switch that snoops forwards the group to this port from now on, as long as a querier asks and "
            "this host answers: without, it forgets after 260 s by default."
        )
        timers = "RFC 3376 section 8.4" if group.version == 4 else "RFC 3810 section 9.4"
        yield Step(False, text, f"RFC 4541 section 2.1, {timers}")
        if not is_local:
            yield Step(
                False,
                "A multicast router, where there is one, may fetch the group from other networks.",
                "RFC 3376 section 6.4" if group.version == 4 else "RFC 3810 section 7.4",
            )


def _leaving(deed: Deed) -> tuple[str, str]:
    """Return what becomes of the group at the switch, and the section that says so."""
    is_ipv4 = deed.endpoint.family == 4
    if deed.in_force.protocol is Protocol.IGMPV1:
        return (
            "IGMPv1 has no leave: switch and router go on until they have heard no report for a while.",
            "RFC 1112 appendix I",
        )
    text = (
        "The querier, where there is one, asks whether anybody is left. Where nobody answers within 2 s by "
        "default, the switch stops forwarding the group to this port."
    )
    return text, "RFC 3376 section 8.10" if is_ipv4 else "RFC 3810 section 9.10"


def _broadcast_steps(deed: Deed) -> Iterator[Step]:
    if deed.act is Act.LEAVE:
        yield Step(True, "The port is read for it no more.", "close(2), unless another group has the port")
        return
    address = deed.endpoint.address
    text = f"A socket is bound to port {deed.endpoint.port} of every address; it joined nothing."
    if deed.endpoint.protocol is not None:
        text = f"A raw socket hears protocol {deed.endpoint.protocol}; it joined nothing."
    yield Step(True, text, "bind(2)")
    yield Step(
        False, "Broadcast has no members: nothing is announced, and no switch prunes it.", "RFC 919 section 1"
    )
    if address == LIMITED_BROADCAST:
        yield Step(
            False, "It reaches every host of the link, and no router forwards it.", "RFC 919 section 7"
        )
    else:
        yield Step(False, "Routers do not forward it unless told to.", "RFC 2644")


def _name(deed: Deed) -> str:
    return deed.interface.name if deed.interface else "every interface"


def _index(deed: Deed) -> int:
    return deed.interface.index if deed.interface else 0
