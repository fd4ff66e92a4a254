"""The options of socat's addresses: the one table of those we know, how each is read, and where it may stand.

An option that is not in the table is refused by its name, and so is one that would change nothing
where it stands, or that is given twice. `docs/socat.md` lists the table for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mcast_tui.wire.socat.address import Manner, Report
from mcast_tui.wire.socat.kinds import EXEC, SYSTEM
from mcast_tui.wire.socat.readers import (
    Reader,
    Said,
    Spot,
    always,
    gathered,
    number,
    read_bind,
    read_family,
    read_multicast_interface,
    read_setsockopt,
    read_source_port,
    report,
    switch,
    value,
    value_of,
)
from mcast_tui.wire.socat.values import (
    read_device,
    read_ipv6_membership,
    read_membership,
    read_range,
    read_source_membership,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.errors import EndpointError
    from mcast_tui.wire.socat.syntax import Given, Word


@dataclass(frozen=True, slots=True)
class Option:
    """One option of socat, in all its spellings."""

    name: str
    """As socat's manual has it."""
    aliases: tuple[str, ...]
    read: Reader
    family: int | None = None
    """Where it is about IPv4 or IPv6 alone."""
    twin: str | None = None
    """What to write with the other family."""
    manners: tuple[Manner, ...] = tuple(Manner)
    """Empty is an option of commands."""
    of_udp: bool = False
    """Whether raw IP has no such thing."""

    def fits(self, spot: Spot) -> bool:
        """Return whether it may stand in an address of this type."""
        if spot.name in (EXEC, SYSTEM):
            return not self.manners
        return spot.manner in self.manners and not (self.of_udp and spot.is_raw)

    def where(self) -> str:
        """Return the sentence that says where it may stand."""
        if not self.manners:
            return "It goes with EXEC and SYSTEM."
        transport = " of UDP" if self.of_udp else ""
        return f"It goes with {', '.join(manner.value for manner in self.manners)}{transport}."


_RECEIVERS = (Manner.RECV, Manner.RECVFROM, Manner.DATAGRAM)
_SERVER = (Manner.RECVFROM,)
_BUFFER = (1, 2**31 - 1)

OPTIONS = (
    Option("bind", (), read_bind),
    Option("protocol-family", ("pf",), read_family),
    Option(
        "range",
        (),
        lambda given, spot: {"ranges": (read_range(value_of(given), spot.family),)},
        manners=_RECEIVERS,
    ),
    Option("sourceport", ("sp",), read_source_port, of_udp=True),
    Option("so-broadcast", ("broadcast",), switch("broadcast")),
    Option("so-reuseaddr", ("reuseaddr",), always("reuse_address", "every port is shared")),
    Option("so-reuseport", ("reuseport",), switch("reuse_port")),
    Option("so-bindtodevice", ("bindtodevice", "if", "interface"), value("device", read_device)),
    Option("so-rcvbuf", ("rcvbuf",), number("receive_buffer", "the receive buffer", *_BUFFER)),
    Option("so-sndbuf", ("sndbuf",), number("send_buffer", "the send buffer", *_BUFFER)),
    Option("so-timestamp", ("timestamp",), report(Report.TIMESTAMP)),
    Option(
        "ip-add-membership",
        ("ip-membership", "add-membership", "membership"),
        gathered("memberships", read_membership),
        4,
        "ipv6-join-group=[GROUP]:INTERFACE",
    ),
    Option(
        "ip-add-source-membership",
        ("add-source-membership", "source-membership"),
        gathered("memberships", read_source_membership),
        4,
        "ipv6-join-group and range=[SOURCE]/128",
    ),
    Option(
        "ip-multicast-if",
        ("multicast-if",),
        read_multicast_interface,
        4,
        "setsockopt-int=41:17:INDEX",
    ),
    Option(
        "ip-multicast-loop",
        ("ipmulticastloop", "multicast-loop", "multicastloop"),
        switch("loop"),
        4,
        "setsockopt-int=41:19:0 or 41:19:1",
    ),
    Option(
        "ip-multicast-ttl",
        ("ipmulticastttl", "multicast-ttl", "multicastttl"),
        number("multicast_hop_limit", "the TTL", 0, 255),
        4,
        "setsockopt-int=41:18:HOPS",
    ),
    Option(
        "ip-ttl",
        ("ipttl", "ttl"),
        number("unicast_hop_limit", "the TTL", 1, 255),
        4,
        "ipv6-unicast-hops=HOPS",
    ),
    Option("ip-tos", ("iptos", "tos"), number("traffic_class", "the TOS", 0, 255), 4, "ipv6-tclass=CLASS"),
    Option("ip-pktinfo", ("ippktinfo", "pktinfo"), report(Report.PACKET_INFO), 4, "ipv6-recvpktinfo"),
    Option(
        "ip-recvdstaddr", ("iprecvdstaddr", "recvdstaddr"), report(Report.PACKET_INFO), 4, "ipv6-recvpktinfo"
    ),
    Option("ip-recvttl", ("iprecvttl", "recvttl"), report(Report.HOP_LIMIT), 4, "ipv6-recvhoplimit"),
    Option("ip-recvtos", ("iprecvtos", "recvtos"), report(Report.TRAFFIC_CLASS), 4, "ipv6-recvtclass"),
    Option(
        "ipv6-join-group",
        ("ipv6-add-membership", "join-group"),
        gathered("memberships", read_ipv6_membership),
        6,
        "ip-add-membership=GROUP:INTERFACE",
    ),
    Option(
        "ipv6-unicast-hops",
        ("unicast-hops",),
        number("unicast_hop_limit", "the hop limit", 0, 255),
        6,
        "ip-ttl=TTL",
    ),
    Option("ipv6-tclass", (), number("traffic_class", "the traffic class", 0, 255), 6, "ip-tos=TOS"),
    Option("ipv6-recvpktinfo", ("recvpktinfo",), report(Report.PACKET_INFO), 6, "ip-pktinfo"),
    Option("ipv6-recvhoplimit", ("recvhoplimit",), report(Report.HOP_LIMIT), 6, "ip-recvttl"),
    Option("ipv6-recvtclass", (), report(Report.TRAFFIC_CLASS), 6, "ip-recvtos"),
    Option(
        "ipv6-v6only",
        ("ipv6only", "v6only"),
        always("ipv6_only", "an IPv6 socket hears IPv6 alone"),
        6,
        of_udp=True,
    ),
    Option(
        "setsockopt-int",
        ("sockopt-int",),
        read_setsockopt,
        6,
        "ip-multicast-if, ip-multicast-ttl or ip-multicast-loop",
    ),
    Option("fork", (), switch("fork"), manners=_SERVER),
    Option(
        "max-children", ("maxchildren",), number("most_children", "max-children", 1, 10_000), manners=_SERVER
    ),
    Option("pipes", (), always(None, "a command has pipes"), manners=()),
    Option("setsid", ("sid",), always(None, "a command has a session of its own"), manners=()),
    Option("stderr", (), switch("stderr"), manners=()),
)
"""Every option we know."""

