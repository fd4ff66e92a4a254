"""How single facts of a packet are written: times, and bytes as text."""

from __future__ import annotations

import time

from mcast_tui.safe import safe_info

NANOSECONDS = 1_000_000_000
INFO_LIMIT = 2048
"""Characters of a payload that a line of text shows at most."""


def clock_second(seconds: int) -> str:
    """Return local wall time: ``12:34:55``."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def utc_second(seconds: int) -> str:
    """Return UTC as RFC 3339 begins it: ``2026-11-22T12:34:55``."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def payload_info(payload: bytes | None) -> str:
    """Return a payload as a line of text ends with it: safe, without the line end that closes it."""
    return "(payload evicted)" if payload is None else safe_info(payload, INFO_LIMIT)
