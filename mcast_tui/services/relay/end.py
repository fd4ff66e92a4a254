"""An end of a relay: what is read there goes to the other end, and what is written came from there."""

from __future__ import annotations

from typing import Protocol

LINGER_S = 0.5
"""How long a direction may stay silent once the other has ended: socat's ``-t``."""
COMMAND_LINGER_S = 10.0
"""The same for a command that has all its input: it may need longer to answer than a network. socat cuts
it off after 0.5 s as well, so that a reply on a busy machine is a matter of luck."""


class End(Protocol):
    """One end. Neither call blocks the event loop; each may be cancelled and nothing is lost by it."""

    @property
    def linger_s(self) -> float:
        """How long to wait for more from here once the other direction has ended."""

    @property
    def takes_more(self) -> bool:
        """Whether what is written may still be of use to anybody."""

    async def read(self) -> bytes | None:
        """Return the next chunk or datagram, never an empty one; None at the end."""

    async def write(self, data: bytes) -> None:
        """Pass it on, whole; raises `McastError` when that is impossible."""

    async def end_input(self) -> None:
        """Learn that nothing more will be written."""
