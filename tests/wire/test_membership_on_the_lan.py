"""What Linux hosts and the Linux bridge really send: every frame of it decoded, and read alike by tshark."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING

from mcast_tui.net import sockopt
from mcast_tui.wire.membership.heard import hear
from mcast_tui.wire.membership.message import (
    GroupReport,
    Heard,
    Leave,
    Protocol,
    Query,
    RecordReport,
    RecordType,
    Refused,
)
from tests.peers import Capture, tcpdump_on
from tests.wire.membership_frames import as_tshark_reads, frames_in, read_by_tshark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab
    from mcast_tui.wire.literal import Address

MEMBERSHIP = "igmp or (ip6[6]=0 and ip6[40]=58)"  # MLD stands behind a hop-by-hop header
LEVELS = {4: socket.IPPROTO_IP, 6: socket.IPPROTO_IPV6}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
ASM = {4: ip_address("239.5.5.5"), 6: ip_address("ff15::5555")}
SSM = {4: ip_address("232.5.5.5"), 6: ip_address("ff35::5555")}
SOURCE = {4: ip_address("192.168.10.9"), 6: ip_address("fd00:10::9")}
MCAST_BLOCK_SOURCE = 43  # linux/in.h


def heard_by(wire: Capture) -> Iterator[Heard | Refused]:
    return map(hear, frames_in(wire.output.data))


def await_message(wire: Capture, is_wanted: Callable[[Heard], bool], wanted: str) -> None:
    """Wait until the wire has carried such a message."""
    wire.output.wait(
        lambda: any(isinstance(each, Heard) and is_wanted(each) for each in heard_by(wire)), wanted
    )


def has_record(kind: RecordType, group: Address, *sources: Address) -> Callable[[Heard], bool]:
    def is_wanted(heard: Heard) -> bool:
        message = heard.message
        return isinstance(message, RecordReport) and any(
            (record.type, record.group, record.sources) == (kind, group, sources)
            for record in message.records
        )

    return is_wanted


def is_message(kind: type, protocol: Protocol, group: Address | None) -> Callable[[Heard], bool]:
    return lambda heard: (
        (type(heard.message), heard.message.protocol, getattr(heard.message, "group", 0))
        == (
            kind,
            protocol,
            group,
        )
    )


def change_filters(wire: Capture, family: int, ifindex: int) -> None:
    """Join, block, leave; join one source, leave: as IGMPv3 and MLDv2 tell it."""
    asm, ssm, source = ASM[family], SSM[family], SOURCE[family]
    with socket.socket(FAMILIES[family], socket.SOCK_DGRAM) as sock:
        sockopt.join_group(sock, asm, ifindex)
        await_message(wire, has_record(RecordType.CHANGE_TO_EXCLUDE_MODE, asm), "the join")
        request = sockopt._membership_request(asm, ifindex, source)
        sock.setsockopt(LEVELS[family], MCAST_BLOCK_SOURCE, request)
        await_message(wire, has_record(RecordType.BLOCK_OLD_SOURCES, asm, source), "the block")
        sockopt.leave_group(sock, asm, ifindex)
        await_message(wire, has_record(RecordType.CHANGE_TO_INCLUDE_MODE, asm), "the leave")
        sockopt.join_group(sock, ssm, ifindex, source)
        await_message(wire, has_record(RecordType.ALLOW_NEW_SOURCES, ssm, source), "the join of a source")
        sockopt.leave_group(sock, ssm, ifindex, source)
        await_message(wire, has_record(RecordType.BLOCK_OLD_SOURCES, ssm, source), "the leave of a source")


def join_and_leave(wire: Capture, protocol: Protocol, ifindex: int, *, tells_leave: bool = True) -> None:
    """Join and leave a group as an older version tells it."""
    group = ASM[protocol.family] + int(protocol.value[-1])
    with socket.socket(FAMILIES[protocol.family], socket.SOCK_DGRAM) as sock:
        sockopt.join_group(sock, group, ifindex)
        await_message(wire, is_message(GroupReport, protocol, group), f"the {protocol.value} report")
        sockopt.leave_group(sock, group, ifindex)
        if tells_leave:
            await_message(wire, is_message(Leave, protocol, group), f"the {protocol.value} leave")


def force(host: Host, family: int, version: int) -> None:
    name = "force_igmp_version" if family == 4 else "force_mld_version"
    path = f"/proc/sys/net/ipv{family}/conf/{host.interface}/{name}"
    host.run(["sh", "-c", f"echo {version} >{path}"])


def ask(lab: Lab, wire: Capture, igmp: int, mld: int) -> None:
    """Let the bridge ask in these versions."""
    lab.set_querier(on=False)
    lab.set_bridges(br_mcast_igmp_version=igmp, br_mcast_mld_version=mld)
    lab.set_querier(on=True)
    for protocol in (Protocol(f"IGMPv{igmp}"), Protocol(f"MLDv{mld}")):
        await_message(wire, is_message(Query, protocol, None), f"the {protocol.value} query")


def test_every_message_of_hosts_and_bridge_is_decoded_and_read_alike_by_tshark(make_lab):
    lab = make_lab(1, snooping=True)
    host = lab.host(1)
    ifindex = host.ifindex
    with ExitStack() as stack:
        wire = stack.enter_context(tcpdump_on(host, MEMBERSHIP))
        with host.entered():
            change_filters(wire, 4, ifindex)
            change_filters(wire, 6, ifindex)
        force(host, 4, 2)
        force(host, 6, 1)
        with host.entered():
            join_and_leave(wire, Protocol.IGMPV2, ifindex)
            join_and_leave(wire, Protocol.MLDV1, ifindex)
        force(host, 4, 1)
        with host.entered():
            join_and_leave(wire, Protocol.IGMPV1, ifindex, tells_leave=False)
        ask(lab, wire, 3, 2)
        ask(lab, wire, 2, 1)
        wire.frames()
        pcap = wire.output.data[: wire._whole]
    heard = [hear(frame) for frame in frames_in(pcap)]
    assert not [each for each in heard if isinstance(each, Refused)]
    for family in (4, 6):
        ours = [as_tshark_reads(each) for each in heard if each.message.protocol.family == family]
        assert ours == read_by_tshark(pcap, family)
    own = [each for each in heard if each.source in {host.address4, host.link_local}]
    assert all(each.source_mac.hex(":") == lab.lans[0].mac(1) for each in own)
