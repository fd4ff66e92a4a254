"""Prints the ring as it grows, piece by piece, and keeps account of what was lost on the way."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mcast_tui.cli.printing.output import Output
from mcast_tui.cli.printing.pieces import OwnAddresses, Piece, Wanted, read_piece
from mcast_tui.cli.talk import talk
from mcast_tui.errors import McastError
from mcast_tui.human import counted

if TYPE_CHECKING:
    from typing import TextIO

    from mcast_tui.cli.printing.packet_lines import Format
    from mcast_tui.services.node import Node

FEW = 16
"""Packets that arrived together, up to which the next are printed the moment they come."""
PAUSE_S = 0.02
"""The pause after more than a few: pieces grow, and one of many costs little more than one of few."""
LOOK_AGAIN_S = 1.0
"""How old the names and addresses of this host's interfaces may be."""


class Printer:
    """Prints what a node receives, at most `count` packets, in one format.

    The reader of the output may be slow or gone: the ring bounds what waits for it, and what was
    evicted or is left at the end is counted.
    """

    def __init__(
        self,
        node: Node,
        form: Format,
        count: int | None,
        *,
        own: bool = True,
        refused: bool = False,
        stdout: TextIO | None = None,
    ) -> None:
        self._node = node
        self._form = form
        self._count = count
        self._wanted = Wanted(refused, own, payloads=form.needs_payloads, whole_only=form.whole_only)
        self._cursor = self._handed_over = 0
        self._names: dict[int, str] = {}
        self._own = OwnAddresses(())
        self._looked_at: float | None = None
        self._is_eviction_said = False
        self.printed = 0
        """Packets that the reader of the output, or the disk, has taken."""
        self.evicted = 0
        """Packets, or payloads the format needs, that the ring gave up before they were printed."""
        stream = sys.stdout if stdout is None else stdout
        self._encoding = stream.encoding
        self.output = Output(stream.fileno(), self._taken)

    def _taken(self, packets: int) -> None:
        self.printed += packets

    async def follow(self, timeout_s: float | None) -> None:
        """Print what comes until the count is reached or the time is up.

        Raises `NetworkRefused` when the capture stops, `BrokenPipeError` when the reader is gone, and
        `McastError` when the output takes no more.
        """
        works = [asyncio.ensure_future(self._print()), asyncio.ensure_future(self.output.gone())]
        try:
            done, _ = await asyncio.wait(works, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
        for work in done:
            work.result()
        if not done:  # the time is up: print what came until now
            until = self._node.ring.head
            while self._cursor < until and not self.is_done:
                await self._print_piece(until)

    async def _print(self) -> None:
        while not self.is_done:
            head = await self._node.wait_beyond(self._cursor)
            before = self._cursor
            await self._print_piece(head)
            is_stream = self._cursor == head and head - before > FEW
            # Zero, too, lets signals and the timeout in between the pieces of a backlog.
            await asyncio.sleep(PAUSE_S if is_stream else 0)

    @property
    def is_done(self) -> bool:
        """Whether as many packets as asked for are on their way to the reader."""
        return self._count is not None and self._handed_over >= self._count

    async def _print_piece(self, stop: int) -> None:
        """Print some of the packets before `stop`; wait when the reader has too much before it already."""
        self._look_around()
        most = stop if self._count is None else self._count - self._handed_over
        piece = read_piece(self._node.ring, self._cursor, stop, most, self._wanted, self._own)
        self._cursor = piece.stop
        if piece.evicted:
            self.evicted += piece.evicted
            self._say_evicted()
        if len(piece):
            self._handed_over += len(piece)
            self.output.write(self._render(piece), len(piece))
        await self._wait_for_reader()

    async def _wait_for_reader(self) -> None:
        """Wait while the reader has too much before it already; say so once the ring overtakes it."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    return await self.output.has_room()
            if self._overtaken():
                self._say_evicted()

    def _render(self, piece: Piece) -> bytes:
        said = self._form.render(piece, self._names.get)
        if isinstance(said, bytes):
            return said
        return said.encode(self._encoding, "backslashreplace")

    def _look_around(self) -> None:
        """Learn the names and addresses of the interfaces, unless that was just done; they change."""
        now = time.monotonic()
        if self._looked_at is not None and now - self._looked_at < LOOK_AGAIN_S:
            return
        self._looked_at = now
        with suppress(McastError):  # the kernel does not tell now: what it said before is the best there is
            self._node.refresh_interfaces()
        self._names = {interface.index: interface.name for interface in self._node.interfaces}
        self._own = OwnAddresses(self._node.interfaces)

    def _overtaken(self) -> int:
        """Return how many packets that were not looked at yet are gone."""
        return max(0, self._node.ring.tail - self._cursor)

    def _say_evicted(self) -> None:
        if not self._is_eviction_said:
            self._is_eviction_said = True
            talk("packets come faster than they are taken: the oldest are evicted before they are printed")

    def summarise(self) -> None:
        """Say what became of every packet."""
        snapshot = self._node.monitor.sample(0)
        left = self._handed_over - self.printed
        if not self.is_done:
            overtaken = self._overtaken()
            self.evicted += overtaken
            left += self._node.ring.head - self._cursor - overtaken
        talk(
            f"{counted(self.printed, 'packet')} printed, {snapshot.dropped} dropped by the kernel, "
            f"{self.evicted} evicted before they were printed whole, {snapshot.refused} refused"
            + (f", {left} left unprinted" if left else "")
        )
