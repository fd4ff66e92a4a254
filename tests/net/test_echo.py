"""Own packets are marked, a neighbour's never: two programs on one host share address and port."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcast_tui.errors import NetworkRefused
from mcast_tui.net import echo
from mcast_tui.net.echo import RETENTION_NS, STAMP_SLACK_NS, EchoBook
from mcast_tui.net.interfaces import Interface, list_interfaces, resolve_interface
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_group, open_port
from mcast_tui.net.receiver import Receiver
from mcast_tui.net.sender import SendOptions, send_datagram
from mcast_tui.wire.columns import Column, Columns, Flag, address_words, empty_columns
from tests.peers import PATIENCE_S

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host

GROUP, GROUP6 = IPv4Address("239.1.1.1"), IPv6Address("ff15::42")
US, THEM = IPv4Address("192.168.10.1"), IPv4Address("192.168.10.2")
PORT = 6666
NOW = 1_700_000_000_000_000_000
MS = 1_000_000


class Clock:
    """A wall clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> EchoBook:
    book = EchoBook(clock)
    book.set_own_addresses([US])
    return book


def arrival(
    at: int, payload: bytes = b"hi", source=US, source_port=PORT, destination=GROUP, port=PORT
) -> tuple:
    return at, payload, source, source_port, destination, port


def marked(book: EchoBook, *arrivals: tuple, width: int = 64) -> list[bool]:
    """Let a batch of arrivals be marked and tell which rows were."""
    columns, payloads = empty_columns(len(arrivals)), np.zeros((len(arrivals), width), np.uint8)
    for row, (at, payload, source, source_port, destination, port) in enumerate(arrivals):
        columns["received_at"][row] = at
        columns["source"][row] = address_words(source)
        columns["destination"][row] = address_words(destination)
        columns["source_port"][row], columns["destination_port"][row] = source_port, port
        columns["length"][row] = len(payload)
        columns["flags"][row] = Flag.KERNEL_TIME
        kept = payload[:width]
        payloads[row, : len(kept)] = np.frombuffer(kept, np.uint8)
    book.mark(columns, payloads)
    assert all(flags & Flag.KERNEL_TIME for flags in columns["flags"])
    return [bool(flags & Flag.OWN) for flags in columns["flags"]]


def test_our_copy_is_marked_and_what_differs_in_anything_is_not(book, clock) -> None:
    book.expect(GROUP, PORT, PORT, b"hi")
    others = [
        arrival(NOW + 1, b"ho"),
        arrival(NOW + 1, b"hi!"),
        arrival(NOW + 1, source=THEM),
        arrival(NOW + 1, source_port=PORT + 1),
        arrival(NOW + 1, destination=GROUP + 1),
        arrival(NOW + 1, port=PORT + 1),
        arrival(NOW - 1),
    ]
    assert marked(book, *others, arrival(NOW + 1)) == [False] * len(others) + [True]


def test_every_copy_of_one_datagram_is_marked_but_an_equal_one_of_a_neighbour_is_not(book) -> None:
    book.expect(GROUP, PORT, PORT, b"hi")
    assert marked(book, arrival(NOW + 5), arrival(NOW + 5), arrival(NOW + 6)) == [True, True, False]
    assert marked(book, arrival(NOW + 5), arrival(NOW + 7)) == [True, False]


def test_an_equal_datagram_long_after_the_send_returned_is_a_neighbours(book, clock) -> None:
    expectation = book.expect(GROUP, PORT, PORT, b"hi")
    clock.now += 1000
    book.confirm(expectation)
    assert marked(book, arrival(clock.now + STAMP_SLACK_NS + 1)) == [False]
    assert marked(book, arrival(clock.now + STAMP_SLACK_NS)) == [True]


def test_the_same_text_sent_three_times_is_marked_three_times(book, clock) -> None:
    arrivals = []
    for _ in range(3):
        expectation = book.expect(GROUP, PORT, PORT, b"hi")
        arrivals.append(arrival(clock.now + 500))
        clock.now += 1000
        book.confirm(expectation)
    assert marked(book, *arrivals, arrival(clock.now + 1)) == [True, True, True, False]


def test_what_was_not_sent_is_not_expected(book) -> None:
    expectation = book.expect(GROUP, PORT, PORT, b"hi")
    book.forget(expectation)
    book.forget(expectation)
    assert marked(book, arrival(NOW + 1)) == [False]


def test_an_expectation_ends_after_two_seconds_and_when_the_clock_is_set_back(book, clock) -> None:
    for turn in (RETENTION_NS + 1, -RETENTION_NS - 1):
        sent = clock.now
        book.expect(GROUP, PORT, PORT, b"hi")
        clock.now += turn
        assert marked(book, arrival(sent + 1)) == [False]
        assert not book._waiting
        assert not book._by_key
        assert book._bytes == 0


