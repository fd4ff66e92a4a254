from __future__ import annotations

import errno
import os
import select
import socket
import struct
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcast_tui.capture.ring import PacketRing
from mcast_tui.net import receiver as receiver_module
from mcast_tui.net.ports import open_group, open_port
from mcast_tui.net.receiver import Admission, Intake, Receiver, Tally
from mcast_tui.wire.batch import BATCH_SIZE, Batch
from mcast_tui.wire.columns import Addressed, Columns, Flag, Packet, address_words, empty_columns
from tests.peers import PATIENCE_S, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.wire.columns import Column

LOOPBACK = socket.if_nametoindex("lo")
PORT = 6666
GROUP = IPv4Address("239.1.2.3")
METHODS = pytest.mark.parametrize("use_recvmmsg", [True, False], ids=["recvmmsg", "recvmsg"])


class Bench:
    """A ring, a receiver that is not started yet, and sockets that are closed after the test."""

    def __init__(self, resources: ExitStack, **options: object) -> None:
        self._resources = resources
        self.ring = PacketRing(100_000, 1 << 20)
        self.receiver = Receiver(options.pop("sink", self.ring), **options)
        resources.callback(self.receiver.close)

    def keep(self, sock: socket.socket) -> socket.socket:
        return self._resources.enter_context(sock)

    def listen(self, port: int = PORT, family: int = 4, receive_buffer: int = 1 << 20) -> socket.socket:
        return self.keep(open_port(family, port, receive_buffer=receive_buffer))

    def sender(self, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        sock = self.keep(socket.socket(family, socket.SOCK_DGRAM))
        sock.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        return sock

    def packets(self, count: int) -> list[Packet]:
        wait_until(lambda: self.ring.head >= count or self.receiver.error)
        return [packet for number in range(count) if (packet := self.ring.packet(number))]


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    with ExitStack() as resources:
        yield partial(Bench, resources)


# -- what is known of a packet


@METHODS
def test_a_unicast_packet_arrives_with_all_the_kernel_says(
    bench: Callable[..., Bench], use_recvmmsg: bool
) -> None:
    node = bench(use_recvmmsg=use_recvmmsg)
    sender = node.sender()
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 9)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x28)
    intake = node.receiver.add(node.listen(), PORT)
    node.receiver.start()
    before = time.time_ns()
    sender.sendto(b"hello\n", ("127.0.0.2", PORT))
    [packet] = node.packets(1)
    assert before <= packet.received_at <= time.time_ns()
    expected = Packet(
        number=0,
        received_at=packet.received_at,
        kernel_time=True,
        source=IPv4Address("127.0.0.1"),
        source_port=sender.getsockname()[1],
        destination=IPv4Address("127.0.0.2"),
        destination_port=PORT,
        addressed=Addressed.UNICAST,
        ifindex=LOOPBACK,
        local_address=IPv4Address("127.0.0.2"),
        hop_limit=9,
        traffic_class=0x28,
        length=6,
        payload=b"hello\n",
        truncated=False,
        own=False,
        refused=False,
    )
    assert packet == expected
    wait_until(lambda: intake.tally.packets)
    assert (intake.tally.bytes, intake.tally.unicast, intake.tally.multicast) == (6, 1, 0)


@METHODS
def test_an_ipv6_packet_arrives_with_all_the_kernel_says(
    bench: Callable[..., Bench], use_recvmmsg: bool
) -> None:
    node = bench(use_recvmmsg=use_recvmmsg)
    sender = node.sender(socket.AF_INET6)
    sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 3)
    sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0x28)
    node.receiver.add(node.listen(family=6), PORT)
    node.receiver.start()
    sender.sendto(b"six", ("::1", PORT))
    [packet] = node.packets(1)
    assert packet.source == packet.destination == IPv6Address("::1")
    assert (packet.source_port, packet.destination_port) == (sender.getsockname()[1], PORT)
    assert (packet.addressed, packet.ifindex, packet.local_address) == (Addressed.UNICAST, LOOPBACK, None)
    assert (packet.hop_limit, packet.traffic_class, packet.payload) == (3, 0x28, b"six")
    assert packet.kernel_time


