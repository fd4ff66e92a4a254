"""The tap on a lab host, beside a tcpdump on the same host."""

from __future__ import annotations

import errno
import json
import socket
import struct
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.capture.ring import PacketRing
from mcast_tui.errors import NetworkRefused, PermissionRefused
from mcast_tui.net import packet_socket, sockopt
from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.packet_socket import BLOCK_SIZE, tappable
from mcast_tui.net.tap import DENSE_PER_S, FRAMES, LATE_S, LEAST_FRAMES, MOST_PER_S, PAUSE_S, Tap, gathering_s
from mcast_tui.services.lab.namespace import set_link
from mcast_tui.wire.columns import Addressed
from mcast_tui.wire.frame import LINK_COLUMNS, Direction
from mcast_tui.wire.membership.heard import hear
from mcast_tui.wire.membership.message import Heard, Protocol
from mcast_tui.wire.tpacket import FRAME_SIZE
from tests.peers import need, tcpdump_on, wait_until
from tests.wire.frames import ethernet, ipv4, udp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab
    from mcast_tui.wire.columns import Packet
    from mcast_tui.wire.membership.message import ControlFrame


FAMILIES = {4: socket.AF_INET, 16: socket.AF_INET6}


class Tapped:
    """A running tap and what it saw."""

    def __init__(self, host: Host, *names: str, **options: int) -> None:
        self.ring = PacketRing(4096, 1 << 20, LINK_COLUMNS)
        self.control: list[ControlFrame] = []
        with host.entered():
            known = list_interfaces()
            chosen = [resolve_interface(name, known) for name in names or (host.interface,)]
            self.tap = Tap(chosen, self.ring, heard=self.control.extend, **options)
            self.tap.start()

    def numbers(self, payload: bytes) -> list[int]:
        """Return the numbers of the packets with this payload so far."""
        return [n for n in range(self.ring.head) if self.ring.payload(n) == payload]

    def wait(self, payload: bytes) -> Packet:
        """Wait for the first packet with this payload."""
        wait_until(lambda: self.numbers(payload), f"{payload!r} at the tap")
        packet = self.ring.packet(self.numbers(payload)[0])
        assert packet is not None
        return packet

    def link(self, payload: bytes) -> dict[str, int]:
        [number] = self.numbers(payload)
        columns = self.ring.read(number, number + 1, tuple(LINK_COLUMNS))[1]
        return {name: int(column[0]) for name, column in columns.items()}


@contextmanager
def tapped(host: Host, *names: str, **options: int) -> Iterator[Tapped]:
    running = Tapped(host, *names, **options)
    try:
        yield running
    finally:
        running.tap.close()
        assert running.tap.error is None


def send(
    host: Host, payload: bytes, to: str = "239.9.9.9", *, port: int = 6666, ttl: int = 1, lan: int = 0
) -> None:
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        leaving = host.lans[lan].address4(host.number).ip
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, leaving.packed)
        sock.sendto(payload, (to, port))


def send_frame(host: Host, frame: bytes) -> None:
    with host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((host.interface, 0))
        sock.send(frame)


def send6(host: Host, payload: bytes, to: str = "ff15::9", port: int = 6666) -> None:
    with host.entered(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, host.ifindex)
        sock.sendto(payload, (to, port))


def test_the_tap_sees_what_tcpdump_sees_on_that_host(host1: Host, host2: Host) -> None:
    big = bytes(range(256)) * 5
    with tapped(host1) as seen, tcpdump_on(host1) as wire:
        send(host2, b"to a group nobody joined", ttl=7)
        send(host2, b"to all", "255.255.255.255", port=6667)
        send(host2, big, "239.1.1.1")
        send6(host2, b"six")
        wire.packets(4)
        send(host1, b"our own", "239.1.1.2")
        theirs = wire.packets(5)
        ours = [seen.wait(packet.payload) for packet in theirs]
        fields = wire.fields("eth.src", "eth.dst")
        link = [seen.link(packet.payload) for packet in theirs]

    assert len(theirs) == 5
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.source, mine.source_port) == (other.source, other.source_port)
        assert (mine.destination, mine.destination_port) == (other.destination, other.destination_port)
        assert (mine.hop_limit, mine.traffic_class) == (other.hop_limit, other.traffic_class)
        assert (mine.length, mine.payload) == (other.length, other.payload)
        assert mine.received_at / 1e9 == pytest.approx(other.at, abs=0.5)
    for columns, (source, destination) in zip(link, fields, strict=True):
        macs = (columns["source_mac"], columns["destination_mac"])
        assert [value.to_bytes(6, "big").hex(":") for value in macs] == [source, destination]
    to_all = [packet.payload for packet in ours if packet.addressed == Addressed.BROADCAST]
    to_groups = {packet.payload for packet in ours if packet.addressed == Addressed.MULTICAST}
    assert (to_all, len(to_groups)) == ([b"to all"], 4)
    assert [columns["direction"] for columns in link] == [*[Direction.INCOMING] * 4, Direction.OUTGOING]
    assert (seen.tap.counts.dropped, seen.tap.counts.refused) == (0, 0)


