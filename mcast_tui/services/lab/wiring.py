"""The cables of the lab: bridges, veth pairs, addresses and routes, by netlink.

`pyroute2` runs an event loop of its own inside each call and refuses to do so where one runs
already, and a netlink socket belongs to the namespace its thread was in when it opened it. So
every wiring is done by a short-lived thread (`Wiring.done_at`) that enters the namespace, works
and ends: the caller's thread neither moves nor needs to be outside an event loop.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from mcast_tui.errors import NetworkRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from pyroute2 import IPRoute  # type: ignore[import-untyped]  # it ships no types

    from mcast_tui.services.lab.namespace import Place

Routes: TypeAlias = Literal["multicast", "default", "none"]
T = TypeVar("T")

IFA_F_NODAD = 0x02  # usable at once, no duplicate address detection: linux/if_addr.h
NO_AUTOMATIC_ADDRESS = {  # IFLA_INET6_ADDR_GEN_MODE 1: we give the link-local address ourselves
    "attrs": [["AF_INET6", {"attrs": [["IFLA_INET6_ADDR_GEN_MODE", 1]]}]]
}
CARRIER_WITHIN_S = 20.0
POLL_S = 0.002
BR_STATE_FORWARDING = 3  # linux/if_bridge.h
SWITCH_NUMBER = 254  # the bridge's own host number on each LAN
BRIDGE_OPTIONS = {
    "br_stp_state": 0,
    "br_forward_delay": 0,  # ports forward at once
    # Left alone the bridge queries with IGMPv2 and MLDv1 from 0.0.0.0, which turns source filters off.
    "br_mcast_igmp_version": 3,
    "br_mcast_mld_version": 2,
    "br_mcast_query_use_ifaddr": 1,
    # In 1/100 s. Queries every 10 s instead of 125 s, answered within 1 s.
    "br_mcast_query_intvl": 1000,
    "br_mcast_query_response_intvl": 100,
    "br_mcast_startup_query_intvl": 200,
    "br_mcast_membership_intvl": 2500,
}


@dataclass(frozen=True, slots=True)
class Lan:
    """One Ethernet of the lab; the first is the tutorial's 192.168.10.0/24."""

    number: int

    @property
    def bridge(self) -> str:
        return f"br{self.number}"

    @property
    def interface(self) -> str:
        """The name of this LAN's interface on every host."""
        return f"eth{self.number}"

    def port(self, host: int) -> str:
        """Return the switch end of the host's cable."""
        return f"lan{self.number}port{host}"

    def address4(self, host: int) -> IPv4Interface:
        return IPv4Interface(f"192.168.{10 + self.number}.{host}/24")

    def address6(self, host: int) -> IPv6Interface:
        return IPv6Interface(f"fd00:{10 + self.number}::{host}/64")

    def link_local(self, host: int) -> IPv6Interface:
        return IPv6Interface(f"fe80::{host}/64")

    def mac(self, host: int) -> str:
        """Return a locally administered MAC address that ends in the IPv4 address."""
        return "02:00:" + ":".join(f"{byte:02x}" for byte in self.address4(host).ip.packed)


def at(place: Place, work: Callable[[IPRoute], T]) -> T:
    """Call `work` with an `IPRoute` of the namespace at `place`; raises NetworkRefused."""

    def enter_and_work() -> T:
        from pyroute2 import IPRoute, NetlinkError

        place.enter()
        try:
            with IPRoute() as netlink:
                return work(netlink)
        except NetlinkError as error:
            raise NetworkRefused("wire the virtual LAN", str(error), errno=error.code) from error

    with ThreadPoolExecutor(1, "lab-wiring") as thread:
        return thread.submit(enter_and_work).result()


def lay_bridge(netlink: IPRoute, lan: Lan, mtu: int, *, snooping: bool) -> None:
    """Make the LAN's bridge and give it its address."""
    netlink.link("add", ifname=lan.bridge, kind="bridge", br_mcast_snooping=int(snooping), **BRIDGE_OPTIONS)
    index = index_of(netlink, lan.bridge)
    netlink.link("set", index=index, mtu=mtu, IFLA_AF_SPEC=NO_AUTOMATIC_ADDRESS)
    for address in (lan.address4(SWITCH_NUMBER), lan.link_local(SWITCH_NUMBER)):
        add_address(netlink, index, address)
    netlink.link("set", index=index, state="up")