@METHODS
def test_broadcast_and_multicast_are_told_from_unicast(
    bench: Callable[..., Bench], use_recvmmsg: bool
) -> None:
    node = bench(use_recvmmsg=use_recvmmsg)
    sender = node.sender()
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    group = node.keep(open_group(GROUP, PORT, receive_buffer=1 << 20))
    membership = GROUP.packed + socket.inet_aton("127.0.0.1")
    group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    port_intake = node.receiver.add(node.listen(), PORT)
    group_intake = node.receiver.add(group, PORT)
    node.receiver.start()
    for destination in (str(GROUP), "127.255.255.255", "127.0.0.1"):
        sender.sendto(destination.encode(), (destination, PORT))
    said = {packet.payload: (str(packet.destination), packet.addressed) for packet in node.packets(3)}
    assert said == {
        b"239.1.2.3": ("239.1.2.3", Addressed.MULTICAST),
        b"127.255.255.255": ("127.255.255.255", Addressed.BROADCAST),
        b"127.0.0.1": ("127.0.0.1", Addressed.UNICAST),
    }
    wait_until(lambda: port_intake.tally.packets == 2 and group_intake.tally.packets == 1)
    assert (port_intake.tally.unicast, port_intake.tally.broadcast, port_intake.tally.multicast) == (1, 1, 0)
    assert group_intake.tally.multicast == 1


def test_an_interface_without_an_address_still_tells_broadcast(
    bench: Callable[..., Bench], lab: object
) -> None:
    host = lab.host(2)
    with host.entered():
        os.system("ip -4 addr flush dev eth0")
        node = bench()
        node.receiver.add(node.listen(), PORT)
        node.receiver.start()
    with lab.host(1).entered():
        sender = node.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.sendto(b"anyone?", ("255.255.255.255", PORT))
    [packet] = node.packets(1)
    assert packet.addressed is Addressed.BROADCAST
    assert packet.local_address is None
    assert packet.ifindex


@METHODS
def test_a_drop_counter_or_a_missing_option_changes_no_other_field(
    bench: Callable[..., Bench], use_recvmmsg: bool
) -> None:
    node = bench(use_recvmmsg=use_recvmmsg)
    sock = node.listen(receive_buffer=4096)
    sock.setsockopt(socket.SOL_SOCKET, 40, 1)  # SO_RXQ_OVFL: in the middle of the layout once it dropped
    sock.setsockopt(socket.SOL_SOCKET, 35, 0)  # SO_TIMESTAMPNS off: our time, and said so
    sender = node.sender()
    intake = node.receiver.add(sock, PORT)
    for _ in range(50):
        sender.sendto(bytes(500), ("127.0.0.1", PORT))
    wait_until(intake.dropped)
    node.receiver.start()
    wait_until(lambda: intake.tally.packets + intake.dropped() == 50)
    dropped = intake.dropped()
    before = time.time_ns()
    sender.sendto(b"after", ("127.0.0.1", PORT))
    wait_until(lambda: intake.tally.packets == 51 - dropped)
    packet = node.ring.packet(50 - dropped)
    assert packet is not None
    assert packet.payload == b"after"
    assert (packet.destination, packet.ifindex) == (IPv4Address("127.0.0.1"), LOOPBACK)
    assert packet.addressed is Addressed.UNICAST
    assert packet.hop_limit == 64
    assert not packet.kernel_time
    assert before <= packet.received_at <= time.time_ns()


@METHODS
def test_a_payload_longer_than_the_buffer_is_cut_and_its_length_is_the_whole(
    bench: Callable[..., Bench], use_recvmmsg: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_module, "Batch", partial(Batch, payload_size=64))
    node = bench(use_recvmmsg=use_recvmmsg)
    sender = node.sender()
    node.receiver.add(node.listen(), PORT)
    node.receiver.start()
    sender.sendto(b"a" * 64, ("127.0.0.1", PORT))
    sender.sendto(b"b" * 65, ("127.0.0.1", PORT))
    whole, cut = node.packets(2)
    assert (whole.truncated, whole.length, whole.payload) == (False, 64, b"a" * 64)
    assert (cut.truncated, cut.length, cut.payload) == (True, 65, b"b" * 64)


@METHODS
@pytest.mark.parametrize("length", [0, 65_507])
def test_the_shortest_and_the_longest_datagram_arrive_whole(
    bench: Callable[..., Bench], use_recvmmsg: bool, length: int
) -> None:
    node = bench(use_recvmmsg=use_recvmmsg)
    payload = os.urandom(length)
    node.receiver.add(node.listen(), PORT)
    node.receiver.start()
    node.sender().sendto(payload, ("127.0.0.1", PORT))
    [packet] = node.packets(1)
    assert packet.payload == payload
    assert not packet.truncated


