"""TapService: what passes the interfaces, seen in this process, or fed by the privileged tap.

    async with TapService() as tap:
        tap.state            # open, on what and by which way; or why not, with the remedy
        tap.ring             # packets with the columns of the link beside them
        tap.control_frames() # what may be IGMP or MLD since the last call
        tap.streams()        # who sent what to which group

Where this process may not tap it looks for ``sudo mcast-tui tap`` about once a second, also after one ended;
where it may, for interfaces that have come since.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, NamedTuple

from mcast_tui.capture.ring import MIB, PacketRing
from mcast_tui.errors import McastError, NetworkRefused, PermissionRefused
from mcast_tui.net.door import connect_to_door, network_namespace
from mcast_tui.net.packet_socket import TAP_COMMAND
from mcast_tui.net.tap import Tap
from mcast_tui.services.tap.choice import LOOK_S, follow_interfaces
from mcast_tui.services.tap.streams import StreamTable
from mcast_tui.wire import tap_feed
from mcast_tui.wire.frame import LINK_COLUMNS

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from typing import Self

    from mcast_tui.services.tap.streams import Stream
    from mcast_tui.wire.membership.message import ControlFrame

RING_PACKETS = 200_000
RING_BYTES = 16 * MIB
"""A fifth of the main ring, for a tap sees what others asked for: 40 MiB when full."""
MOST_WAITING = 4096
"""Control frames kept until somebody asks for them: a query to a large LAN has that many answers."""
SILENCE_S = 10.0
"""A tap says each second what it has counted; one that is silent for this long has been stopped (ctrl+z)."""


class Closed(NamedTuple):
    """Why nothing is heard, and what would help; to be shown through `safe`, for it may hold names."""

    reason: str
    """In words: ``eth0 is down``."""
    remedy: str = ""
    """What would help, a sentence; empty where nothing is known to."""
    command: str = ""
    """A shell line that would help; empty where there is none."""
    wants_privilege: bool = False
    """A privilege is all that is missing: `command`, if there is one, has it and lets us hear."""


@dataclass(frozen=True, slots=True)
class TapState:
    """Whether the tap is open, and by which way."""

    is_open: bool
    interfaces: tuple[str, ...] = ()
    """What it is open on. A name may hold any bytes: to be shown through `safe`."""
    way: str = ""
    """``in this process`` or ``by sudo mcast-tui tap, process N``."""
    error: McastError | None = None
    """Why it is not open; or, while it is, why one of its interfaces is not heard."""

    @property
    def where(self) -> str:
        """On what and by which way, in words; empty while it is closed. To be shown through `safe`."""
        return f"on {', '.join(self.interfaces)} {self.way}" if self.is_open else ""

    @property
    def closed(self) -> Closed | None:
        """Why nothing is heard, and what would help; None while it is open."""
        error = self.error
        if self.is_open:
            return None
        if error is None:
            return Closed("it is closed")
        wants_privilege = isinstance(error, PermissionRefused)
        return Closed(error.reason, error.remedy or "", error.command or "", wants_privilege)


@dataclass(frozen=True, slots=True)
class TapCounts:
    """What became of the frames, each fact with its own word."""

    dropped: int = 0
    """By the kernel: the ring of frames was full."""
    refused: int = 0
    """Frames that claim to be IP and are not sound."""
    not_fed: int = 0
    """Packets that the privileged tap kept from us, for we read too slowly."""
    control_skipped: int = 0
    """Frames with IGMP or MLD that nobody will see one by one: too many at once, or too long unasked for."""

    def plus(self, other: TapCounts) -> TapCounts:
        """Return the sum of both."""
        return TapCounts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


class TapService:
    """The tap, whichever way it is open."""

    def __init__(
        self,
        interfaces: Sequence[str] = (),
        *,
        is_promiscuous: bool = False,
        ring_packets: int = RING_PACKETS,
        ring_bytes: int = RING_BYTES,
        heard: Callable[[], None] | None = None,
    ) -> None:
        """`interfaces` and `is_promiscuous` count only in this process; the privileged tap has its own.

        `heard` is called on the event loop when control frames wait.
        """
        self.ring = PacketRing(ring_packets, ring_bytes, LINK_COLUMNS)
        self._names, self._is_promiscuous = tuple(interfaces), is_promiscuous
        self._heard = heard
        self._streams = StreamTable(self.ring)
        self._control: deque[ControlFrame] = deque(maxlen=MOST_WAITING)
        self._overflowed = 0
        self._state = TapState(is_open=False)
        self._is_counted = False
        self._fed = TapCounts()
        self._earlier = TapCounts()
        self._tap: Tap | None = None
        self._following: asyncio.Task[None] | None = None
        self._namespace = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self) -> None:
        """Open the tap, of the calling thread's network namespace; `state` says what came of it."""
        self._loop = asyncio.get_running_loop()
        self._namespace = network_namespace()
        self._look_for_interfaces()
        self._following = asyncio.create_task(self._go_on_looking(), name="tap")

    async def close(self) -> None:
        """End it, whichever way it was open; what was seen stays, `heard` is called no more. Idempotent."""
        self._heard = None
        self._state = replace(self._state, is_open=False)
        if self._tap is not None:
            self._tap.close()
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait((self._following,))
            self._following = None

    # -- what is known

    @property
    def state(self) -> TapState:
        """Whether it is open now, and by which way."""
        tap, following = self._tap, self._following
        fault = tap.error if tap is not None else None
        if following is not None and following.done() and not following.cancelled():
            fault = following.exception()
        if fault is not None:
            reason = f"what reads it stopped: {type(fault).__name__}: {fault}"
            return TapState(is_open=False, error=NetworkRefused("tap", reason))
        if tap is None or not self._state.is_open:
            return self._state
        heard, refusals = tap.heard, tap.refusals
        return replace(
            self._state,
            is_open=bool(heard),
            interfaces=heard,
            error=refusals[0] if refusals else self._state.error,
        )

    @property
    def counts(self) -> TapCounts:
        """What became of the frames so far."""
        if self._tap is not None:
            seen = self._tap.count()
            since = TapCounts(seen.dropped, seen.refused, 0, seen.control_skipped)
        else:
            since = self._fed
        now = self._earlier.plus(since)
        return replace(now, control_skipped=now.control_skipped + self._overflowed)

    @property
    def known_counts(self) -> TapCounts | None:
        """The counts; None while nobody counted: it never was open, or what feeds us has not told yet."""
        return self.counts if self._is_counted else None

    def control_frames(self) -> list[ControlFrame]:
        """Return the frames that may hold IGMP or MLD since the last call, oldest first."""
        return [self._control.popleft() for _ in range(len(self._control))]

    def streams(self) -> Sequence[Stream]:
        """Return who was seen to send to which group or broadcast address, most recent first."""
        return self._streams.update()

    @property
    def streamless(self) -> int:
        """Packets that were evicted before anybody asked for streams: they are in none."""
        return self._streams.evicted

    @property
    def forgotten_streams(self) -> int:
        """Streams that made room for later ones; one that comes again is counted anew."""
        return self._streams.forgotten

    # -- in this process

    async def _go_on_looking(self) -> None:
        """Tap what was to be tapped and has come since; where this process may not, be fed."""
        while True:
            if self._tap is None and isinstance(self._state.error, PermissionRefused):
                await self._follow(self._state.error)  # for good
            await asyncio.sleep(LOOK_S)
            self._look_for_interfaces()

    def _look_for_interfaces(self) -> None:
        """Open the tap, or tap more; `state` says what hinders."""
        refusal: McastError | None
        try:
            if self._tap is None:
                self._tap, refusal = self._open()
            else:
                refusal = follow_interfaces(self._tap, self._names)
        except McastError as error:
            refusal = error
        self._state = replace(self._state, error=refusal)
        self._is_counted |= self._tap is not None and bool(self._tap.sockets)

    def _open(self) -> tuple[Tap, McastError | None]:
        """Open the tap, also where there is nothing to tap yet: whether it may be opened is known then."""
        tap = Tap(
            (), self.ring, heard=self._hear_from_thread, is_promiscuous=self._is_promiscuous, prepared=1
        )
        refusal = follow_interfaces(tap, self._names)
        tap.start()
        self._state = TapState(is_open=True, way="in this process")
        return tap, refusal

    def _hear_from_thread(self, frames: tuple[ControlFrame, ...]) -> None:
        self._keep(frames)
        if self._heard is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell_heard)

    def _tell_heard(self) -> None:
        if self._heard is not None:
            self._heard()

    def _keep(self, frames: tuple[ControlFrame, ...]) -> None:
        self._overflowed += max(0, len(self._control) + len(frames) - MOST_WAITING)
        self._control.extend(frames)

    # -- fed by the privileged tap

    async def _follow(self, refusal: PermissionRefused) -> None:
        """Read from the privileged tap whenever there is one; `refusal` is said while there is none."""
        while True:
            found = connect_to_door(self._namespace)
            if found is not None:
                sock, pid = found
                error = await self._read_from(sock, pid, refusal)
                self._earlier, self._fed = self._earlier.plus(self._fed), TapCounts()
                self._state = TapState(is_open=False, error=error or refusal)
            await asyncio.sleep(LOOK_S)

    async def _read_from(
        self, sock: socket.socket, pid: int, refusal: PermissionRefused
    ) -> McastError | None:
        """Read a feed to its end; return why it ended, None where it ended before it said anything."""
        way, is_greeted = f"{TAP_COMMAND}, process {pid}", False
        try:
            reader, writer = await asyncio.open_unix_connection(sock=sock)
        except OSError:
            sock.close()
            return None
        try:
            hello = tap_feed.decode_hello(*await _message(reader))
            if hello.refusal:
                return NetworkRefused(f"read from {way}", hello.refusal, remedy="End one of them.")
            self._state = replace(self._state, way=f"by {way}")  # what is heard, it says next
            is_greeted = True
            self._is_counted = False
            while True:
                self._take(*await _message(reader))
        except TimeoutError:
            return NetworkRefused(
                f"read from {way}",
                f"it has said nothing for {SILENCE_S:g} s: it is stopped, or this machine was",
                remedy="Let it go on where it was started (fg), or end it and start it again.",
            )
        except (EOFError, OSError):
            return _ended(way, refusal) if is_greeted else None
        except tap_feed.FeedError as error:
            return NetworkRefused(
                f"read from {way}",
                f"it sends what is not to be understood: {error}",
                remedy="Start it again.",
            )
        finally:
            writer.close()

    def _take(self, kind: tap_feed.Kind, body: bytes) -> None:
        if kind is tap_feed.Kind.BATCH:
            batch = tap_feed.decode_batch(body)
            self.ring.append_blocks(batch.columns, batch.blocks, batch.firsts, batch.lengths)
        elif kind is tap_feed.Kind.CONTROL:
            self._keep(tap_feed.decode_control(body))
            self._tell_heard()
        elif kind is tap_feed.Kind.STATUS:
            self._take_status(tap_feed.decode_status(body))
        else:
            raise tap_feed.FeedError("it says twice who it is")

    def _take_status(self, status: tap_feed.Status) -> None:
        self._fed = TapCounts(status.dropped, status.refused, status.not_fed, status.control_skipped)
        self._is_counted = True
        trouble = NetworkRefused("tap all interfaces", status.troubles[0]) if status.troubles else None
        heard = status.interfaces
        self._state = replace(self._state, is_open=bool(heard), interfaces=heard, error=trouble)


async def _message(reader: asyncio.StreamReader) -> tuple[tap_feed.Kind, bytes]:
    async with asyncio.timeout(SILENCE_S):
        kind, length = tap_feed.decode_header(await reader.readexactly(tap_feed.HEADER.size))
        return kind, await reader.readexactly(length)


def _ended(way: str, refusal: PermissionRefused) -> NetworkRefused:
    return NetworkRefused(
        "go on tapping",
        f"{way}, has ended",
        remedy="Start it again in another terminal.",
        command=refusal.command,
    )
