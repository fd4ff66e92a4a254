"""Signals that end what has no event loop: a sending, a lab."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as an exit does, with status 128 + n; the ignored stay ignored."""

    def end(number: int, _frame: FrameType | None) -> None:
        for other in ends:
            signal.signal(other, signal.SIG_IGN)  # once is enough: what follows is clearing up
        raise SystemExit(128 + number)

    ends = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    before = [signal.signal(number, end) for number in ends]
    try:
        yield
    finally:
        for number, handler in zip(ends, before, strict=True):
            signal.signal(number, handler)
