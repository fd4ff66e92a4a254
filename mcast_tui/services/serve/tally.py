"""What became of the requests: each that arrived is in exactly one of the first six counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.human import counted

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Tally:
    """Counts since the start."""

    served: int = 0
    """Its command ran to an end with status 0."""
    failed: int = 0
    """Its command could not be started, ended with another status, or by a signal that we did not send."""
    timed_out: int = 0
    """Its command was killed for want of time."""
    refused: int = 0
    """Found the queue full."""
    evicted: int = 0
    """The ring gave it up before it was looked at: whether it was a request nobody knows."""
    unfinished: int = 0
    """Still waiting or running when we were told to end."""
    replies: int = 0
    """Datagrams sent in answer."""
    too_long: int = 0
    """Answers that no datagram can carry."""
    unsent: int = 0
    """Answers that the kernel refused to send."""

    def __str__(self) -> str:
        done = f"{counted(self.served, 'request')} served, {counted(self.replies, 'reply', 'replies')} sent"
        return ", ".join([done, *self._misses()])

    def _misses(self) -> Iterator[str]:
        """Yield what did not go well, as far as anything did not."""
        for count, what in (
            (self.failed, "failed"),
            (self.timed_out, "timed out"),
            (self.refused, "refused by the queue"),
            (self.unfinished, "unfinished"),
            (self.evicted, "evicted before they were looked at"),
            (self.too_long, "too long to be sent"),
            (self.unsent, "that could not be sent"),
        ):
            if count:
                yield f"{count} {what}"
