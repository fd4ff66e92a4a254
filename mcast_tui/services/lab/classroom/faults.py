"""Faults and settings by netlink: packets lost at a port, reverse path filter and IGMP version of a host.

Packets are lost by a classic BPF program on the port (``tc-bpf(8)``, direct action) that asks for a random
number: it needs neither netem, which not every kernel has, nor the programs ``tc`` and ``nft``.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.net.rtnetlink import IFLA_IFNAME, LINK, RTM_GETLINK, RTM_NEWLINK, decode_attributes
from mcast_tui.services.lab.classroom.netlink import NLM_F_CREATE, attribute

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.netlink import Netlink

RTM_SETLINK, RTM_NEWQDISC, RTM_DELQDISC, RTM_NEWTFILTER = 19, 36, 37, 44
TCA_KIND, TCA_OPTIONS = 1, 2
TCA_BPF_OPS_LEN, TCA_BPF_OPS, TCA_BPF_FLAGS = 4, 5, 8
TCA_BPF_FLAG_ACT_DIRECT = 1  # what the program returns is the verdict
TC_H_CLSACT, CLSACT_HANDLE = 0xFFFF_FFF1, 0xFFFF_0000
TO_HOST = 0xFFFF_FFF3  # the clsact's egress: what the switch sends to the host
TC_ACT_OK, TC_ACT_SHOT = 0, 2
IFLA_AF_SPEC, IFLA_INET_CONF = 26, 1
RP_FILTER, FORCE_IGMP_VERSION = 8, 17  # IPV4_DEVCONF_* of linux/ip.h

_TC = struct.Struct("=B3xiIII")  # family, ifindex, handle, parent, priority and protocol: struct tcmsg
_STEP = struct.Struct("=HBBI")  # struct sock_filter
_LOAD, _IF_AT_LEAST, _RETURN = 0x20, 0x35, 0x06  # ld [k]; jge #k; ret #k
_RANDOM = 0xFFFF_F000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM of linux/filter.h
_FIRST_OF_ALL_PROTOCOLS = 1 << 16 | socket.htons(3)  # ETH_P_ALL


@dataclass(frozen=True, slots=True)
class InterfaceSettings:
    """Two of the settings of an interface, ``/proc/sys/net/ipv4/conf``."""

    rp_filter: int
    force_igmp_version: int
    """0: what the querier speaks, IGMPv3 when none does."""


def lose(netlink: Netlink, ifindex: int, percent: int) -> None:
    """Lose this part of what the switch sends out of a port that loses nothing yet, picked at random."""
    attempted = f"lose {percent} % of the packets"
    clsact = attribute(TCA_KIND, b"clsact\0")
    netlink.order(
        RTM_NEWQDISC, NLM_F_CREATE, _TC.pack(0, ifindex, CLSACT_HANDLE, TC_H_CLSACT, 0) + clsact, attempted
    )
    kept_from = min(percent * (1 << 32) // 100, 0xFFFF_FFFF)
    program = (
        (_LOAD, 0, 0, _RANDOM),
        (_IF_AT_LEAST, 1, 0, kept_from),
        (_RETURN, 0, 0, TC_ACT_SHOT),
        (_RETURN, 0, 0, TC_ACT_OK),
    )
    options = (
        attribute(TCA_BPF_OPS_LEN, struct.pack("=H", len(program)))
        + attribute(TCA_BPF_OPS, b"".join(_STEP.pack(*step) for step in program))
        + attribute(TCA_BPF_FLAGS, struct.pack("=I", TCA_BPF_FLAG_ACT_DIRECT))
    )
    rule = _TC.pack(0, ifindex, 1, TO_HOST, _FIRST_OF_ALL_PROTOCOLS)
    body = rule + attribute(TCA_KIND, b"bpf\0") + attribute(TCA_OPTIONS, options)
    netlink.order(RTM_NEWTFILTER, NLM_F_CREATE, body, attempted)


def lose_nothing(netlink: Netlink, ifindex: int) -> None:
    """Undo `lose`."""
    clsact = _TC.pack(0, ifindex, CLSACT_HANDLE, TC_H_CLSACT, 0) + attribute(TCA_KIND, b"clsact\0")
    netlink.order(RTM_DELQDISC, 0, clsact, "lose no more packets")


def set_interface(netlink: Netlink, ifindex: int, setting: int, value: int) -> None:
    """Set RP_FILTER or FORCE_IGMP_VERSION of an interface; needs no writable /proc/sys."""
    wanted = attribute(setting, struct.pack("=I", value))
    nested = attribute(IFLA_AF_SPEC, attribute(socket.AF_INET, attribute(IFLA_INET_CONF, wanted)))
    body = LINK.pack(0, 0, ifindex, 0, 0) + nested
    netlink.order(RTM_SETLINK, 0, body, "change a setting of an interface")


def read_settings(netlink: Netlink) -> dict[str, InterfaceSettings]:
    """Return the settings of every interface by its name."""
    found = {}
    for body in netlink.dump(RTM_GETLINK, RTM_NEWLINK, LINK.pack(0, 0, 0, 0, 0)):
        attributes = decode_attributes(body[LINK.size :])
        inet = decode_attributes(attributes.get(IFLA_AF_SPEC, b"")).get(socket.AF_INET, b"")
        told = decode_attributes(inet).get(IFLA_INET_CONF, b"")
        values = struct.unpack(f"={len(told) // 4}i", told)  # one for each IPV4_DEVCONF_*, from 1
        if len(values) >= FORCE_IGMP_VERSION:
            name = attributes[IFLA_IFNAME].rstrip(b"\0").decode("ascii")
            found[name] = InterfaceSettings(values[RP_FILTER - 1], values[FORCE_IGMP_VERSION - 1])
    return found
