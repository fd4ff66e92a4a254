"""The privileged tap: it opens packet sockets, gives up every privilege, and feeds readers of one user.

    helper = Helper(names, user, say)          # needs CAP_NET_RAW
    await helper.run()                         # as that user, without privileges, until cancelled

A reader that reads too slowly never holds up the capture: whole batches are kept from it, and it is told how
many packets that were. Unless interfaces were named, it taps what comes up later as well, with sockets that
it opened beforehand.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy.ma  # noqa: F401  # numpy loads it at first need; what is installed may be for root alone to read

from mcast_tui.errors import UsageError
from mcast_tui.net.door import close_door, network_namespace, open_door, peer_of
from mcast_tui.net.privileges import drop_privileges
from mcast_tui.net.tap import MOST_INTERFACES, Tap
from mcast_tui.services.tap.choice import LOOK_S, choose_interfaces, follow_interfaces, refuse_none
from mcast_tui.wire import tap_feed

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from mcast_tui.errors import McastError
    from mcast_tui.net.tap import Counts
    from mcast_tui.wire.columns import Column, Columns
    from mcast_tui.wire.membership.message import ControlFrame

MOST_READERS = 4
"""Each may keep `WAITING_BYTES` of memory; a person has one app, or two."""
WAITING_BYTES = 32 << 20
"""What may wait for a reader: all that one look at a ring brings of the largest packets, for that comes at
once; a second of small ones at 200,000 a second."""
TURNED_AWAY = 16
"""Processes that were not let in and said to be so last: each of them tries again once a second."""
STATUS_S = 1.0


@dataclass(frozen=True, slots=True)
class User:
    """For whom the tap is."""

    uid: int
    gid: int


def find_user(name: str | None, environment: Mapping[str, str] = os.environ) -> User:
    """Return who is named, else who called sudo, else who runs this; raise `UsageError`."""
    if name is None:
        caller, group = environment.get("SUDO_UID", ""), environment.get("SUDO_GID", "")
        if os.geteuid() == 0 and caller.isdecimal() and group.isdecimal():
            return User(int(caller), int(group))
        return User(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        raise UsageError(
            f"tap for {name!r}", "there is no such user", remedy="Give a name or number."
        ) from None
    return User(entry.pw_uid, entry.pw_gid)


class Helper:
    """One tap with its readers."""

    def __init__(
        self, names: Sequence[str], user: User, say: Callable[[str], None], *, is_promiscuous: bool = False
    ) -> None:
        """Open the sockets and give up the privileges; raise `McastError` where either is refused."""
        self._say = say
        self._readers: list[_Reader] = []
        self._turned_away: deque[int] = deque(maxlen=TURNED_AWAY)
        self._failed: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done = asyncio.Event()
        self.not_fed = 0
        namespace = network_namespace()
        chosen = choose_interfaces(names)
        self._is_open_ended = not names
        self._hindrance: McastError | None = None if chosen else refuse_none()
        self.tap = Tap(
            chosen,
            self,
            heard=self._hear,
            ended=self._end_of_tap,
            is_promiscuous=is_promiscuous,
            prepared=MOST_INTERFACES if self._is_open_ended else 0,
        )
        self._announced = self.tap.heard
        try:
            self.privileges = drop_privileges(user.uid, user.gid)
            self._door, self.path = open_door(namespace)
        except BaseException:
            self.tap.close()
            raise

    async def run(self) -> None:
        """Feed whoever comes, until cancelled; raise what ends the capture otherwise."""
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._admit(tasks))
            tasks.create_task(self._tell_status())
            tasks.create_task(self._watch())
            if self._is_open_ended:
                tasks.create_task(self._follow())
            self.tap.start()

    def close(self) -> None:
        """End the capture; close the sockets and the door."""
        self.tap.close()
        close_door(self._door, self.path)
        for reader in self._readers:
            reader.close()

    # -- on the tap's thread

    def append_blocks(self, columns: Columns, blocks: Column, firsts: Column, lengths: Column) -> None:
        """Take a run from the tap: messages for all readers, made only where there is one."""
        if self._readers:
            for message, packets in tap_feed.encode_run(columns, blocks, firsts, lengths):
                self._offer(message, packets=packets)

    def _hear(self, frames: tuple[ControlFrame, ...]) -> None:
        if self._readers:
            self._offer(tap_feed.encode_control(frames), control_frames=len(frames))

    def _offer(self, message: bytes, *, packets: int = 0, control_frames: int = 0) -> None:
        for reader in tuple(self._readers):
            reader.offer(message, packets, control_frames)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake)

    def _end_of_tap(self, error: BaseException) -> None:
        self._failed = error
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._done.set)

    # -- on the event loop

    def _wake(self) -> None:
        for reader in self._readers:
            reader.news.set()

    async def _watch(self) -> None:
        await self._done.wait()
        if self._failed is not None:
            raise self._failed

    async def _admit(self, tasks: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._door)
            sock.setblocking(False)
            pid, uid = peer_of(sock)
            if uid != self.privileges.uid:
                self._turn_away(sock, pid, f"is of user {uid}")
            elif len(self._readers) >= MOST_READERS:
                with suppress(OSError):
                    sock.send(_hello(f"it has {MOST_READERS} readers already, and lets nobody else in"))
                self._turn_away(sock, pid, "is one too many")
            else:
                self._say(f"process {pid} reads")
                reader = _Reader(sock, replace(self.tap.count()))
                reader.offer(_hello())
                reader.offer(self._status_of(reader))
                self._readers.append(reader)  # now: the next one may be there before its task has begun
                tasks.create_task(self._feed(reader, pid))

    def _turn_away(self, sock: socket.socket, pid: int, why: str) -> None:
        sock.close()
        if pid not in self._turned_away:
            self._turned_away.append(pid)
            self._say(f"process {pid} {why}: not let in")

    async def _feed(self, reader: _Reader, pid: int) -> None:
        try:
            await reader.send_all()
        except OSError:
            self._say(f"process {pid} reads no more")
        finally:
            self._readers.remove(reader)
            self.not_fed += reader.not_fed
            reader.close()

    async def _follow(self) -> None:
        """Tap what has come up since: the sockets are there."""
        while True:
            await asyncio.sleep(LOOK_S)
            self._hindrance = follow_interfaces(self.tap, ())

    async def _tell_status(self) -> None:
        while True:
            if self.tap.heard != self._announced:
                self._announced = self.tap.heard
                self._say(f"tapping {', '.join(self._announced) or 'nothing'} now")
            self.tap.count()
            for reader in self._readers:
                reader.offer(self._status_of(reader))
                reader.news.set()
            await asyncio.sleep(STATUS_S)

    def _status_of(self, reader: _Reader) -> bytes:
        hindrance = () if self._hindrance is None else (self._hindrance,)
        troubles = tuple(map(str, (*self.tap.refusals, *hindrance)))
        return tap_feed.encode_status(reader.status(self.tap.counts, self.tap.heard, troubles))


def _hello(refusal: str = "") -> bytes:
    return tap_feed.encode_hello(tap_feed.Hello(tap_feed.VERSION, refusal))


class _Reader:
    """One reader: what waits for it, bounded."""

    def __init__(self, sock: socket.socket, before: Counts) -> None:
        """`before`: what the tap had counted when it came, which is none of its losses."""
        self.news = asyncio.Event()
        self.news.set()
        self.not_fed = 0
        self._control_not_fed = 0
        self._before = before
        self._sock = sock
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._counting = threading.Lock()

    def offer(self, message: bytes, packets: int = 0, control_frames: int = 0) -> None:
        """Let a message wait, or drop it where too much waits; from any thread."""
        with self._counting:
            if self._waiting_bytes + len(message) > WAITING_BYTES:
                self.not_fed += packets
                self._control_not_fed += control_frames
                return
            self._waiting_bytes += len(message)
        self._waiting.append(message)

    def status(self, counts: Counts, heard: tuple[str, ...], troubles: tuple[str, ...]) -> tap_feed.Status:
        """Return what there was since it came, and what of that it did not get."""
        before = self._before
        return tap_feed.Status(
            counts.dropped - before.dropped,
            counts.refused - before.refused,
            counts.control_skipped - before.control_skipped + self._control_not_fed,
            self.not_fed,
            heard,
            troubles,
        )

    async def send_all(self) -> None:
        """Send what waits, for ever; raises OSError when the reader is gone."""
        loop = asyncio.get_running_loop()
        while True:
            await self.news.wait()
            self.news.clear()
            while self._waiting:
                message = self._waiting.popleft()
                await loop.sock_sendall(self._sock, message)
                with self._counting:
                    self._waiting_bytes -= len(message)

    def close(self) -> None:
        self._sock.close()