def test_a_join_elsewhere_is_heard_as_a_control_frame(host1: Host, host2: Host) -> None:
    group = socket.inet_aton("239.5.5.5")
    with tapped(host1) as seen, host2.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("@4s4si", group, b"", host2.ifindex)
        )
        wait_until(lambda: any(group in frame.packet for frame in seen.control), "the report")

    [frame, *_] = [frame for frame in seen.control if group in frame.packet]
    assert (frame.ifindex, frame.is_outgoing, frame.vlan) == (host1.ifindex, False, None)
    assert frame.packet[:1] == b"\x46"
    heard = hear(frame)
    assert isinstance(heard, Heard)
    assert (heard.source, heard.message.protocol) == (host2.address4, Protocol.IGMPV3)


def test_unicast_is_left_out_unless_the_tap_is_promiscuous(host1: Host, host2: Host) -> None:
    nobody = bytes.fromhex("02000000beef")  # so the switch floods it
    frame = ethernet(0x0800, ipv4(17, udp(b"to another"), to=IPv4Address("192.168.10.77")), to=nobody)

    with tapped(host1) as plain, tapped(host1, is_promiscuous=True) as everything:
        send_frame(host2, frame)
        everything.wait(b"to another")
        send(host2, b"then this")
        plain.wait(b"then this")

        assert plain.numbers(b"to another") == []
        assert everything.link(b"to another")["direction"] == Direction.OTHER_HOST


@pytest.mark.parametrize(("is_promiscuous", "asked"), [(False, (0, 1)), (True, (1, 0))])
def test_a_card_is_asked_for_all_groups_or_for_everything_and_only_while_it_is_tapped(
    host1: Host, is_promiscuous: bool, asked: tuple[int, int]
) -> None:
    """A virtual cable filters no address, so nothing else shows it."""
    need("ip")

    def modes() -> tuple[int, int]:
        [link] = json.loads(host1.run(["ip", "-json", "-details", "link", "show", host1.interface]).stdout)
        return link["promiscuity"], link["allmulti"]

    assert modes() == (0, 0)
    with tapped(host1, is_promiscuous=is_promiscuous):
        assert modes() == asked
    assert modes() == (0, 0)


def test_a_group_s_packet_to_the_host_s_own_mac_address_is_shown(host1: Host, host2: Host) -> None:
    need("ip")
    [link] = json.loads(host1.run(["ip", "-json", "link", "show", host1.interface]).stdout)
    frame = ethernet(
        0x0800, ipv4(17, udp(b"as access points do")), to=bytes.fromhex(link["address"].replace(":", ""))
    )

    with tapped(host1) as seen:
        send_frame(host2, frame)
        packet = seen.wait(b"as access points do")

    assert packet.addressed == Addressed.MULTICAST


@pytest.mark.parametrize("tag", [0x8100, 0x88A8, 0x9100])
@pytest.mark.parametrize("is_promiscuous", [False, True])
def test_what_is_tagged_twice_is_seen_with_its_outermost_vlan(
    host1: Host, host2: Host, tag: int, is_promiscuous: bool
) -> None:
    frame = ethernet(0x0800, ipv4(17, udp(b"tagged")), (tag, 42), (0x8100, 7))

    with tapped(host1, is_promiscuous=is_promiscuous) as seen:
        send_frame(host2, frame)
        packet = seen.wait(b"tagged")

    assert (seen.link(b"tagged")["vlan"], packet.addressed) == (42, Addressed.MULTICAST)