def lay_cable(netlink: IPRoute, lan: Lan, host: int, pid: int, mtu: int) -> None:
    """Connect the bridge and a host: the far end is born in the namespace of process `pid`."""
    peer = {"ifname": lan.interface, "net_ns_pid": pid, "mtu": mtu, "address": lan.mac(host)}
    netlink.link("add", ifname=lan.port(host), kind="veth", mtu=mtu, peer=peer)
    attach_port(netlink, lan, host)


def insert_card(
    netlink: IPRoute, lan: Lan, host: int, switch_pid: int, mtu: int, ifindex: int | None
) -> None:
    """Make a host's interface anew, from the host: there it can have the index it is given, if any.

    The other end of its cable is born in the namespace of the switch, for `attach_port`.
    """
    peer = {"ifname": lan.port(host), "net_ns_pid": switch_pid, "mtu": mtu}
    chosen = {} if ifindex is None else {"index": ifindex}
    netlink.link(
        "add", ifname=lan.interface, kind="veth", mtu=mtu, address=lan.mac(host), peer=peer, **chosen
    )


def attach_port(netlink: IPRoute, lan: Lan, host: int) -> None:
    """Make the switch's end of a host's cable a port of the bridge."""
    port, bridge = index_of(netlink, lan.port(host)), index_of(netlink, lan.bridge)
    # A switch port has no address of its own, so it stays silent.
    netlink.link("set", index=port, master=bridge, IFLA_AF_SPEC=NO_AUTOMATIC_ADDRESS)
    netlink.link("set", index=port, state="up")


def configure_host(netlink: IPRoute, lans: tuple[Lan, ...], host: int, routes: Routes) -> None:
    """Give a host its loopback, addresses and routes; the routes point to the first LAN."""
    netlink.link("set", index=index_of(netlink, "lo"), state="up")
    for lan in lans:
        configure_interface(netlink, lan, host)
    first = index_of(netlink, lans[0].interface)
    destinations = {
        "multicast": ("224.0.0.0/4", "255.255.255.255/32"),
        "default": ("0.0.0.0/0",),
        "none": (),
    }
    for destination in destinations[routes]:
        netlink.route("add", dst=destination, oif=first, scope=253)  # RT_SCOPE_LINK


def configure_interface(netlink: IPRoute, lan: Lan, host: int) -> None:
    """Give a host's end of a cable its addresses, and switch it on."""
    index = index_of(netlink, lan.interface)
    netlink.link("set", index=index, IFLA_AF_SPEC=NO_AUTOMATIC_ADDRESS)
    netlink.link("set", index=index, state="up")
    for address in (lan.address4(host), lan.address6(host), lan.link_local(host)):
        add_address(netlink, index, address)


def remove_interface(netlink: IPRoute, name: str) -> None:
    """Delete an interface, and with it the other end of its cable."""
    netlink.link("del", index=index_of(netlink, name))


def await_links(netlink: IPRoute, names: AbstractSet[str]) -> None:
    """Wait until these interfaces carry packets; raises NetworkRefused when one of them never does.

    A cable is noticed at both ends some time after it is laid (the kernel's linkwatch does it by and by).
    Until then a sender's packets go to the queue that drops all, and a switch port does not forward.
    """
    deadline = time.monotonic() + CARRIER_WITHIN_S
    while missing := names - {link.get("ifname") for link in netlink.get_links() if _carries(link)}:
        if time.monotonic() > deadline:
            reason = f"{', '.join(sorted(missing))} did not come up within {CARRIER_WITHIN_S:g} s"
            raise NetworkRefused("wire the virtual LAN", reason)
        time.sleep(POLL_S)


def _carries(link: Any) -> bool:
    port_state = link.get_nested("IFLA_LINKINFO", "IFLA_INFO_SLAVE_DATA", "IFLA_BRPORT_STATE")
    is_up = link.get("operstate") == "UP" and link.get("qdisc") != "noop"
    return is_up and port_state in {None, BR_STATE_FORWARDING}


def add_address(netlink: IPRoute, index: int, address: IPv4Interface | IPv6Interface) -> None:
    """Add an address that may be used at once."""
    ip: IPv4Address | IPv6Address = address.ip
    options: dict[str, Any] = (
        {"broadcast": str(address.network.broadcast_address)} if ip.version == 4 else {"flags": IFA_F_NODAD}
    )
    netlink.addr("add", index=index, address=str(ip), prefixlen=address.network.prefixlen, **options)


def index_of(netlink: IPRoute, name: str) -> int:
    """Return the index of an interface that is known to exist."""
    found: list[int] = list(netlink.link_lookup(ifname=name))
    return found[0]
