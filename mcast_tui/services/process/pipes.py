"""The two pipes of a command: what it reads, filled beforehand as far as it goes, and what it writes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.services.process.command import refusal_of

if TYPE_CHECKING:
    from mcast_tui.services.process.command import Command


@dataclass(slots=True)
class Pipes:
    """The two pipes of a command that is being started."""

    theirs: tuple[int, int]
    stdin: int | None
    """Our end of the first; None when all it is to hold is in it."""
    stdout: int
    rest: bytes
    """What the first had no room for."""

    def close_theirs(self) -> None:
        for descriptor in self.theirs:
            os.close(descriptor)

    def close(self) -> None:
        self.close_theirs()
        os.close(self.stdout)
        if self.stdin is not None:
            os.close(self.stdin)


def open_pipes(command: Command, payload: bytes | None, *, by_write: bool) -> Pipes:
    """Open both, the first with `payload` in it as far as it goes; raises McastError."""
    held: list[int] = []
    try:
        held += os.pipe2(os.O_CLOEXEC)
        held += os.pipe2(os.O_CLOEXEC | (os.O_DIRECT if by_write else 0))
    except OSError as error:
        for descriptor in held:
            os.close(descriptor)
        raise refusal_of(command, error) from error
    theirs_in, ours_out, ours_in, theirs_out = held
    os.set_blocking(ours_in, False)
    os.set_blocking(ours_out, False)
    written = os.write(ours_out, payload) if payload else 0
    if payload is None or written < len(payload):
        return Pipes((theirs_in, theirs_out), ours_out, ours_in, (payload or b"")[written:])
    os.close(ours_out)
    return Pipes((theirs_in, theirs_out), None, ours_in, b"")
