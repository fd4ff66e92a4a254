"""The sending itself: a socket, datagrams each at its time, and what the one address answers meanwhile."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcast_tui.cli.signals import ended_by_signals
from mcast_tui.cli.talk import talk
from mcast_tui.errors import McastError

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator

    from mcast_tui.cli.sending.answers_of_one import AnswersOfOne
    from mcast_tui.cli.sending.departure import Departure
    from mcast_tui.cli.sending.pacing import Pace
    from mcast_tui.cli.sending.report import Report
    from mcast_tui.wire.address import Endpoint

SMALL_BUFFER = 4096
"""Nothing is read from a socket that only sends."""
ANSWER_BUFFER = 1 << 20


def dispatch(
    payloads: Iterable[bytes],
    destination: Endpoint,
    port: int | None,
    leaving: Departure,
    report: Report,
    *,
    rate: float | None,
    wait_s: float | None,
) -> bool:
    """Send them all, at most so many a second; return whether anything was answered within `wait_s`.

    `port` is what to send from, 0 one of the kernel's choice, None the group's while it is to be had. Without
    `wait_s` nothing is listened to, and nothing is missed.
    """
    from mcast_tui.cli.sending.pacing import Pace

    with _open_source(destination, port, answered=wait_s is not None) as sock:
        answers = None if wait_s is None else _answers(sock, destination, leaving)
        pace = Pace(rate) if answers is None else Pace(rate, answers.listen_for)
        sock.setblocking(True)
        with _told(report, answers):
            for payload in payloads:
                _send_all(sock, payload, destination, leaving, report, pace)
            if answers is not None:
                answers.listen_for(wait_s or 0)
    return answers is None or bool(answers.shown)


def _open_source(destination: Endpoint, source_port: int | None, *, answered: bool) -> socket.socket:
    """Open the socket to send from: the port asked for, else the group's, else any and say so."""
    from mcast_tui.net.ports import open_ephemeral, open_port
    from mcast_tui.net.raw import open_raw

    buffer = ANSWER_BUFFER if answered else SMALL_BUFFER
    if destination.protocol is not None:
        return open_raw(destination.family, destination.protocol, receive_buffer=buffer)
    to_many = destination.is_multicast or destination.is_limited_broadcast
    wants_group_port = source_port is None and to_many
    if source_port or wants_group_port:
        try:
            return open_port(destination.family, source_port or destination.port, receive_buffer=buffer)
        except McastError as refusal:
            if source_port or refusal.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            talk(f"port {destination.port} is not to be had here, sending from another: {refusal.reason}")
    return open_ephemeral(destination.family, receive_buffer=buffer)


def _answers(sock: socket.socket, destination: Endpoint, leaving: Departure) -> AnswersOfOne:
    from mcast_tui.cli.sending.answers_of_one import AnswersOfOne

    return AnswersOfOne(sock, destination, leaving.options)


@contextmanager
def _told(report: Report, answers: AnswersOfOne | None) -> Iterator[None]:
    """Tell at the end what went out, however the block ends."""
    was_stopped = True
    try:
        with ended_by_signals():
            yield
        was_stopped = False
    finally:
        report.sum_up(was_stopped=was_stopped)
        if answers is not None:
            answers.sum_up()


def _send_all(
    sock: socket.socket, payload: bytes, destination: Endpoint, leaving: Departure, report: Report, pace: Pace
) -> None:
    """Send one datagram to each address of the endpoint's run, each at its time, and count it."""
    from mcast_tui.net.sender import send_datagram

    name = leaving.interface.name if leaving.interface else None
    for single in destination.each():
        pace.wait()
        sent = send_datagram(sock, payload, single.address, single.port, leaving.options, interface_name=name)
        report.note(sent, single)
