"""The tap as a service: in this process, and fed by what claims to be the privileged tap."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcast_tui.capture.ring import PacketRing
from mcast_tui.errors import NetworkRefused, PermissionRefused, UsageError
from mcast_tui.net import door
from mcast_tui.net.packet_socket import refuse_tap
from mcast_tui.net.privileges import read_privileges
from mcast_tui.net.tap import FRAMES, GATHERED, Counts
from mcast_tui.services.lab.namespace import set_link
from mcast_tui.services.tap import choice, helper, streams, tap
from mcast_tui.services.tap.choice import choose_interfaces, follow_interfaces
from mcast_tui.services.tap.helper import User, find_user
from mcast_tui.services.tap.tap import TapService
from mcast_tui.wire import tap_feed
from mcast_tui.wire.columns import Addressed, Flag, empty_columns
from mcast_tui.wire.frame import LINK_COLUMNS, Direction
from mcast_tui.wire.membership.message import ControlFrame
from tests.net.test_tap import send
from tests.peers import PATIENCE_S, eventually, socat_peer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.lab.host import Host
    from mcast_tui.wire.columns import Columns


# -- in this process


async def test_it_tells_who_sends_to_groups_nobody_joined(host1: Host, host2: Host, host3: Host) -> None:
    with host1.entered():
        service = TapService(ring_packets=4096, ring_bytes=1 << 20)
        service.start()
    try:
        for payload in (b"one", b"two", b"three"):
            send(host2, payload, "239.7.7.7", port=7777)
        send(host3, b"four", "255.255.255.255", port=7777)
        await eventually(lambda: len([each for each in service.streams() if each.port == 7777]) == 2, "both")
        await eventually(
            lambda: sum(each.packets for each in service.streams() if each.port == 7777) == 4, "all four"
        )
        found = {str(each.source): each for each in service.streams() if each.port == 7777}
        state, counts = service.state, service.counts
    finally:
        await service.close()

    group = found[str(host2.address4)]
    assert (group.destination, group.packets, group.bytes) == (IPv4Address("239.7.7.7"), 3, 11)
    assert (group.protocol, group.vlan, group.is_outgoing) == (None, None, False)
    assert group.first_seen <= group.last_seen
    assert found[str(host3.address4)].destination == IPv4Address("255.255.255.255")
    assert (state.is_open, state.interfaces, state.way) == (True, ("eth0",), "in this process")
    assert state.error is None
    assert counts == tap.TapCounts()


async def test_it_says_when_membership_messages_wait(host1: Host, host2: Host) -> None:
    heard = asyncio.Event()
    with host1.entered():
        service = TapService(ring_packets=4096, ring_bytes=1 << 20, heard=heard.set)
        service.start()
    try:
        with socat_peer(host2, "224.1.0.1"):
            frames: list[ControlFrame] = []
            async with asyncio.timeout(PATIENCE_S):
                while not any(frame.packet[12:16] == host2.address4.packed for frame in frames):
                    await heard.wait()
                    heard.clear()
                    frames += service.control_frames()
    finally:
        await service.close()

    assert not any(frame.is_outgoing for frame in frames if frame.packet[12:16] == host2.address4.packed)


async def test_nobody_is_told_that_something_waits_once_it_is_being_closed(host1: Host) -> None:
    told: list[str] = []
    frame = ControlFrame(1, 2, False, bytes(6), None, b"\x46")
    with host1.entered():
        service = TapService(ring_packets=1024, ring_bytes=1 << 17, heard=lambda: told.append("heard"))
        service.start()

    service._hear_from_thread((frame,))  # as the thread does with what lies in the rings at the end
    await service.close()

    assert told == []
    assert frame in service.control_frames()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let interfaces be looked at often."""
    monkeypatch.setattr(tap, "LOOK_S", 0.02)
    monkeypatch.setattr("mcast_tui.net.tap.TICK_S", 0.02)


async def test_without_a_tappable_interface_it_says_so_until_there_is_one(host1: Host, often: None) -> None:
    with host1.entered():
        set_link(host1.interface, up=False)
        async with TapService(ring_packets=1024, ring_bytes=1 << 17) as service:
            state = service.state

            set_link(host1.interface, up=True)
            await eventually(lambda: service.state.is_open, "an open tap")
            opened = service.state

    assert not state.is_open
    assert isinstance(state.error, NetworkRefused)
    assert "none is up" in state.error.reason
    assert (opened.interfaces, opened.error) == (("eth0",), None)


