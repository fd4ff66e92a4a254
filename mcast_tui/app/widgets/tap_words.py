"""What is said in place of what only a tap shows while it is closed: why, and what would help. Pure.

Every pane that misses the tap draws these words; how they look is the pane's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mcast_tui.safe import safe_text

if TYPE_CHECKING:
    from mcast_tui.services.tap.tap import Closed

NOT_KNOWN: Final = "Not known: the wire is not listened to."


class TapWords(NamedTuple):
    """Safe text, not yet wrapped."""

    why: tuple[str, ...]
    """Sentences: the reason, and what would help."""
    lead: str
    """What the command is for, without a colon; empty where there is no command."""
    command: str
    """The shell line as it is shown; what is copied is that of `Closed`."""


def tap_words(closed: Closed) -> TapWords:
    """Return what to say of a tap that is closed."""
    sentences = (f"No tap: {safe_text(closed.reason)}.", safe_text(closed.remedy))
    lead = "To see it, in another terminal" if closed.wants_privilege else "What would help"
    return TapWords(tuple(filter(None, sentences)), lead if closed.command else "", safe_text(closed.command))