def test_number_and_bytes_are_bounded_and_the_newest_stay(book, monkeypatch) -> None:
    monkeypatch.setattr(echo, "MOST_EXPECTED", 10)
    for number in range(30):
        book.expect(GROUP, PORT, PORT, b"%d" % number)
    assert marked(book, *(arrival(NOW, b"%d" % number) for number in range(30))) == [False] * 20 + [True] * 10
    monkeypatch.setattr(echo, "MOST_BYTES", 100)
    for number in range(5):
        book.expect(GROUP, PORT, PORT, b"%d" % number * 40)
    assert book._bytes == 80
    assert len(book._waiting) == sum(map(len, book._by_key.values())) == 2


def test_a_truncated_copy_is_known_by_what_is_left_of_it(book) -> None:
    book.expect(GROUP, PORT, PORT, b"a" * 100)
    rows = arrival(NOW, b"a" * 100), arrival(NOW, b"a" * 79 + b"b" * 21), arrival(NOW, b"b" * 100)
    assert marked(book, *rows, width=80) == [True, False, False]


def test_ipv6_and_an_empty_datagram_are_marked(book) -> None:
    us = ip_address("fe80::1")
    book.set_own_addresses([US, us])
    book.expect(GROUP6, PORT, PORT, b"")
    assert marked(book, arrival(NOW, b"", source=us, destination=GROUP6)) == [True]


def test_nothing_is_looked_at_while_nothing_is_expected(book) -> None:
    book.mark({}, np.zeros((0, 0), np.uint8))  # would raise KeyError if a column were asked for


def test_sending_and_marking_from_two_threads_loses_nothing() -> None:
    book = EchoBook()
    wrong: list[object] = []

    def send() -> None:
        try:
            for number in range(3000):
                book.confirm(book.expect(GROUP, PORT, PORT, b"%d" % number))
        except Exception as error:
            wrong.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    while sender.is_alive():
        marked(book, arrival(time.time_ns(), b"never sent"))
    sender.join()
    assert not wrong
    assert len(book._waiting) == sum(map(len, book._by_key.values()))


class Program:
    """One of two equal programs on a host: its own sockets, receiver and book."""

    def __init__(self, here: Interface, group: IPv4Address | IPv6Address, stack: ExitStack) -> None:
        self.group, self.own, self.foreign = group, [], []
        self.arrived = threading.Condition()
        self.book = EchoBook()
        self.book.set_own_addresses(address.ip for address in here.addresses)
        self.options = SendOptions(ifindex=here.index)
        self.port = stack.enter_context(open_port(group.version, PORT, receive_buffer=1 << 20))
        sock = stack.enter_context(open_group(group, PORT, receive_buffer=1 << 20))
        stack.enter_context(Membership(sock, group, here))
        receiver = stack.enter_context(closing(Receiver(self, mark=self.book.mark)))
        receiver.start()
        receiver.add(sock, PORT)

    def append(self, columns: Columns, payloads: Column) -> None:
        with self.arrived:
            for row, length in enumerate(columns["length"].tolist()):
                is_own = columns["flags"][row] & Flag.OWN
                (self.own if is_own else self.foreign).append(payloads[row, :length].tobytes())
            self.arrived.notify_all()

    def say(self, payload: bytes) -> None:
        send_datagram(self.port, payload, self.group, PORT, self.options, echoes=self.book)

    def await_packets(self, count: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.own) + len(self.foreign) >= count, PATIENCE_S)


@pytest.mark.parametrize("group", [GROUP, GROUP6])
def test_two_programs_that_say_the_same_on_one_port_tell_their_packets_apart(group, host1: Host) -> None:
    with host1.entered(), ExitStack() as stack:
        here = resolve_interface(host1.interface, list_interfaces())
        ada, bob = Program(here, group, stack), Program(here, group, stack)
        for _ in range(20):
            ada.say(b"hi")
            bob.say(b"hi")
        ada.say(b"only Ada")
        for program in (ada, bob):
            program.await_packets(41)
    assert (ada.own, ada.foreign) == ([b"hi"] * 20 + [b"only Ada"], [b"hi"] * 20)
    assert (bob.own, bob.foreign) == ([b"hi"] * 20, [b"hi"] * 20 + [b"only Ada"])


def test_without_loop_nothing_comes_back_to_be_taken_for_ours(host1: Host) -> None:
    with host1.entered(), ExitStack() as stack:
        here = resolve_interface(host1.interface, list_interfaces())
        ada, bob = Program(here, GROUP, stack), Program(here, GROUP, stack)
        ada.options = replace(ada.options, loop=False)
        ada.say(b"hi")
        bob.say(b"hi")
        ada.await_packets(1)
        assert (ada.own, ada.foreign) == ([], [b"hi"])


def test_a_send_that_fails_is_not_expected(host1: Host) -> None:
    book = EchoBook()
    with (
        host1.entered(),
        open_port(4, PORT, receive_buffer=1 << 16) as sock,
        pytest.raises(NetworkRefused),
    ):
        send_datagram(sock, b"hi", GROUP, PORT, SendOptions(ifindex=999), echoes=book)
    assert not book._waiting
