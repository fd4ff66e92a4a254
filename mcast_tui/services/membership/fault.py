"""What ended a task that was to run until it is cancelled: a fault of ours, shown while all else runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from typing import Any

FAULT_ORIGIN = "asyncio"
"""Where a timeline entry has it from that a task ended."""


def fault_of(task: asyncio.Task[Any] | None) -> str | None:
    """Return the fault that ended it, ``ValueError: the reason``; None while it runs or once cancelled."""
    if task is None or not task.done() or task.cancelled():
        return None
    fault = task.exception()
    return None if fault is None else f"{type(fault).__name__}: {fault}"
