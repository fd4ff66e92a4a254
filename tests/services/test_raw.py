"""A node in raw IP groups, on real sockets of a lab: socat and tcpdump are the other side."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import UsageError
from mcast_tui.net.sender import SendOptions
from mcast_tui.services.chat import DIRECT, LineState
from mcast_tui.services.desk import Desk
from mcast_tui.services.kernel_views import read_views
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.columns import Addressed
from tests.peers import Socat, socat, socat_peer, tcpdump_on
from tests.services.nodes import node_on, packets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

PROTOCOL = 253
CHAT = parse_endpoint("ip://224.1.0.1%eth0:253")
CHAT6 = parse_endpoint("ip://[ff15::4d43%eth0]:253")
PLAIN = SendOptions()


def raw_peer(host: Host, group: str = "224.1.0.1") -> Socat:
    """Start the tutorial's multicast peer over raw IP, or its IPv6 twin."""
    if ip_address(group).version == 6:
        place = f"IP6-DATAGRAM:[{group}]:{PROTOCOL},so-bindtodevice=eth0"
        return socat(host, "STDIO", f"{place},ipv6-join-group=[{group}]:eth0")
    place = f"IP4-DATAGRAM:{group}:{PROTOCOL}"
    return socat(host, "STDIO", f"{place},ip-add-membership={group}:{host.address4}")


def carries(host: Host, lan: int = 0) -> None:
    """Return once host 1 answers `host` by that LAN: nothing is lost any more to links that come up."""
    host.run(["ping", "-n", "-c", "1", "-w", "30", str(host.lans[lan].address4(1).ip)])


@contextmanager
def raw_socket(host: Host, family: int = 4) -> Iterator[socket.socket]:
    """Open a raw socket on a host that is to send through its eth0."""
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with host.entered(), socket.socket(kind, socket.SOCK_RAW, PROTOCOL) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        yield sock