REFUSED = {
    "pty": "A command here has pipes and no terminal; put script -qc COMMAND /dev/null around it.",
    "nofork": "A command never gets our socket; leave it out.",
    "lowport": "Choose the port: bind=:PORT.",
    "ip-options": "Packets with IP options are rarely forwarded; leave it out.",
    "ip-drop-membership": "A membership ends with the program; leave it out.",
    "tcpwrap": "Say who is heard with range=ADDRESS/BITS.",
    "connect-timeout": "A datagram socket does not connect; leave it out.",
    "su": "Start mcast-tui as that user.",
    "path": "Write the whole path of the program.",
    "retry": "Nothing here is tried again by itself; put a loop around it.",
    "forever": "Nothing here is tried again by itself; put a loop around it.",
}
"""Options of socat we deliberately do not have, and what to do instead."""

_BY_NAME = {name: option for option in OPTIONS for name in (option.name, *option.aliases)}


def read_option(given: Given, spot: Spot) -> Said:
    """Return what one option says of the address it stands in; raises EndpointError."""
    name = given.name.text.lower()
    option = _BY_NAME.get(name)
    if option is None:
        raise _unknown(given.name, spot)
    if not option.fits(spot):
        raise given.name.refused(f"{name} is not an option of {spot.name}", option.where())
    if option.family not in (None, spot.family):
        remedy = f"Write {option.twin}." if option.twin else "Leave it out."
        reason = f"{name} is about IPv{option.family}, and this address is IPv{spot.family}"
        raise given.name.refused(reason, remedy)
    return option.read(given, spot)


def find_family(options: Iterable[Given]) -> tuple[int, Given] | None:
    """Return the family that the option ``pf`` asks for, and the option; None without one."""
    for given in options:
        if given.name.text.lower() in ("pf", "protocol-family"):
            return read_family(given)["family"], given
    return None


def _unknown(word: Word, spot: Spot) -> EndpointError:
    name = word.text.lower()
    if name in REFUSED:
        return word.refused(f"the option {name} is not done here", REFUSED[name])
    fitting = [known for known, option in _BY_NAME.items() if option.fits(spot)]
    near = get_close_matches(name[:40], fitting, 1)
    remedy = f"Did you mean {near[0]}?" if near else "Leave it out; docs/socat.md lists the options we know."
    return word.refused(f"{word.text[:40]!r} is not an option we know", remedy)
