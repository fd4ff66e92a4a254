"""Two socat addresses run against each other on a LAN, with the real socat and tcpdump on the other hosts."""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import McastError, NetworkRefused, PermissionRefused, UsageError
from mcast_tui.services.relay import opening
from mcast_tui.services.relay.opening import open_door
from mcast_tui.services.relay.plan import Flow
from mcast_tui.wire.socat.parse import parse_socat
from tests.peers import eventually, socat, socat_peer, tcpdump_on
from tests.services.relays import relay_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

GROUP = "224.1.0.1"
JOIN = f"ip-add-membership={GROUP}:192.168.10.2"


def send(host: Host, payload: bytes, address: str, port: int, source_port: int = 0) -> None:
    """Send one datagram from a host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with host.entered(), socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind(("", source_port))
        sock.sendto(payload, (address, port))


# -- the four manners


@pytest.mark.parametrize(
    ("address", "flow"),
    [
        (f"UDP4-RECV:6666,{JOIN},range=192.168.10.1/32", Flow.BACKWARD),
        (f"UDP4-RECVFROM:6666,{JOIN},fork,range=192.168.10.1/32", Flow.BACKWARD),
        (f"UDP4-DATAGRAM:{GROUP}:6666,bind=:6666,{JOIN},range=192.168.10.1/32", Flow.BOTH),
    ],
)
async def test_a_range_lets_in_whom_it_names_and_counts_the_others(
    host1: Host, host2: Host, host3: Host, address: str, flow: Flow
) -> None:
    async with relay_on(host2, "STDIO", address, flow=flow) as running:
        send(host3, b"outsider\n", GROUP, 6666)
        send(host1, b"insider\n", GROUP, 6666)
        await running.streams.hears("insider")
        await running.loses("refused", 1)
        assert "outsider" not in running.streams.text


async def test_a_source_port_lets_in_what_comes_from_it_and_counts_the_rest(host1: Host, host2: Host) -> None:
    address = f"UDP4-DATAGRAM:{GROUP}:6666,bind=:6666,{JOIN},sourceport=6666"
    async with relay_on(host2, "STDIO", address) as running:
        send(host1, b"from 7777\n", GROUP, 6666, 7777)
        send(host1, b"from 6666\n", GROUP, 6666, 6666)
        await running.streams.hears("from 6666")
        await running.loses("refused", 1)
        assert "7777" not in running.streams.text


async def test_sendto_hears_its_destination_alone_port_included(host1: Host, host2: Host) -> None:
    async with relay_on(host2, "STDIO", "UDP4-SENDTO:192.168.10.1:7001,bind=:7002") as running:
        with socat(host1, "STDIO", "UDP4-RECVFROM:7001") as peer:
            send(host1, b"another port\n", "192.168.10.2", 7002, 7003)
            running.streams.say("hello")
            await peer.will_hear("hello")
            peer.say("answer")
            await running.streams.hears("answer")
        await running.loses("refused", 1)
        assert running.streams.text == "answer\n"


async def test_recv_hears_everything_and_says_so_when_it_is_to_send(host1: Host, host2: Host) -> None:
    async with relay_on(host2, "STDIO", f"UDP4-RECV:6666,{JOIN}") as running:
        for address in (GROUP, "192.168.10.2", "192.168.10.255", "255.255.255.255"):
            send(host1, f"to {address}\n".encode(), address, 6666)
            await running.streams.hears(f"to {address}")
        running.streams.say("no way out")
        with pytest.raises(UsageError, match="RECV only receives"):
            await running.over()


async def test_recvfrom_answers_the_first_sender_and_is_over(host1: Host, host2: Host, host3: Host) -> None:
    async with relay_on(host2, "STDIO", "UDP4-RECVFROM:6666", linger_s=30) as running:
        with socat(host1, "STDIO", "UDP4-DATAGRAM:192.168.10.2:6666") as peer:
            peer.say("first")
            await running.streams.hears("first")
            send(host3, b"second\n", "192.168.10.2", 6666)
            running.streams.say("only you")
            await peer.will_hear("only you")
        running.streams.end()
        await running.over()
    assert running.streams.text == "first\n"


async def test_recvfrom_with_fork_answers_each_sender_on_its_own(
    host1: Host, host2: Host, host3: Host
) -> None:
    server = (f"UDP4-RECVFROM:6666,{JOIN},fork", "SYSTEM:echo $SOCAT_PEERADDR$(cat)")
    async with relay_on(host2, *server):
        client = ("STDIO", f"UDP4-DATAGRAM:{GROUP}:6666")
        with socat(host1, *client) as one, socat(host3, *client) as three:
            one.say("=one")
            three.say("=three")
            await one.will_hear("192.168.10.1=one")
            await three.will_hear("192.168.10.3=three")
        assert len(one.lines) == len(three.lines) == 1


async def test_datagram_hears_itself_and_without_loop_only_others_do(host1: Host, host2: Host) -> None:
    peer_of_all = f"UDP4-DATAGRAM:{GROUP}:6666,bind=:6666,{JOIN}"
    with socat_peer(host1) as peer:
        async with relay_on(host2, "STDIO", peer_of_all) as running:
            running.streams.say("aloud")
            await running.streams.hears("aloud")
            await peer.will_hear("aloud")
        async with relay_on(host2, "STDIO", f"{peer_of_all},ip-multicast-loop=0") as running:
            running.streams.say("in silence")
            await peer.will_hear("in silence")
            peer.say("and back")
            await running.streams.hears("and back")
            assert running.streams.text == "and back\n"


async def test_two_sockets_make_a_bridge_from_a_group_to_one_host(
    host1: Host, host2: Host, host3: Host
) -> None:
    with socat(host3, "-u", "UDP4-RECV:7000", "STDIO") as unicast:
        bridge = (f"UDP4-RECV:6666,{JOIN}", "UDP4-SENDTO:192.168.10.3:7000")
        async with relay_on(host2, *bridge, flow=Flow.FORWARD, sockets=2):
            send(host1, b"over the bridge\n", GROUP, 6666)
            await unicast.will_hear("over the bridge")


async def test_a_request_can_be_passed_on_and_its_answer_brought_back(
    host1: Host, host2: Host, host3: Host
) -> None:
    with socat(host3, "UDP4-RECVFROM:7000,fork", "SYSTEM:echo proxied $(cat)"):
        async with relay_on(host2, "UDP4-RECVFROM:6666,fork", "UDP4-SENDTO:192.168.10.3:7000"):
            with socat(host1, "STDIO", "UDP4-DATAGRAM:192.168.10.2:6666") as client:
                client.say("question")
                await client.will_hear("proxied question")


async def test_a_datagram_is_passed_on_whole_however_long(host1: Host, host2: Host) -> None:
    async with relay_on(host2, "UDP4-RECV:6666", "STDIO", flow=Flow.FORWARD) as running:
        for length in (0, 1, 8193, 65_507):
            send(host1, b"x" * length, "192.168.10.2", 6666)
        await eventually(lambda: len(running.streams.heard) == 3, "three datagrams, the empty one ignored")
    assert [len(data) for data in running.streams.heard] == [1, 8193, 65_507]


async def test_what_cannot_be_passed_on_in_time_is_counted(
    host1: Host, host2: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "RING_PACKETS", 16)
    async with relay_on(host2, "UDP4-RECV:6666", "STDIO", flow=Flow.FORWARD) as running:
        running.streams.may_write.clear()
        for number in range(100):
            send(host1, b"%d\n" % number, "192.168.10.2", 6666)
        await running.loses("evicted", 1)
        running.streams.may_write.set()
        await eventually(
            lambda: len(running.streams.heard) + running.relay.toll.evicted == 100, "all of them"
        )


# -- what the options do, as the wire shows it


async def test_ttl_tos_and_bind_are_seen_on_the_wire(host1: Host, host2: Host) -> None:
    options = "ip-multicast-ttl=7,ip-tos=64,bind=192.168.10.2:7777"
    with tcpdump_on(host1) as wire:
        async with relay_on(host2, "STDIO", f"UDP4-DATAGRAM:{GROUP}:6666,{options}") as running:
            running.streams.say("to a group")
            [packet] = await wire.will_see(1)
        async with relay_on(host2, "STDIO", "UDP4-SENDTO:192.168.10.1:6666,ttl=9,tos=32") as running:
            running.streams.say("to a host")
            [_, unicast] = await wire.will_see(2, until=b"to a host")
    assert (packet.hop_limit, packet.traffic_class) == (7, 64)
    assert (str(packet.source), packet.source_port) == ("192.168.10.2", 7777)
    assert (unicast.hop_limit, unicast.traffic_class) == (9, 32)


async def test_an_answer_has_the_ttl_and_tos_of_its_address(host1: Host, host2: Host) -> None:
    async with relay_on(host2, "UDP4-RECVFROM:6666,fork,ttl=11,tos=16", "EXEC:hostname"):
        with tcpdump_on(host1, "udp and src 192.168.10.2") as wire:
            send(host1, b"?", "192.168.10.2", 6666, 7001)
            [answer] = await wire.will_see(1)
    assert (answer.payload, answer.hop_limit, answer.traffic_class) == (b"host2\n", 11, 16)
    assert (answer.source_port, answer.destination_port) == (6666, 7001)


async def test_the_interface_of_an_option_needs_no_route(make_lab: Callable[..., Lab]) -> None:
    host1, host2 = make_lab(2, lans=2, routes="none").hosts
    with tcpdump_on(host1, interface="eth1") as wire:
        for option in ("ip-multicast-if=192.168.11.2", "so-bindtodevice=eth1"):
            async with relay_on(host2, "STDIO", f"UDP4-DATAGRAM:{GROUP}:6666,{option}") as running:
                running.streams.say(option)
                await wire.will_see(1, until=option.encode())
        device = "so-bindtodevice=eth1,broadcast"
        async with relay_on(host2, "STDIO", f"UDP4-DATAGRAM:255.255.255.255:6666,{device}") as running:
            running.streams.say("everybody")
            await wire.will_see(3, until=b"everybody")
        async with relay_on(host2, "STDIO", f"UDP4-DATAGRAM:{GROUP}:6666") as running:
            running.streams.say("nowhere")
            with pytest.raises(NetworkRefused, match="ip route add") as refusal:
                await running.over()
    assert refusal.value.errno == errno.ENETUNREACH


async def test_a_device_is_the_only_one_that_is_heard(make_lab: Callable[..., Lab]) -> None:
    host1, host2 = make_lab(2, lans=2).hosts
    address = "UDP4-RECV:6666,so-bindtodevice=eth1"
    async with relay_on(host2, address, "STDIO", flow=Flow.FORWARD) as running:
        send(host1, b"by eth0\n", "192.168.10.2", 6666)
        send(host1, b"by eth1\n", "192.168.11.2", 6666)
        await running.streams.hears("by eth1")
        assert running.streams.text == "by eth1\n"


async def test_bound_to_an_address_nothing_else_is_heard(host1: Host, host2: Host) -> None:
    address = f"UDP4-RECV:6666,bind=192.168.10.2,{JOIN}"
    async with relay_on(host2, address, "STDIO", flow=Flow.FORWARD) as running:
        for destination in (GROUP, "192.168.10.255", "192.168.10.2"):
            send(host1, f"to {destination}\n".encode(), destination, 6666)
        await running.streams.hears("to 192.168.10.2\n")
        assert running.streams.text == "to 192.168.10.2\n"


async def test_an_address_of_another_host_cannot_be_bound_to(host2: Host) -> None:
    with pytest.raises(NetworkRefused, match="not an address of this host") as refusal:
        async with relay_on(host2, "UDP4-RECV:6666,bind=192.168.10.3", "STDIO", flow=Flow.FORWARD):
            pass
    assert refusal.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.parametrize("destination", ["255.255.255.255", "192.168.10.255"])
async def test_broadcasting_must_be_permitted(host1: Host, host2: Host, destination: str) -> None:
    address = f"UDP4-DATAGRAM:{destination}:6666"
    async with relay_on(host2, "STDIO", address) as running:
        running.streams.say("psst")
        with pytest.raises(PermissionRefused, match=f"{address},broadcast") as refusal:
            await running.over()
    assert refusal.value.errno == errno.EACCES
    with socat_peer(host1, "broadcast") as peer:
        async with relay_on(host2, "STDIO", f"{address},broadcast") as running:
            running.streams.say("hear, hear")
            await peer.will_hear("hear, hear")


async def test_a_membership_is_the_kernels_without_a_bound_port_too(host2: Host) -> None:
    async with relay_on(host2, "STDIO", f"UDP4-DATAGRAM:{GROUP}:6666,{JOIN}"):
        assert "010001E0" in host2.run(["cat", "/proc/thread-self/net/igmp"]).stdout
    assert "010001E0" not in host2.run(["cat", "/proc/thread-self/net/igmp"]).stdout


async def test_a_source_membership_hears_that_source_alone(host1: Host, host2: Host, host3: Host) -> None:
    join = "ip-add-source-membership=232.1.1.1:192.168.10.2:192.168.10.1"
    async with relay_on(host2, f"UDP4-RECV:6666,{join}", "STDIO", flow=Flow.FORWARD) as running:
        send(host3, b"three\n", "232.1.1.1", 6666)
        send(host1, b"one\n", "232.1.1.1", 6666)
        await running.streams.hears("one")
        assert running.streams.text == "one\n"


async def test_buffers_are_as_large_as_asked(host2: Host) -> None:
    with host2.entered():
        async with open_door(parse_socat("UDP4-RECV:6666,rcvbuf=50000,sndbuf=30000")) as door:
            sock = door.port.socket
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 100_000  # the kernel doubles it
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 60_000


# -- IPv6, which the tutorial never got to work


async def test_ipv6_peers_of_a_group_hear_each_other(host1: Host, host2: Host) -> None:
    address = "UDP6-DATAGRAM:[ff02::4d43%eth0]:6666,bind=[::]:6666,ipv6-join-group=[ff02::4d43]:eth0"
    with socat_peer(host1, "ff02::4d43") as peer:
        async with relay_on(host2, "STDIO", address) as running:
            running.streams.say("six")
            await peer.will_hear("six")
            await running.streams.hears("six")
            peer.say("six too")
            await running.streams.hears("six too")


async def test_an_ipv6_server_answers_link_local_senders(host1: Host, host2: Host) -> None:
    server = "UDP6-RECVFROM:6666,ipv6-join-group=[ff15::42]:eth0,ipv6-recvpktinfo,fork"
    async with relay_on(host2, server, "SYSTEM:echo $SOCAT_IPV6_DSTADDR $SOCAT_IPV6_IF $SOCAT_PEERADDR"):
        address = f"UDP6-DATAGRAM:[ff15::42]:6666,bind=[{host1.link_local}%eth0]:0,so-bindtodevice=eth0"
        with socat(host1, "STDIO", address) as client:
            client.say("?")
            await client.will_hear("[ff15:0000:0000:0000:0000:0000:0000:0042] eth0 [fe80:")


async def test_an_ipv6_range_and_hop_limit_hold(host1: Host, host2: Host) -> None:
    address = "UDP6-RECV:6666,range=[fd00:10::1]/128"
    async with relay_on(host2, address, "STDIO", flow=Flow.FORWARD) as running:
        send(host1, b"six\n", str(host2.address6), 6666)
        await running.streams.hears("six")
    with tcpdump_on(host1, "udp") as wire:
        sender = f"UDP6-SENDTO:[{host1.address6}]:6666,ipv6-unicast-hops=5"
        async with relay_on(host2, "STDIO", sender) as running:
            running.streams.say("hops")
            [packet] = await wire.will_see(1)
    assert packet.hop_limit == 5


# -- raw IP


async def test_raw_ip_peers_hear_each_other(host1: Host, host2: Host) -> None:
    here = f"IP4-DATAGRAM:{GROUP}:253,ip-add-membership={GROUP}"
    with socat(host1, "STDIO", f"{here}:192.168.10.1") as peer:
        async with relay_on(host2, "STDIO", f"{here}:192.168.10.2") as running:
            running.streams.say("raw")
            await peer.will_hear("raw")
            await running.streams.hears("raw")
            peer.say("bones")
            await running.streams.hears("bones")


async def test_a_raw_server_answers(host1: Host, host2: Host) -> None:
    async with relay_on(host2, f"IP4-RECVFROM:253,{JOIN},fork", "EXEC:hostname"):
        with socat(host1, "STDIO", f"IP4-DATAGRAM:{GROUP}:253") as client:
            client.say("?")
            await client.will_hear("host2")


# -- when it is over, and what goes wrong


async def test_one_way_is_over_with_its_input_and_both_after_the_linger_time(host2: Host) -> None:
    group = f"UDP4-DATAGRAM:{GROUP}:6666"
    async with relay_on(host2, "STDIO", group, flow=Flow.FORWARD, linger_s=3600) as running:
        running.streams.end()
        await running.over()
    async with relay_on(host2, "STDIO", group, linger_s=0.01) as running:
        running.streams.end()
        await running.over()


async def test_an_idle_time_ends_what_would_go_on_for_ever(host2: Host) -> None:
    async with relay_on(host2, "STDIO", "UDP4-RECV:6666", flow=Flow.BACKWARD, idle_s=0.05) as running:
        await running.over()


async def test_in_the_linger_time_answers_still_come(host1: Host, host2: Host) -> None:
    with socat(host1, "UDP4-RECVFROM:7001,fork", "SYSTEM:cat; echo late"):
        async with relay_on(host2, "STDIO", "UDP4-DATAGRAM:192.168.10.1:7001", linger_s=3600) as running:
            running.streams.say("early")
            running.streams.end()
            await running.streams.hears("late")
            assert not running.task.done()


@pytest.mark.parametrize(
    ("first", "second", "flow", "reason"),
    [
        ("STDIO", "EXEC:cat", Flow.BOTH, "neither of the two is a datagram socket"),
        ("UDP4-RECVFROM:1,fork", "UDP4-RECVFROM:2", Flow.BOTH, "only one of the two can be RECVFROM"),
        ("STDIO", "UDP4-RECV:6666", Flow.FORWARD, "RECV only receives"),
        ("UDP4-RECV:6666", "STDIO", Flow.BACKWARD, "RECV only receives"),
        ("UDP4-RECV:6666,reuseport", "STDIO", Flow.BOTH, "reuseport is not offered"),
        ("UDP4-RECVFROM:6666,max-children=3", "STDIO", Flow.BOTH, "max-children"),
        ("UDP4-RECVFROM:6666,fork", "EXEC:no-such-program", Flow.BOTH, "no such command"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_opened(
    host2: Host, first: str, second: str, flow: Flow, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        async with relay_on(host2, first, second, flow=flow):
            pass


async def test_a_port_in_use_is_refused_with_who_has_it(host2: Host) -> None:
    with socat(host2, "-u", "UDP4-RECV:6666", "STDIO"), pytest.raises(McastError, match="socat") as refusal:
        async with relay_on(host2, "UDP4-RECV:6666", "STDIO", flow=Flow.FORWARD):
            pass
    assert refusal.value.errno == errno.EADDRINUSE


async def test_a_request_that_cannot_be_answered_does_not_end_the_server(host1: Host, host2: Host) -> None:
    from_port_0 = struct.pack("!HHHH", 0, 6666, 8 + 6, 0) + b"forged"
    async with relay_on(host2, "UDP4-RECVFROM:6666,fork", "EXEC:cat") as running:
        with host1.entered(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
            raw.sendto(from_port_0, ("192.168.10.2", 0))
        await eventually(lambda: running.relay.failures, "a refusal")
        with socat(host1, "STDIO", "UDP4-DATAGRAM:192.168.10.2:6666") as client:
            client.say("honest")
            await client.will_hear("honest")
    assert "a port is a number from 1 to 65535" in running.words
