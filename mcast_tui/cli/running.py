"""How a headless verb runs: on an event loop, ended by a signal, with its memberships left."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from mcast_tui.cli.streams import discard_stdout
from mcast_tui.cli.talk import talk
from mcast_tui.errors import UsageError
from mcast_tui.services.caution import cautions
from mcast_tui.services.events import GroupsImpaired, MembershipNews
from mcast_tui.services.kernel_views import read_views
from mcast_tui.services.membership.facts import What
from mcast_tui.services.membership.fault import FAULT_ORIGIN
from mcast_tui.services.membership.timeline import line_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from mcast_tui.services.events import Event
    from mcast_tui.services.group import Group
    from mcast_tui.services.membership.facts import TimelineEntry
    from mcast_tui.services.node import Node

ANNOUNCED_SINGLY = 10
LINE_LIMIT = 1 << 20
"""Bytes of input without a line end before we give up: no datagram is that long."""
CHUNK = 1 << 16
PARTING_S = 3.0
"""How long after a signal another one is not heeded: what is under way is the end it asks for."""


def run(work: Coroutine[None, None, int]) -> int:
    """Run `work` to its exit status; SIGINT, SIGTERM and SIGHUP cancel it, so that it leaves its groups.

    A second one does not cut short the end of what `work` started, unless that takes long. One that is
    ignored stays ignored: that is how nohup(1) lets a program outlive its terminal.
    A reader of stdout that goes away, as ``head`` does, ends it quietly and well.
    """
    try:
        return asyncio.run(_until_terminated(work))
    except BrokenPipeError:
        discard_stdout()
        return 0


async def _until_terminated(work: Coroutine[None, None, int]) -> int:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    received: list[int] = []
    heard_from = 0.0

    def end(number: int) -> None:
        nonlocal heard_from
        if loop.time() >= heard_from:
            heard_from = loop.time() + PARTING_S
            task.cancel()
        received.append(number)

    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ends = [n for n in asked if signal.getsignal(n) is not signal.SIG_IGN]
    for number in ends:
        loop.add_signal_handler(number, end, number)
    try:
        return await task
    except asyncio.CancelledError:
        if received:
            return 128 + received[0]
        raise
    finally:
        for number in ends:
            loop.remove_signal_handler(number)


def announce(node: Node, groups: list[Group]) -> None:
    """Say what was joined and what the kernel's tables answer."""
    if len(groups) > ANNOUNCED_SINGLY:
        first, last = groups[0], groups[-1]
        where = f" on {first.interface.name}" if first.interface else ""
        talk(f"listening to {len(groups)} groups, {first.label} to {last.label}{where}")
        return
    views = read_views(node.groups, groups)
    for group in groups:
        where = f" on {group.interface.name}" if group.interface else ""
        view = views.get(group.id)
        said = f": {view} ({view.origin})" if view else ""
        talk(f"listening to {group.label}{where}{said}")
        for caution in cautions(group):
            talk(" ".join(filter(None, ("  warning:", caution.what, caution.remedy, caution.command))))


def _is_told(entry: TimelineEntry) -> bool:
    return entry.what in {What.LINK, What.HEALED, What.TAP} or entry.origin == FAULT_ORIGIN


def tell_interfaces(node: Node) -> None:
    """Say from now on what becomes of the interfaces that groups are joined on, and of these groups."""

    def tell(event: Event) -> None:
        if isinstance(event, GroupsImpaired):
            talk(f"warning: {event.error}")
        elif isinstance(event, MembershipNews) and _is_told(event.entry):
            talk(f"{line_of(event.entry)} [{event.entry.origin}]")

    node.subscribe(tell)


async def input_lines(fd: int = 0) -> AsyncIterator[bytes]:
    """Yield the lines of a pipe, terminal or file without their ends; the last may lack one.

    Never blocks the event loop on a pipe or terminal; a regular file cannot block.
    """
    pending = bytearray()
    while chunk := await read_available(fd):
        pending += chunk
        *whole, rest = pending.split(b"\n")
        for line in whole:
            yield bytes(line)
        pending = bytearray(rest)
        if len(pending) > LINE_LIMIT:
            raise UsageError("read standard input", f"there is no line end within {LINE_LIMIT} bytes")
    if pending:
        yield bytes(pending)


async def read_available(fd: int, limit: int = CHUNK) -> bytes:
    """Wait for something to read and return it, at most `limit` bytes; empty at the end of input."""
    while (data := await _read_once(fd, limit)) is None:
        pass
    return data


async def _read_once(fd: int, limit: int) -> bytes | None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    try:
        loop.add_reader(fd, readable.set)
    except PermissionError:  # epoll_ctl(2): a regular file, which is always ready
        return os.read(fd, limit)
    except OSError:  # closed before we started
        return b""
    try:
        await readable.wait()
    finally:
        loop.remove_reader(fd)
    try:
        return _read_terminal(fd, limit) if os.isatty(fd) else os.read(fd, limit)
    except OSError:  # a terminal that hung up
        return b""


def _read_terminal(fd: int, limit: int) -> bytes | None:
    """Return what a terminal holds; None when ctrl+c emptied it since it was ready, as termios(3) has it.

    A blocking read would then hold up the event loop, and with it the end that ctrl+c asked for. The
    descriptor we were given stays blocking: others read the same terminal.
    """
    try:
        own = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except PermissionError:  # another user's, from before su(1)
        return os.read(fd, limit)
    try:
        return os.read(own, limit)
    except BlockingIOError:
        return None
    finally:
        os.close(own)