async def test_interfaces_that_come_later_are_tapped_as_well(make_lab, often: None) -> None:
    lab = make_lab(2, lans=2)
    host = lab.host(1)
    lab.remove(1, 1)
    with host.entered():
        async with TapService(ring_packets=4096, ring_bytes=1 << 20) as service:
            before = service.state.interfaces
            lab.insert(1, 1)
            await eventually(lambda: service.state.interfaces == ("eth0", "eth1"), "both interfaces")
            send(lab.host(2), b"on the other LAN", "239.7.7.8", lan=1)
            await eventually(
                lambda: [each for each in service.streams() if str(each.destination) == "239.7.7.8"],
                "the packet",
            )
            error = service.state.error
            host.run(["ip", "link", "del", "eth1"])
            await eventually(lambda: "eth1 is gone" in str(service.state.error), "word of it")
            for rest in ("add other type veth peer name end", "set other up"):
                host.run(["ip", "link", *rest.split()])
            await eventually(lambda: service.state.interfaces == ("eth0", "other"), "the new one")
            await eventually(lambda: service.state.error is None, "no error")
            sockets = len(service._tap.sockets)

    assert (before, error, sockets) == (("eth0",), None, 2)


# -- fed by another process, which may say anything


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Return a directory with a short name: a Unix socket's has 107 bytes at most."""
    with TemporaryDirectory(prefix="tap") as short:
        yield Path(short)


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let this process have no privilege, and look for the tap often, in a directory of its own."""

    def refuse(*_: object, **__: object) -> None:
        raise refuse_tap(PermissionError(1, "not permitted"))

    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(tap, "Tap", refuse)
    monkeypatch.setattr(tap, "LOOK_S", 0.01)
    monkeypatch.setattr(tap, "SILENCE_S", PATIENCE_S)


class FakeTap:
    """Somebody at the door."""

    def __init__(self) -> None:
        self.socket, self.path = door.open_door(door.network_namespace())
        self.reader: socket.socket | None = None

    async def admit(self) -> None:
        self.reader, _ = await asyncio.get_running_loop().sock_accept(self.socket)

    async def say(self, message: bytes) -> None:
        assert self.reader is not None
        await asyncio.get_running_loop().sock_sendall(self.reader, message)

    def hang_up(self) -> None:
        assert self.reader is not None
        self.reader.close()


@pytest.fixture
def fake(unprivileged: None) -> Iterator[FakeTap]:
    somebody = FakeTap()
    yield somebody
    if somebody.reader is not None:
        somebody.hang_up()
    door.close_door(somebody.socket, somebody.path)


HELLO = tap_feed.encode_hello(tap_feed.Hello(tap_feed.VERSION, ""))


def status_of(*interfaces: str, troubles: tuple[str, ...] = ()) -> bytes:
    return tap_feed.encode_status(tap_feed.Status(1, 2, 3, 4, interfaces, troubles))


def rows(count: int, **values: int) -> Columns:
    """Return packets from 192.168.10.2 to 239.1.1.1:6666, some columns otherwise."""
    columns = empty_columns(count)
    columns |= {name: np.zeros(count, dtype) for name, (dtype, _) in LINK_COLUMNS.items()}
    for column in columns.values():
        column[:] = 0
    columns["source"][:] = 0, 0xFFFF_C0A8_0A02
    columns["destination"][:] = 0, 0xFFFF_EF01_0101
    columns["destination_port"][:] = 6666
    columns["addressed"][:] = Addressed.MULTICAST
    columns["received_at"][:] = range(count)
    for name, value in values.items():
        columns[name][:] = value
    return columns


def batch_of(columns: Columns) -> bytes:
    count = len(columns["length"])
    nothing = np.zeros(count, np.int64)
    return tap_feed.encode_batch(columns, np.zeros((1, 32), np.uint8), nothing, nothing)


async def test_it_takes_what_the_privileged_tap_says_and_says_when_that_ends(fake: FakeTap) -> None:
    async with TapService(ring_packets=1024, ring_bytes=1 << 17) as service:
        closed = service.state
        await fake.admit()
        await fake.say(HELLO)
        await fake.say(batch_of(rows(5)))
        control = ControlFrame(1, 2, False, bytes(6), None, b"\x46")
        await fake.say(tap_feed.encode_control([control]))
        await fake.say(status_of("eth9"))
        await eventually(lambda: service.counts.not_fed, "a loss")
        state, counts, head, frames = (
            service.state,
            service.counts,
            service.ring.head,
            service.control_frames(),
        )
        fake.hang_up()
        await eventually(lambda: not service.state.is_open, "its end")
        ended = service.state.error
        await fake.admit()  # it comes again
        await fake.say(HELLO)
        await fake.say(status_of("eth8", troubles=("Cannot tap eth9.",)))
        await eventually(lambda: service.counts.not_fed == 8, "the count")
        again = service.state

    assert isinstance(closed.error, PermissionRefused)
    assert (state.is_open, state.interfaces, state.error) == (True, ("eth9",), None)
    assert state.way == f"by sudo mcast-tui tap, process {os.getpid()}"
    assert (head, frames) == (5, [control])
    assert counts == tap.TapCounts(dropped=1, refused=2, not_fed=4, control_skipped=3)
    assert "has ended" in str(ended)
    assert (again.is_open, again.interfaces, "Cannot tap eth9" in str(again.error)) == (True, ("eth8",), True)


async def test_it_is_fed_where_it_started_while_no_interface_was_up(fake: FakeTap) -> None:
    assert choose_interfaces(()) == ()  # of the tests' own namespace

    async with TapService(ring_packets=1024, ring_bytes=1 << 17) as service:
        closed = service.state
        await fake.admit()
        await fake.say(HELLO + status_of("eth9"))
        await eventually(lambda: service.state.is_open, "an open tap")

    assert isinstance(closed.error, PermissionRefused)


async def test_it_says_why_a_tap_does_not_feed_it_and_tries_again(fake: FakeTap) -> None:
    async with TapService(ring_packets=1024, ring_bytes=1 << 17) as service:
        await fake.admit()
        await fake.say(tap_feed.encode_hello(tap_feed.Hello(tap_feed.VERSION, "it has readers enough")))
        fake.hang_up()
        await eventually(lambda: "it has readers enough" in str(service.state.error), "word of it")
        refused = service.state
        await fake.admit()
        await fake.say(HELLO + status_of("eth9"))
        await eventually(lambda: service.state.is_open, "an open tap")

    assert (refused.is_open, service.state.error) == (False, None)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"\xff" * 64, id="noise"),
        pytest.param(batch_of(rows(1)), id="no greeting"),
        pytest.param(HELLO + batch_of(rows(3, direction=9)), id="an impossible row"),
        pytest.param(HELLO + tap_feed.HEADER.pack(2, tap_feed.LARGEST_BODY + 1), id="too long"),
        pytest.param(HELLO + HELLO, id="two greetings"),
    ],
)
async def test_a_feed_that_is_none_is_refused_and_another_one_taken(fake: FakeTap, message: bytes) -> None:
    async with TapService(ring_packets=1024, ring_bytes=1 << 17) as service:
        await fake.admit()
        await fake.say(message)
        await eventually(lambda: "not to be understood" in str(service.state.error), "word of it")
        refused = service.state
        fake.hang_up()
        await fake.admit()
        await fake.say(HELLO + status_of("eth9"))
        await eventually(lambda: service.state.is_open, "an open tap")

    assert (refused.is_open, service.ring.head) == (False, 0)


def test_a_directory_that_others_may_enter_is_not_looked_into(
    unprivileged: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = door.network_namespace()
    monkeypatch.setattr(door, "_own_directory", lambda uid: tmp_path / f"mcast-tui-{uid}")
    listening, path = door.open_door(number)
    found = door.connect_to_door(number)
    assert found is not None
    found[0].close()

    tmp_path.chmod(0o755)

    assert door.connect_to_door(number) is None
    door.close_door(listening, path)
    own = tmp_path / f"mcast-tui-{os.geteuid()}"
    listening, path = door.open_door(number)
    assert path.parent == own
    assert own.stat().st_mode & 0o777 == 0o700
    door.close_door(listening, path)
    own.rmdir()
    own.symlink_to("/tmp")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(own))
    with pytest.raises(NetworkRefused, match="alone"):
        door.open_door(number)


def test_what_one_look_brings_of_the_largest_packets_may_wait_for_a_reader() -> None:
    packet = tap_feed.LARGEST_BODY / tap_feed.MOST_PACKETS

    assert FRAMES * GATHERED * packet <= helper.WAITING_BYTES


async def test_a_reader_that_does_not_read_is_kept_from_whole_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(helper, "WAITING_BYTES", 1000)
    ours, theirs = socket.socketpair()
    reader = helper._Reader(ours, Counts(captured=100, dropped=20, refused=3, control_skipped=4))
    message = bytes(400)

    for _ in range(5):
        reader.offer(message, 7, 2)

    assert reader.not_fed == 21
    counts = Counts(captured=150, dropped=25, refused=4, control_skipped=5)
    assert reader.status(counts, ("e",), ()) == tap_feed.Status(5, 1, 1 + 6, 21, ("e",), ())
    ours.setblocking(False)
    theirs.setblocking(False)
    sending = asyncio.create_task(reader.send_all())
    received = 0
    while received < 800:
        received += len(await asyncio.get_running_loop().sock_recv(theirs, 4096))
    await eventually(lambda: reader._waiting_bytes == 0, "the end of what waits")
    reader.offer(message, 7)
    assert (received, reader.not_fed) == (800, 21)
    sending.cancel()
    await asyncio.wait([sending])
    ours.close()
    theirs.close()


async def test_of_readers_that_come_together_no_more_are_let_in_than_may(
    unprivileged: None, monkeypatch: pytest.MonkeyPatch, host1: Host
) -> None:
    kept = read_privileges()
    monkeypatch.setattr(helper, "drop_privileges", lambda *_: kept)
    said: list[str] = []
    with host1.entered(), ExitStack() as clients:
        feeding = helper.Helper(("eth0",), User(os.geteuid(), os.getegid()), said.append)

        def connect() -> socket.socket:
            found = door.connect_to_door(door.network_namespace())
            assert found is not None
            return clients.enter_context(found[0])

        sockets = [connect() for _ in range(helper.MOST_READERS + 1)]  # as many as the kernel keeps waiting
        running = asyncio.create_task(feeding.run())
        told = [await hello_from(sock) for sock in sockets]
        told.append(await hello_from(connect()))
        running.cancel()
        await asyncio.wait([running])
        feeding.close()

    assert [each.refusal != "" for each in told] == [False] * helper.MOST_READERS + [True] * 2
    assert sum("one too many" in each for each in said) == 1


async def hello_from(sock: socket.socket) -> tap_feed.Hello:
    """Return the first message that comes."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_S):
        said = await loop.sock_recv(sock, tap_feed.HEADER.size)
        kind, length = tap_feed.decode_header(said)
        return tap_feed.decode_hello(kind, await loop.sock_recv(sock, length))


