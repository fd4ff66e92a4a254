"""What a headless verb says to the person: on stderr, for stdout is data."""

from __future__ import annotations

import sys

from mcast_tui.safe import safe_text


def talk(text: str) -> None:
    """Say one line, made safe here: it may name interfaces and processes, which can be called anything."""
    if sys.stderr is not None:
        sys.stderr.write(f"{safe_text(text)}\n")  # at once, or the lines of two programs mix
        sys.stderr.flush()
