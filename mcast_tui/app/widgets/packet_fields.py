"""A packet explained: each field's value and who says so. Pure: values in, text out.

A field names its origin as the man pages do (``IP_PKTINFO.ipi_addr``), so that a reader can
tell what was observed from what follows from it. What the kernel did not say is ``unknown``.
"""

from __future__ import annotations

import time
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple

from mcast_tui.app.widgets.field_list import UNKNOWN, Field
from mcast_tui.app.widgets.packet_link import link_fields
from mcast_tui.safe import safe_text
from mcast_tui.services.tap.traffic import Standing
from mcast_tui.wire.address import address_and_port
from mcast_tui.wire.columns import Addressed
from mcast_tui.wire.scope import LIMITED_BROADCAST, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.wire.columns import Packet
    from mcast_tui.wire.frame import Link


class Origins(NamedTuple):
    """The names of the same facts in one address family: ip(7), ipv6(7)."""

    interface: str
    destination: str
    hop_limit_word: str
    hop_limit: str
    class_word: str
    traffic_class: str
    time: str = "SO_TIMESTAMPNS"
    source: str = "recvmmsg msg_name"
    port: str = "the one its socket is bound to"
    protocol: str = "the one its raw socket is for; there are no ports"
    length: str = "recvmmsg msg_len"
    truncated: str = "MSG_TRUNC: longer than our receive buffer"
    broadcast: str = "neither a group nor ipi_spec_dst: a broadcast address of the interface"
    unicast: str = "equals ipi_spec_dst"


IPV4: Final = Origins(
    "IP_PKTINFO.ipi_ifindex", "IP_PKTINFO.ipi_addr", "TTL", "IP_RECVTTL", "TOS", "IP_RECVTOS"
)
IPV6: Final = Origins(
    "IPV6_PKTINFO.ipi6_ifindex",
    "IPV6_PKTINFO.ipi6_addr",
    "hop limit",
    "IPV6_RECVHOPLIMIT",
    "class",
    "IPV6_RECVTCLASS",
)
TAP4: Final = Origins(
    interface="the interface its packet socket is bound to",
    destination="IP header",
    hop_limit_word="TTL",
    hop_limit="IP header, as on the wire",
    class_word="TOS",
    traffic_class="IP header",
    time="tpacket2_hdr",
    source="IP, UDP header: forgeable",
    port="UDP header",
    protocol="IP header: no ports",
    length="UDP or IP header",
    truncated="longer than what the tap keeps of a frame, or a part of it is in later fragments",
    broadcast="that of a subnet: the Ethernet destination is ff:ff:ff:ff:ff:ff",
    unicast="is neither a group nor a broadcast address",
)
TAP6: Final = TAP4._replace(hop_limit_word="hop limit", class_word="class")


class Wire(NamedTuple):
    """What is known of a packet because a tap saw it."""

    link: Link
    standing: Standing | None
    """Whether its group is joined here; None where it went to no group."""


def explain_packet(
    packet: Packet, interface_name: Callable[[int], str | None], wire: Wire | None = None
) -> list[Field]:
    """Return the fields of a packet, in the order people ask: when, from whom, to whom, where, how.

    With `wire` a tap saw it: then nothing of it is what a socket was told, and whether anybody here is
    a member comes first.
    """
    is_ipv6 = isinstance(packet.source, IPv6Address)
    of_socket, of_tap = (IPV6, TAP6) if is_ipv6 else (IPV4, TAP4)
    origins = of_socket if wire is None else of_tap
    return [
        *_standing(wire),
        *_time(packet, origins),
        Field("source", address_and_port(str(packet.source), packet.source_port), origins.source),
        *_destination(packet, origins),
        Field("interface", _interface(packet.ifindex, interface_name), origins.interface),
        *(_local_address(packet) if wire is None else map(Field._make, link_fields(wire.link))),
        _hop_limit(packet.hop_limit, origins, "on arrival" if wire is None else ""),
        _traffic_class(packet.traffic_class, origins),
        *_length(packet, origins),
        *_verdicts(packet),
    ]


def _standing(wire: Wire | None) -> list[Field]:
    """Return whether this host is a member: what it did not join, only a tap sees."""
    if wire is None or wire.standing is None:
        return []
    if wire.standing is Standing.UNKNOWN:
        why = "in a VLAN, which is another interface" if wire.link.vlan > 0 else "the tables cannot be read"
        return [Field("membership", UNKNOWN, why)]
    only = "" if wire.standing is Standing.OURS else ": only the tap sees it"
    return [Field("membership", f"{wire.standing.value}{only}", "the kernel's tables, as read last")]


def title(packet: Packet, interface_name: Callable[[int], str | None]) -> str:
    """Return the packet in one line: its number, size and interface."""
    unit = "byte" if packet.length == 1 else "bytes"
    where = "" if packet.ifindex is None else f" on {_name(packet.ifindex, interface_name)}"
    return f"Packet {packet.number + 1}  {packet.length} {unit}{where}"