async def test_a_tap_that_has_been_stopped_is_not_said_to_be_open(
    fake: FakeTap, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with TapService(ring_packets=1024, ring_bytes=1 << 17) as service:
        await fake.admit()
        await fake.say(HELLO + status_of("eth9"))
        await eventually(lambda: service.state.is_open, "an open tap")
        monkeypatch.setattr(tap, "SILENCE_S", 0.05)  # from the next message on
        await fake.say(status_of("eth9"))
        await eventually(lambda: not service.state.is_open, "its end")
        assert "said nothing" in str(service.state.error)


def test_the_tap_is_for_who_called_sudo_unless_another_is_named() -> None:
    called = {"SUDO_UID": "1000", "SUDO_GID": "100"}
    expected = User(1000, 100) if os.geteuid() == 0 else User(os.geteuid(), os.getegid())

    assert find_user(None, called) == expected
    assert find_user(None, {}) == User(os.geteuid(), os.getegid())
    assert find_user("root", called) == find_user("0", called) == User(0, 0)
    with pytest.raises(UsageError, match="no such user"):
        find_user("no-such-user", {})


# -- streams


def table_of(*batches: Columns) -> streams.StreamTable:
    ring = PacketRing(1 << 17, 1 << 17, LINK_COLUMNS)
    table = streams.StreamTable(ring)
    for columns in batches:
        count = len(columns["length"])
        nothing = np.zeros(count, np.int64)
        ring.append_blocks(columns, np.zeros((1, 32), np.uint8), nothing, nothing)
    return table


def test_streams_are_told_apart_by_all_that_makes_them_different() -> None:
    different = [
        {},
        {"destination_port": 6667},
        {"destination_port": 17, "flags": Flag.RAW},
        {"ifindex": 4},
        {"vlan": 5},
        {"direction": Direction.OUTGOING},
    ]
    table = table_of(*(rows(3, length=10, **{"vlan": -1} | values) for values in different))

    found = table.update()

    assert [(each.packets, each.bytes) for each in found] == [(3, 30)] * len(different)
    assert {each.protocol for each in found} == {None, 17}
    assert table.update() == found


def test_what_is_unicast_or_a_later_fragment_is_no_stream() -> None:
    later = Flag.RAW | Flag.FRAGMENT
    table = table_of(rows(2, addressed=Addressed.UNICAST), rows(2, flags=later))

    assert table.update() == []


def test_forged_sources_do_not_grow_the_table() -> None:
    flood = rows(70_000)
    flood["source"][:, 1] = 0xFFFF_0A00_0000 + np.arange(70_000, dtype=np.uint64)
    table = table_of(flood)

    found = table.update()

    assert len(found) == streams.STREAMS
    assert table.forgotten == 70_000 - streams.STREAMS
    assert found[0].source == IPv4Address(0x0A00_0000 + 69_999)


def test_more_interfaces_than_a_tap_has_are_not_left_out_without_a_word(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Following:
        def follow(self, interfaces: Sequence[Interface]) -> None:
            self.names = [each.name for each in interfaces]

    following = Following()
    with host1.entered():
        for number in range(3):
            peer = ["type", "veth", "peer", "name", f"peer{number}"]
            host1.run(["ip", "link", "add", f"more{number}", "up", *peer])
        monkeypatch.setattr(choice, "MOST_INTERFACES", 2)
        refused = follow_interfaces(following, ())
        for number in range(3):
            host1.run(["ip", "link", "del", f"more{number}"])

    assert len(following.names) == 2
    assert "2 of 4 are, which are the most at once" in str(refused)