# -- whom it admits, and what else is done with a batch


@METHODS
def test_refused_packets_are_flagged_counted_and_kept(
    bench: Callable[..., Bench], use_recvmmsg: bool
) -> None:
    node = bench(use_recvmmsg=use_recvmmsg)
    good, bad = node.sender(), node.sender()
    admission = Admission(source_port=good.getsockname()[1])
    intake = node.receiver.add(node.listen(), PORT, admission)
    node.receiver.start()
    for sender in (good, bad, bad):
        sender.sendto(b"x", ("127.0.0.1", PORT))
    assert [packet.refused for packet in node.packets(3)] == [False, True, True]
    wait_until(lambda: intake.tally.packets == 3)
    assert intake.tally.refused == 2


def test_whoever_sees_a_count_grown_sees_what_belongs_to_it_too(bench: Callable[..., Bench]) -> None:
    written: list[str] = []

    class Watched(Intake):
        def __setattr__(self, name: str, value: object) -> None:
            written.append(name)
            object.__setattr__(self, name, value)

    class WatchedTally(Tally):
        def __setattr__(self, name: str, value: object) -> None:
            written.append(name)
            object.__setattr__(self, name, value)

    intake = Watched(bench().listen(), PORT, Admission(source_port=PORT), WatchedTally())
    written.clear()
    intake.count(empty_columns(3))
    assert set(written) >= {"bytes", "refused", "unicast"}
    assert written[-1] == "packets"
    intake.note_error(errno.ECONNREFUSED)
    assert written[-2:] == ["last_errno", "errors"]


@pytest.mark.parametrize(
    ("networks", "source", "refused"),
    [
        ((), "192.0.2.1", False),
        (("192.0.2.0/24",), "192.0.2.255", False),
        (("192.0.2.0/24",), "192.0.3.0", True),
        (("192.0.2.0/24", "198.51.100.7/32"), "198.51.100.7", False),
        (("0.0.0.0/0",), "203.0.113.1", False),
        (("0.0.0.0/0",), "2001:db8::1", True),
        (("2001:db8::/33",), "2001:db8:7fff::1", False),
        (("2001:db8::/33",), "2001:db8:8000::1", True),
        (("2001:db8::1/128",), "2001:db8::1", False),
        (("2001:db8::1/128",), "2001:db8::2", True),
        (("::/0",), "fe80::1", False),
    ],
)
def test_only_sources_within_the_networks_are_admitted(
    networks: tuple[str, ...], source: str, refused: bool
) -> None:
    columns = empty_columns(1)
    address = IPv6Address(source) if ":" in source else IPv4Address(source)
    columns["source"][0] = address_words(address)
    assert Admission(tuple(map(ip_network, networks))).refuses(columns).tolist() == [refused]


def test_network_and_source_port_must_both_fit() -> None:
    columns = empty_columns(2)
    columns["source"][:] = address_words(IPv4Address("192.0.2.1"))
    columns["source_port"][:] = 7, 8
    admission = Admission((ip_network("192.0.2.0/24"),), source_port=7)
    assert admission.refuses(columns).tolist() == [False, True]


def test_packets_are_marked_before_they_are_appended(bench: Callable[..., Bench]) -> None:
    def mark(columns: Columns, payloads: Column) -> None:
        assert payloads.shape[0] == len(columns["flags"])
        columns["flags"][payloads[:, 0] == ord("m")] |= np.uint8(Flag.OWN)

    node = bench(mark=mark)
    sender = node.sender()
    node.receiver.add(node.listen(), PORT)
    node.receiver.start()
    for payload in (b"mine", b"yours"):
        sender.sendto(payload, ("127.0.0.1", PORT))
    assert [packet.own for packet in node.packets(2)] == [True, False]


