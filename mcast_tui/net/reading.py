"""Two ways to read what a socket holds into a `Batch`: ``recvmmsg(2)``, and ``recvmsg(2)`` for each datagram.

CPython has no recvmmsg, so it is called through ctypes, which releases the GIL meanwhile.
Where it is missing (or on a 32-bit machine, whose structs are others) the portable way gives
the same columns at three times the cost. Neither waits, and neither raises for a socket in
trouble: the error is counted on the intake.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import TypeAlias

from mcast_tui.net.intake import Intake
from mcast_tui.wire.batch import CONTROL_SIZE, Batch
from mcast_tui.wire.columns import Columns, address_words

Read: TypeAlias = Callable[[Intake, Batch], Columns]
"""Read at most a batch, without waiting; columns without rows when nothing is there."""

_FLAGS = socket.MSG_DONTWAIT | socket.MSG_TRUNC  # TRUNC: report the whole length of what was cut short
_MSG_ERRQUEUE = 0x2000  # recvmsg(2), Linux
_MOST_QUEUED_ERRORS = 256
"""Entries taken off an error queue at once; the rest is taken with the next read."""


def find_recvmmsg() -> Read | None:
    """Return the fast way, or None where the C library or the machine does not have it."""
    if ctypes.sizeof(ctypes.c_void_p) != 8 or os.uname().sysname != "Linux":
        return None
    try:
        recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg
    except AttributeError:
        return None
    recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)

    def read(intake: Intake, batch: Batch) -> Columns:
        count = recvmmsg(intake.sock.fileno(), batch.headers_pointer, batch.size, _FLAGS, None)
        if count <= 0:
            _note_failure(intake, ctypes.get_errno())
            return batch.stored(0, intake.number)
        columns = batch.decode(count, intake.number, time.time_ns())
        batch.arm(count)
        return columns

    return read


def read_by_recvmsg(intake: Intake, batch: Batch) -> Columns:
    """Read datagram by datagram, through `wire.cmsg`."""
    sock = intake.sock
    for row in range(batch.size):
        try:
            length, ancdata, flags, source = sock.recvmsg_into(batch.buffers(row), CONTROL_SIZE, _FLAGS)
        except OSError as error:
            _note_failure(intake, error.errno or 0)
            return batch.stored(row, intake.number)
        host = ip_address(source[0].partition("%")[0])
        batch.store(row, address_words(host), source[1], length, flags, ancdata, time.time_ns())
    return batch.stored(batch.size, intake.number)


def _note_failure(intake: Intake, number: int) -> None:
    """Count what made a read fail, unless it only found nothing.

    Errors that ICMP messages report lie in the error queue as well (IP_RECVERR): left there,
    they would keep the socket ready for ever.
    """
    queued = _drain_error_queue(intake.sock)
    if number not in (errno.EAGAIN, errno.EINTR):
        intake.note_error(number, max(1, queued))
    elif queued:
        intake.note_error(intake.last_errno or number, queued)


def _drain_error_queue(sock: socket.socket) -> int:
    """Take the entries off a socket's error queue; return how many there were."""
    for taken in range(_MOST_QUEUED_ERRORS):
        try:
            sock.recvmsg(0, 0, _MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except OSError:
            return taken
    return _MOST_QUEUED_ERRORS