async def test_what_socat_sends_is_received_as_tcpdump_saw_it(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        await node.join(CHAT)
        with tcpdump_on(lab.host(1), "ip proto 253") as wire, raw_peer(lab.host(2)) as peer:
            peer.say("hello, raw lan")
            [packet] = await packets(node, 1)
            await wire.will_see(1)
            [seen] = wire.fields("ip.src", "ip.dst", "ip.ttl", "ip.dsfield", "ip.proto", "data.data")
    assert seen == (
        str(packet.source),
        str(packet.destination),
        str(packet.hop_limit),
        f"0x{packet.traffic_class:02x}",
        str(packet.protocol),
        packet.payload.hex(),
    )
    assert (packet.payload, packet.length) == (b"hello, raw lan\n", 15)
    assert (packet.source_port, packet.destination_port) == (None, None)
    assert packet.addressed is Addressed.MULTICAST
    assert (packet.local_address, packet.ifindex) == (lab.host(1).address4, lab.host(1).ifindex)
    assert packet.kernel_time
    assert not packet.own
    assert not packet.truncated


async def test_every_raw_peer_hears_what_we_send(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        with (
            raw_peer(lab.host(2)) as two,
            socat(
                lab.host(3), "-u", f"IP4-RECV:{PROTOCOL},ip-add-membership=224.1.0.1:eth0", "STDIO"
            ) as three,
            tcpdump_on(lab.host(3), "ip proto 253") as wire,
        ):
            sent = await node.send(group.endpoint, b"hi\n", PLAIN)
            assert await two.will_hear("hi")
            assert await three.will_hear("hi")
            await wire.will_see(1)
            [seen] = wire.fields("ip.src", "ip.dst", "ip.ttl", "ip.proto", "data.data")
    assert seen == (str(lab.host(1).address4), "224.1.0.1", "1", "253", b"hi\n".hex())
    assert (sent.source_port, sent.port) == (None, 0)


async def test_the_ipv6_twin_talks_in_both_directions(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT6)
        with tcpdump_on(lab.host(1), "ip6 proto 253") as wire, raw_peer(lab.host(2), "ff15::4d43") as peer:
            peer.say("from socat")
            [packet] = await packets(node, 1)
            await node.send(group.endpoint, b"from us\n", PLAIN)
            assert await peer.will_hear("from us")
            await wire.will_see(2)
            theirs, ours = wire.fields("ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.nxt", "data.data")
    assert theirs == (str(packet.source), "ff15::4d43", str(packet.hop_limit), "253", packet.payload.hex())
    assert packet.payload == b"from socat\n"
    assert (packet.protocol, packet.source_port, packet.destination_port) == (253, None, None)
    assert (packet.addressed, packet.ifindex) == (Addressed.MULTICAST, lab.host(1).ifindex)
    assert (ours[1], ours[2], ours[4]) == ("ff15::4d43", "1", b"from us\n".hex())


async def test_a_link_local_group_is_joined_on_its_interface(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(parse_endpoint("ip://[ff02::4d43%eth0]:253"))
        carries(lab.host(2))
        with raw_socket(lab.host(2), 6) as peer:
            peer.sendto(b"near", ("ff02::4d43", 0, 0, lab.host(2).ifindex))
        [packet] = await packets(node, 1)
        sent = await node.send(group.endpoint, b"back", PLAIN)
        own = (await packets(node, 2))[1]
    assert packet.source == lab.host(2).link_local
    assert (own.payload, own.own, sent.ifindex) == (b"back", True, lab.host(1).ifindex)


async def test_broadcast_peers_talk_in_both_directions(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(parse_endpoint("ip://broadcast%eth0:253"))
        with socat(
            lab.host(2), "STDIO", f"IP4-DATAGRAM:255.255.255.255:{PROTOCOL},broadcast,so-bindtodevice=eth0"
        ) as peer:
            peer.say("to everyone")
            [packet] = await packets(node, 1)
            await node.send(group.endpoint, b"and back\n", PLAIN)
            assert await peer.will_hear("and back")
        own = (await packets(node, 2))[1]
    assert (packet.addressed, packet.destination) == (Addressed.BROADCAST, ip_address("255.255.255.255"))
    assert (packet.payload, packet.protocol) == (b"to everyone\n", 253)
    assert (own.own, own.payload) == (True, b"and back\n")


@pytest.mark.parametrize("endpoint", [CHAT, CHAT6], ids=["IPv4", "IPv6"])
async def test_our_own_datagram_comes_back_once_and_marked_as_ours(lab: Lab, endpoint) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(endpoint)
        await node.send(group.endpoint, b"echo\n", PLAIN)
        await node.send(group.endpoint, b"marker\n", PLAIN)
        heard = await packets(node, 2)
        node.chat.poll()
        lines = node.chat.lines(group.id)
    assert [(packet.payload, packet.own) for packet in heard] == [(b"echo\n", True), (b"marker\n", True)]
    assert [(line.text, line.state) for line in lines] == [
        ("echo", LineState.HEARD),
        ("marker", LineState.HEARD),
    ]


async def test_what_another_program_says_is_not_taken_for_ours(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        with raw_peer(lab.host(1)) as neighbour:
            neighbour.say("same host, same protocol")
            await node.send(group.endpoint, b"same host, same protocol\n", PLAIN)
            heard = await packets(node, 2)
    assert sorted(packet.own for packet in heard) == [False, True]


async def test_a_line_of_a_raw_peer_has_no_port(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        with raw_peer(lab.host(2)) as peer:
            peer.say("who am i")
            await packets(node, 1)
        node.chat.poll()
        [line] = node.chat.lines(group.id)
        [peer] = node.monitor.peers(group)
        answer = Desk(node).endpoint_of(peer.address, peer.port, peer.ifindex, peer.protocol)
    assert (line.source, line.text) == (lab.host(2).address4, "who am i")
    assert (line.source_port, line.destination_port, line.protocol) == (None, None, 253)
    assert str(answer) == "ip://192.168.10.2:253"


@pytest.mark.parametrize("family", [4, 6])
async def test_unicast_comes_in_by_the_protocol_and_is_answered_where_it_came_from(
    lab: Lab, family: int
) -> None:
    us, them = ((host.address4, host.address6)[family == 6] for host in (lab.host(1), lab.host(2)))
    bracketed = f"[{us}]" if family == 6 else str(us)
    async with node_on(lab.host(1)) as node:
        await node.join(CHAT if family == 4 else CHAT6)
        with socat(lab.host(2), "STDIO", f"IP{family}-SENDTO:{bracketed}:{PROTOCOL}") as peer:
            peer.say("to you alone")
            [packet] = await packets(node, 1)
            await node.reply(packet, b"and you alone\n")
            assert await peer.will_hear("and you alone")
    assert (packet.addressed, packet.source, packet.destination) == (Addressed.UNICAST, them, us)
    assert packet.payload == b"to you alone\n"


async def test_a_message_to_one_host_needs_no_group(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        with socat(lab.host(2), "-u", f"IP4-RECV:{PROTOCOL}", "STDIO") as peer:
            await node.send(parse_endpoint("ip://192.168.10.2:253"), b"psst\n", PLAIN)
            assert await peer.will_hear("psst")
        with raw_socket(lab.host(2)) as answering:
            answering.sendto(b"heard you\n", (str(lab.host(1).address4), 0))
        await packets(node, 1)
        node.chat.poll()
        sent, answer = node.chat.lines(DIRECT)
    assert (sent.text, sent.state, sent.protocol) == ("psst", LineState.SENT, 253)
    assert (answer.text, answer.state) == ("heard you", LineState.RECEIVED)


async def test_raw_ip_and_udp_of_one_address_never_mix(lab: Lab) -> None:
    """Port 253 and protocol 253 are the same number, and protocol 17 is UDP with its header."""
    async with node_on(lab.host(1)) as node:
        groups = {
            name: (await node.join(parse_endpoint(text)))[0]
            for name, text in {
                "udp": "224.1.0.1%eth0:253",
                "raw": "ip://224.1.0.1%eth0:253",
                "raw udp": "ip://224.1.0.1%eth0:17",
            }.items()
        }
        with raw_peer(lab.host(2)) as raw, socat_peer(lab.host(3), port=253) as udp:
            raw.say("raw")
            await packets(node, 1)
            udp.say("udp")
            heard = await packets(node, 3)
        node.chat.poll()
        lines = {name: [line.text for line in node.chat.lines(group.id)] for name, group in groups.items()}
        found = {node.groups.find(group.endpoint, node.interfaces) for group in groups.values()}
        assert found == set(groups.values())
    protocols = sorted((packet.protocol or 0, packet.destination_port or 0) for packet in heard)
    assert protocols == [(0, 253), (17, 0), (253, 0)]
    assert (lines["udp"], lines["raw"]) == (["udp"], ["raw"])
    [with_header] = [packet.payload for packet in heard if packet.protocol == 17]
    assert with_header[8:] == b"udp\n"
    assert len(lines["raw udp"]) == 1


@pytest.mark.parametrize(
    "endpoint", ["ip://{source}@232.1.1.1%eth0:253", "ip://{source}@[ff35::1%eth0]:253"], ids=["IPv4", "IPv6"]
)
async def test_only_the_source_that_was_asked_for_is_heard(lab: Lab, endpoint: str) -> None:
    """Each of two sources has a group of its own, and a neighbour's plain join lets the third host in."""
    family = 6 if "[" in endpoint else 4
    two, three = ((host.address4, host.address6)[family == 6] for host in (lab.host(2), lab.host(3)))
    async with node_on(lab.host(1)) as node:
        of_two = (await node.join(parse_endpoint(endpoint.format(source=two))))[0]
        of_three = (await node.join(parse_endpoint(endpoint.format(source=three))))[0]
        group = str(of_two.endpoint.address)
        carries(lab.host(2))
        carries(lab.host(3))
        with raw_peer(lab.host(1), group):
            for number, host in ((3, lab.host(3)), (2, lab.host(2))):
                with raw_socket(host, family) as sock:
                    if family == 6:
                        sock.bind((str(host.address6), 0))
                    sock.sendto(b"%d\n" % number, (group, 0))
            heard = await packets(node, 2)
        node.chat.poll()
        lines = [[line.text for line in node.chat.lines(each.id)] for each in (of_two, of_three)]
        told = [of_two.intake.tally.packets, of_three.intake.tally.packets]
    assert sorted((packet.source, packet.payload) for packet in heard) == [(two, b"2\n"), (three, b"3\n")]
    assert lines == [["2"], ["3"]]
    assert max(told) == 1


async def test_the_same_ipv6_group_on_two_interfaces_is_kept_apart(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(2, lans=2)
    async with node_on(lab.host(1)) as node:
        [first] = await node.join(CHAT6)
        [second] = await node.join(parse_endpoint("ip://[ff15::4d43%eth1]:253"))
        carries(lab.host(2), lan=1)
        with raw_socket(lab.host(2), 6) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth1")
            sock.sendto(b"by eth1\n", ("ff15::4d43", 0))
        await packets(node, 1)
        await node.send(first.endpoint, b"marker\n", PLAIN)
        heard = await packets(node, 2)
        node.chat.poll()
        lines = [[line.text for line in node.chat.lines(group.id)] for group in (first, second)]
    assert [packet.payload for packet in heard] == [b"by eth1\n", b"marker\n"]
    assert lines == [["marker"], ["by eth1"]]


async def test_a_run_of_raw_groups_is_joined_and_kept_apart(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        joined = await node.join(parse_endpoint("ip://239.1.1.1%eth0:253+2"))
        carries(lab.host(2))
        with raw_socket(lab.host(2)) as sock:
            for group in joined:
                sock.sendto(str(group.endpoint.address).encode(), (str(group.endpoint.address), 0))
        heard = await packets(node, 3)
        views = read_views(node.groups)
    assert [group.label for group in joined] == [f"ip://239.1.1.{last}:253" for last in (1, 2, 3)]
    assert sorted(str(packet.destination).encode() for packet in heard) == sorted(
        packet.payload for packet in heard
    )
    assert all(views[group.id] is not None for group in joined)


async def test_a_source_port_refuses_every_raw_packet_for_it_has_none(lab: Lab) -> None:
    async with node_on(lab.host(1), source_port=6666) as node:
        [group] = await node.join(CHAT)
        with raw_peer(lab.host(2)) as peer:
            peer.say("portless")
            [packet] = await packets(node, 1)
        node.chat.poll()
        assert node.chat.lines(group.id) == ()
    assert packet.refused


async def test_a_protocol_is_closed_when_its_last_group_is_left(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        with pytest.raises(UsageError, match="joined already"):
            await node.join(CHAT)
        port = node.groups.ports.find(4, 0, PROTOCOL)
        assert port is group.port
        assert node.groups.ports.hold(4, 0, protocol=PROTOCOL) is port
        await node.leave(group)
        assert node.groups.ports.find(4, 0, PROTOCOL) is port
        node.groups.ports.release(port)
        assert node.groups.ports.find(4, 0, PROTOCOL) is None
        assert port.socket.fileno() == -1