def _time(packet: Packet, origins: Origins) -> list[Field]:
    second, nanoseconds = divmod(packet.received_at, 1_000_000_000)
    local = time.localtime(second)
    origin = origins.time if packet.kernel_time else "read clock: when we read it, not when it came"
    return [
        Field("time", f"{time.strftime('%H:%M:%S', local)}.{nanoseconds:09}", origin),
        Field("date", time.strftime("%Y-%m-%d, UTC%z", local), ""),
    ]


def _name(ifindex: int, interface_name: Callable[[int], str | None]) -> str:
    name = interface_name(ifindex)
    return f"interface {ifindex}" if name is None else safe_text(name)


def _interface(ifindex: int | None, interface_name: Callable[[int], str | None]) -> str:
    if ifindex is None:
        return UNKNOWN
    name = interface_name(ifindex)
    return f"{ifindex} (gone since)" if name is None else f"{ifindex} ({safe_text(name)})"


def _destination(packet: Packet, origins: Origins) -> list[Field]:
    """Return destination, how it was addressed with the reason, and the scope of the address."""
    kind = packet.addressed.name.lower()
    if packet.protocol is None:
        to_port = Field("port", str(packet.destination_port), origins.port)
    else:
        to_port = Field("protocol", str(packet.protocol), origins.protocol)
    if packet.destination is None:
        unknown = Field("destination", UNKNOWN, origins.destination)
        return [unknown, to_port, Field("addressed", kind, _why(packet, origins))]
    scope = scope_of(packet.destination)
    return [
        Field("destination", str(packet.destination), origins.destination),
        to_port,
        Field("addressed", kind, _why(packet, origins)),
        Field("scope", scope.name, f"{scope.reference}: {scope.note}"),
    ]


def _why(packet: Packet, origins: Origins) -> str:
    """Return why we say that a packet was addressed as we say."""
    is_ipv6 = isinstance(packet.destination, IPv6Address)
    if packet.addressed is Addressed.MULTICAST:
        return f"the destination is in {'ff00::/8' if is_ipv6 else '224.0.0.0/4'}"
    if packet.addressed is Addressed.BROADCAST:
        if packet.destination == LIMITED_BROADCAST:
            return "the destination is 255.255.255.255"
        return f"the destination is {origins.broadcast}"
    if packet.addressed is Addressed.UNICAST:
        return "the destination is not in ff00::/8" if is_ipv6 else f"the destination {origins.unicast}"
    return "the kernel did not say enough"


def _local_address(packet: Packet) -> list[Field]:
    """Return the receiving interface's address; IPv6 has no field for it."""
    if isinstance(packet.source, IPv6Address):
        return []
    value = UNKNOWN if packet.local_address is None else str(packet.local_address)
    return [Field("local", value, "IP_PKTINFO.ipi_spec_dst: the receiving interface's address")]


def _hop_limit(hop_limit: int | None, origins: Origins, when: str) -> Field:
    value = UNKNOWN if hop_limit is None else f"{hop_limit} {when}".rstrip()
    return Field(origins.hop_limit_word, value, origins.hop_limit)


DSCP_NAMES: Final = {
    0: "default",
    1: "LE",
    44: "VOICE-ADMIT",
    46: "EF",
    **{8 * precedence: f"CS{precedence}" for precedence in range(1, 8)},
    **{8 * kind + 2 * drop: f"AF{kind}{drop}" for kind in range(1, 5) for drop in range(1, 4)},
}
"""RFC 2474, 2597, 3246, 5865, 8622."""

ECN_NAMES: Final = ("Not-ECT", "ECT(1)", "ECT(0)", "CE")
"""RFC 3168 section 5, by value."""


def _traffic_class(traffic_class: int | None, origins: Origins) -> Field:
    if traffic_class is None:
        return Field(origins.class_word, UNKNOWN, origins.traffic_class)
    dscp, ecn = traffic_class >> 2, traffic_class & 3
    name = f" {DSCP_NAMES[dscp]}" if dscp in DSCP_NAMES else ""
    value = f"0x{traffic_class:02x}  DSCP {dscp}{name}  ECN {ECN_NAMES[ecn]}"
    return Field(origins.class_word, value, origins.traffic_class)


def _length(packet: Packet, origins: Origins) -> list[Field]:
    """Return the length, and how much of the payload can still be shown if that is less."""
    fields = [Field("length", f"{packet.length} B payload", origins.length)]
    if packet.truncated:
        fields.append(Field("truncated", "yes", origins.truncated))
    if packet.payload is not None and len(packet.payload) < packet.length:
        fields.append(Field("kept", f"the first {len(packet.payload)} B of the payload", ""))
    return fields


def _verdicts(packet: Packet) -> list[Field]:
    """Return what else is known of it: that it is our own, that a filter of ours refused it."""
    fields = []
    if packet.own:
        fields.append(Field("own", "we sent it; this is its looped-back copy", "matches what we sent"))
    if packet.refused:
        fields.append(Field("refused", "by --range or --source-port", "after the kernel: it did arrive"))
    return fields