def test_both_batches_are_warm_before_anything_is_read(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed: list[tuple[int, int]] = []
    monkeypatch.setattr(Batch, "warm", lambda batch: warmed.append((batch.family, node.ring.head)))
    node = bench()
    node.receiver.add(node.listen(), PORT)
    node.sender().sendto(b"x", ("127.0.0.1", PORT))
    node.receiver.start()
    node.packets(1)
    assert warmed == [(4, 0), (6, 0)]


# -- many packets, many sockets


@METHODS
def test_every_packet_of_a_burst_is_kept_in_order(bench: Callable[..., Bench], use_recvmmsg: bool) -> None:
    node = bench(use_recvmmsg=use_recvmmsg)
    sender = node.sender()
    intake = node.receiver.add(node.listen(receive_buffer=16 << 20), PORT)
    node.receiver.start()
    count = 20 * BATCH_SIZE + 7
    for number in range(count):
        sender.sendto(struct.pack(">I", number) * (1 + number % 9), ("127.0.0.1", PORT))
    wait_until(lambda: intake.tally.packets + intake.dropped() == count)
    assert intake.dropped() == 0
    payloads = node.ring.payloads(range(count))
    assert payloads == [struct.pack(">I", number) * (1 + number % 9) for number in range(count)]


def test_a_flooded_socket_does_not_starve_another(bench: Callable[..., Bench]) -> None:
    node = bench()
    sender = node.sender()
    flooded, quiet = node.listen(7001, receive_buffer=16 << 20), node.listen(7002)
    intakes = [node.receiver.add(flooded, 7001), node.receiver.add(quiet, 7002)]
    for _ in range(8 * BATCH_SIZE):
        sender.sendto(b"flood", ("127.0.0.1", 7001))
    sender.sendto(b"me too", ("127.0.0.1", 7002))
    assert select.select([quiet], [], [], PATIENCE_S)[0]
    node.receiver.start()
    wait_until(lambda: sum(intake.tally.packets for intake in intakes) == 8 * BATCH_SIZE + 1)
    ports = node.ring.read(0, node.ring.head)[1]["destination_port"].tolist()
    assert ports.index(7002) <= BATCH_SIZE  # after at most one batch of the other


def test_sockets_come_and_go_while_it_runs(bench: Callable[..., Bench]) -> None:
    node = bench()
    sender = node.sender()
    node.receiver.start()
    sock = node.listen()
    for head in range(1, 21):
        intake = node.receiver.add(sock, PORT)
        sender.sendto(b"x", ("127.0.0.1", PORT))
        wait_until(lambda head=head: node.ring.head == head)
        node.receiver.remove(intake)
        node.receiver.remove(intake)
        assert not intake.is_open
    sender.sendto(b"unheard", ("127.0.0.1", PORT))
    heard = node.receiver.add(node.listen(7002), 7002)
    sender.sendto(b"heard", ("127.0.0.1", 7002))
    wait_until(lambda: heard.tally.packets)
    assert node.ring.payload(20) == b"heard"
    assert sock.recv(100) == b"unheard"  # still ours, still open


def test_after_removal_the_thread_does_not_touch_the_socket(bench: Callable[..., Bench]) -> None:
    entered, release = threading.Event(), threading.Event()

    class SlowSink:
        def append(self, columns: Columns, payloads: Column) -> None:
            entered.set()
            release.wait(PATIENCE_S)

    node = bench(sink=SlowSink())
    intake = node.receiver.add(node.listen(), PORT)
    node.receiver.start()
    node.sender().sendto(b"x", ("127.0.0.1", PORT))
    assert entered.wait(PATIENCE_S)
    remover = threading.Thread(target=node.receiver.remove, args=(intake,))
    remover.start()
    remover.join(0.05)
    assert remover.is_alive()  # it waits for the batch in hand
    assert intake.is_open
    release.set()
    remover.join(PATIENCE_S)
    assert not intake.is_open


def test_a_socket_that_takes_another_s_place_goes_on_with_its_counts(bench: Callable[..., Bench]) -> None:
    here = bench()
    sender, first = here.sender(), here.listen(receive_buffer=1)
    intake = here.receiver.add(first, PORT)
    while intake.dropped() < 3:
        sender.sendto(bytes(100), ("127.0.0.1", PORT))
    queued = here.ring.head
    second = here.listen()
    here.receiver.replace(intake, second)  # the thread does not run yet: it is read here
    queued = here.ring.head - queued
    assert queued == intake.tally.packets > 0
    assert intake.dropped() == 3
    first.close()
    here.receiver.start()
    sender.sendto(b"for the second", ("127.0.0.1", PORT))
    assert here.packets(queued + 1)[-1].payload == b"for the second"
    wait_until(lambda: intake.tally.packets == queued + 1)
    wait_until(lambda: list(here.receiver.take_moved()) == [intake])
    assert list(here.receiver.take_moved()) == []
    here.receiver.remove(intake)


def test_many_sockets_are_added_and_removed_under_traffic(bench: Callable[..., Bench]) -> None:
    node = bench()
    sender = node.sender()
    node.receiver.start()
    busy = node.receiver.add(node.listen(), PORT)
    socks = [node.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(200)]
    for sock in socks:
        sock.bind(("127.0.0.1", 0))
    sent = 0
    for _ in range(5):
        intakes = [node.receiver.add(sock, sock.getsockname()[1]) for sock in socks]
        for intake in intakes:
            sender.sendto(b"x", ("127.0.0.1", intake.port))
            sender.sendto(b"x", ("127.0.0.1", PORT))
        sent += len(socks)
        wait_until(lambda added=intakes: all(intake.tally.packets == 1 for intake in added))
        for intake in intakes:
            node.receiver.remove(intake)
    wait_until(lambda: busy.tally.packets == sent)
    assert node.receiver.error is None


# -- trouble


@METHODS
def test_an_error_on_one_socket_is_counted_and_reading_goes_on(
    bench: Callable[..., Bench], use_recvmmsg: bool
) -> None:
    node = bench(use_recvmmsg=use_recvmmsg)
    troubled = node.listen()
    troubled.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
    intake = node.receiver.add(troubled, PORT)
    node.receiver.start()
    troubled.sendto(b"nobody is there", ("127.0.0.1", 9))
    wait_until(lambda: intake.errors)
    assert intake.errors == 1
    assert intake.last_errno == errno.ECONNREFUSED
    with pytest.raises(
        BlockingIOError
    ):  # the error queue was emptied: left there it would never let us sleep
        troubled.recvmsg(0, 0, 0x2000)
    node.sender().sendto(b"still here", ("127.0.0.1", PORT))
    assert node.packets(1)[0].payload == b"still here"
    assert node.receiver.error is None


def test_a_socket_closed_behind_our_back_harms_no_other(bench: Callable[..., Bench]) -> None:
    node = bench()
    node.receiver.start()
    doomed, healthy = node.listen(7001), node.listen(7002)
    intake = node.receiver.add(doomed, 7001)
    node.receiver.add(healthy, 7002)
    doomed.close()
    node.sender().sendto(b"fine", ("127.0.0.1", 7002))
    assert node.packets(1)[0].payload == b"fine"
    node.receiver.remove(intake)
    assert node.receiver.error is None


def test_a_fault_of_the_sink_ends_the_thread_and_is_told() -> None:
    class Broken:
        def append(self, columns: Columns, payloads: Column) -> None:
            raise RuntimeError("no room")

    told: list[BaseException] = []
    with ExitStack() as resources:
        node = Bench(resources, sink=Broken(), ended=told.append)
        intake = node.receiver.add(node.listen(), PORT)
        node.receiver.start()
        node.sender().sendto(b"x", ("127.0.0.1", PORT))
        wait_until(lambda: told)
        assert isinstance(node.receiver.error, RuntimeError)
        assert told == [node.receiver.error]
        node.receiver.remove(intake)  # still possible, and does not hang


@pytest.mark.parametrize("starts", [True, False])
def test_closing_twice_is_closing_once_and_the_interpreter_gets_its_interval_back(starts: bool) -> None:
    interval = sys.getswitchinterval()
    receiver = Receiver(PacketRing(10, 1024))
    if starts:
        receiver.start()
        assert sys.getswitchinterval() < interval
    receiver.close()
    receiver.close()
    assert sys.getswitchinterval() == interval
    assert receiver.error is None


def test_the_way_to_read_is_chosen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Receiver(PacketRing(1, 32))) as receiver:
        assert receiver.method == "recvmmsg"
    with closing(Receiver(PacketRing(1, 32), use_recvmmsg=False)) as receiver:
        assert receiver.method == "recvmsg"
    monkeypatch.setattr(receiver_module, "find_recvmmsg", lambda: None)
    with closing(Receiver(PacketRing(1, 32))) as receiver:
        assert receiver.method == "recvmsg"
    with pytest.raises(ValueError, match="recvmmsg"):
        Receiver(PacketRing(1, 32), use_recvmmsg=True)


@contextmanager
def closing(receiver: Receiver) -> Iterator[Receiver]:
    try:
        yield receiver
    finally:
        receiver.close()


def test_the_receive_buffer_is_what_the_kernel_gave(bench: Callable[..., Bench]) -> None:
    node = bench()
    sock = node.listen(receive_buffer=100_000)
    assert Intake(sock, PORT).receive_buffer() == sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