def test_a_tap_hears_again_when_its_interface_is_up_again(
    lab: Lab, host1: Host, host2: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcast_tui.net.tap.TICK_S", 0.05)
    with tapped(host1) as seen:
        send(host2, b"before")
        seen.wait(b"before")
        with host1.entered():
            set_link(host1.interface, up=False)
        wait_until(lambda: seen.tap.refusals, "the refusal")
        [refused] = seen.tap.refusals
        with host1.entered():
            set_link(host1.interface, up=True)
        wait_until(lambda: not seen.tap.refusals, "the interface to be up")
        lab.plug(1)
        send(host2, b"after")
        seen.wait(b"after")

    assert "is down" in refused.reason


@pytest.fixture
def lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a tap that has seen one frame pause for longer than any test waits."""
    monkeypatch.setattr("mcast_tui.net.tap.DENSE_PER_S", 0)
    monkeypatch.setattr("mcast_tui.net.tap.GROWTH", 3000)
    monkeypatch.setattr("mcast_tui.net.tap.MOST_PER_S", FRAMES / 60)


def test_igmp_and_mld_are_not_waited_for_while_frames_gather(
    lingering: None, host1: Host, host2: Host
) -> None:
    groups = IPv4Address("239.5.5.5").packed, IPv6Address("ff15::5:5").packed
    with tapped(host1) as seen:
        for group in groups:
            send(host2, b"before")
            with host2.entered(), socket.socket(FAMILIES[len(group)], socket.SOCK_DGRAM) as sock:
                sockopt.join_group(sock, ip_address(group), host2.ifindex)
                wait_until(
                    lambda group=group: any(group in each.packet for each in seen.control), "the report"
                )


@given(st.integers(LEAST_FRAMES, FRAMES), st.floats(0, 1), st.floats(DENSE_PER_S, 10 * MOST_PER_S))
def test_a_pause_ends_before_what_comes_or_may_begin_to_come_fills_the_ring(
    frames: int, filled: float, per_s: float
) -> None:
    waiting = int(filled * frames)

    pause = gathering_s(frames, waiting, per_s)

    if pause > PAUSE_S:
        assert waiting + per_s * (pause + LATE_S) <= frames + 1
        assert MOST_PER_S * pause <= frames + 1


@pytest.mark.parametrize("is_filling", [True, False])
def test_halfway_through_a_long_pause_a_ring_that_is_filling_is_read_and_no_other(
    is_filling: bool, host1: Host, host2: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcast_tui.net.tap.GLANCE_S", 0)  # each is long
    room = 2 * BLOCK_SIZE // FRAME_SIZE
    monkeypatch.setattr("mcast_tui.net.tap.FRAMES", room)
    monkeypatch.setattr("mcast_tui.net.tap.LEAST_FRAMES", room)
    heads: list[int] = []

    def wait(tap: Tap, _seconds: float) -> bool:
        heads.append(seen.ring.head)
        if len(heads) == 1:
            before = tap.count().captured
            for _ in range(room // 2 if is_filling else room // 8):
                send(host2, b"more")
            wait_until(lambda: tap.count().captured >= before + room // 8, "them to lie in the ring")
        return False

    monkeypatch.setattr(Tap, "_wait_for_bells", wait)
    with tapped(host1) as seen:
        send(host2, b"first")
        wait_until(lambda: len(heads) > 2, "two pauses")

    assert (heads[1] > heads[0]) is is_filling
    assert heads[2] > heads[0]


def test_what_lies_in_the_ring_at_the_end_is_read(lingering: None, host1: Host, host2: Host) -> None:
    with tapped(host1) as seen:
        send(host2, b"first")
        seen.wait(b"first")
        before = seen.tap.count().captured
        send(host2, b"last")
        wait_until(lambda: seen.tap.count().captured > before, "the kernel to have it")

    assert len(seen.numbers(b"last")) == 1


@pytest.mark.parametrize("is_same_index", [False, True])
def test_a_card_that_is_put_in_again_is_tapped_again(
    lab: Lab, host1: Host, host2: Host, is_same_index: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcast_tui.net.tap.TICK_S", 0.05)
    index = host1.ifindex
    with tapped(host1) as seen:
        lab.remove(1)
        # It goes down before it goes.
        wait_until(lambda: any("is gone" in each.reason for each in seen.tap.refusals), "the refusal")
        lab.insert(1, ifindex=index if is_same_index else index + 40)
        wait_until(lambda: not seen.tap.refusals, "the interface to be tapped again")
        send(host2, b"after")
        packet = seen.wait(b"after")
        with host2.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sockopt.join_group(sock, IPv4Address("239.5.5.6"), host2.ifindex)
            wait_until(lambda: any(b"\xef\x05\x05\x06" in each.packet for each in seen.control), "the report")

    assert packet.ifindex == (index if is_same_index else index + 40)


def test_a_renamed_interface_is_tapped_on_and_called_by_its_name(
    host1: Host, host2: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcast_tui.net.tap.TICK_S", 0.05)
    index = host1.ifindex
    with tapped(host1) as seen:
        for change in ("eth0 down", "eth0 name lan0", "lan0 up"):
            host1.run(["ip", "link", "set", *change.split()])
        wait_until(lambda: seen.tap.sockets[0].interface.name == "lan0", "its name")
        wait_until(lambda: not seen.tap.refusals, "the interface to be up")
        # The switch forwards to it some time after the carrier is back.
        wait_until(lambda: send(host2, b"after") or seen.numbers(b"after"), "a packet")
        packet = seen.wait(b"after")

    assert packet.ifindex == index


def test_an_interface_that_is_gone_is_said_to_be_and_the_others_are_heard_on(make_lab) -> None:
    lab = make_lab(2, lans=2)
    host = lab.host(1)
    with tapped(host, "eth0", "eth1") as seen:
        host.run(["ip", "link", "del", "eth1"])
        wait_until(lambda: any("eth1 is gone" in each.reason for each in seen.tap.refusals), "the refusal")
        send(lab.host(2), b"still there", "239.9.9.9")
        seen.wait(b"still there")

    assert [each.exit_status for each in seen.tap.refusals] == [NetworkRefused.exit_status]


def test_what_finds_the_ring_full_is_counted_as_dropped(host1: Host, host2: Host, monkeypatch) -> None:
    room = 2 * BLOCK_SIZE // FRAME_SIZE
    monkeypatch.setattr("mcast_tui.net.tap.FRAMES", room)
    monkeypatch.setattr("mcast_tui.net.tap.LEAST_FRAMES", room)
    running = Tapped.__new__(Tapped)
    running.ring, running.control = PacketRing(4096, 1 << 20, LINK_COLUMNS), []
    with host1.entered():
        chosen = [resolve_interface(host1.interface, list_interfaces())]
        running.tap = Tap(chosen, running.ring, heard=running.control.extend)
    for number in range(room + 172):
        send(host2, b"%d" % number)
    wait_until(lambda: running.tap.count().dropped >= 172, "the drops")  # nobody reads yet

    running.tap.start()
    wait_until(lambda: running.ring.head, "what the ring holds")
    running.tap.close()

    assert running.tap.counts.captured + running.tap.counts.dropped >= room + 172
    assert running.tap.counts.captured >= room  # what hosts say of themselves may be among these
    assert room // 2 < running.ring.head <= running.tap.counts.captured


def test_where_one_of_two_sockets_is_refused_none_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []

    def open_once() -> socket.socket:
        if opened:
            raise OSError(errno.EMFILE, "Too many open files")
        opened.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        return opened[0]

    monkeypatch.setattr(packet_socket, "_open", open_once)

    with pytest.raises(NetworkRefused, match="Too many open files"):
        packet_socket.open_sockets()

    assert opened[0].fileno() < 0


def refuse_sockets() -> NoReturn:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_prepared_sockets_serve_interfaces_that_come_when_no_more_may_be_opened(
    make_lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = make_lab(2, lans=3)
    host, other = lab.host(1), lab.host(2)
    with tapped(host, "eth0", prepared=2) as seen, host.entered():
        monkeypatch.setattr(packet_socket, "_open", refuse_sockets)
        first, second = (resolve_interface(name, list_interfaces()) for name in ("eth1", "eth2"))
        seen.tap.follow([first])
        wait_until(lambda: send(other, b"there", lan=1) or seen.numbers(b"there"), "a packet")
        packet = seen.wait(b"there")
        with pytest.raises(PermissionRefused):
            seen.tap.follow([second])
        heard = seen.tap.heard

    assert (packet.ifindex, heard) == (first.index, ("eth0", "eth1"))


def test_prepared_sockets_that_an_interface_could_not_use_serve_the_next_one(
    make_lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(_: object) -> NoReturn:
        raise OSError(errno.ENODEV, "No such device")

    lab = make_lab(2, lans=2)
    host, other = lab.host(1), lab.host(2)
    with tapped(host, "eth0", prepared=2) as seen, host.entered():
        monkeypatch.setattr(packet_socket, "_open", refuse_sockets)
        chosen = [resolve_interface("eth1", list_interfaces())]
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(packet_socket.PacketSocket, "_listen", vanish)  # its ring is there by then
            with pytest.raises(NetworkRefused, match="gone"):
                seen.tap.follow(chosen)
        seen.tap.follow(chosen)
        wait_until(lambda: send(other, b"there", lan=1) or seen.numbers(b"there"), "a packet")


def test_the_default_leaves_out_the_loopback_and_what_is_down(host1: Host) -> None:
    with host1.entered():
        before = [each.name for each in tappable(list_interfaces())]
        set_link(host1.interface, up=False)
        after = [each.name for each in tappable(list_interfaces())]

    assert (before, after) == ([host1.interface], [])
