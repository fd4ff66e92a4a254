"""What a person can ask for in one line, as values. `services.command` reads the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from mcast_tui.services.source_change import SourceChange
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.place import Place


@dataclass(frozen=True, slots=True)
class Say:
    """Send this text, as one line, to whatever is selected."""

    text: str


@dataclass(frozen=True, slots=True)
class Join:
    """Join these; more than one when several sources of a group, or several groups, are asked for."""

    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave this group; None is the selected one."""

    endpoint: Endpoint | None


@dataclass(frozen=True, slots=True)
class Message:
    """Send a line to one address, past the group."""

    destination: Endpoint
    text: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send a line to any endpoint; to broadcast only when that was said."""

    destination: Endpoint
    text: str
    broadcast: bool


@dataclass(frozen=True, slots=True)
class SendBytes:
    """Send these bytes, and nothing else, to whatever is selected."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class SetHopLimit:
    """TTL or hop limit of what is sent to the selected group."""

    hop_limit: int


@dataclass(frozen=True, slots=True)
class SetLoop:
    """Whether this host hears what it sends to the selected group."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetInterface:
    """The interface by which the selected group is sent to; before a join, the one to join on."""

    interface: str


@dataclass(frozen=True, slots=True)
class ShowSocat:
    """Show the socat line of a peer of this group; None is the selected one."""

    endpoint: Endpoint | None


@dataclass(frozen=True, slots=True)
class ChangeSources:
    """Change whom the selected group hears."""

    change: SourceChange


@dataclass(frozen=True, slots=True)
class Explain:
    """Explain a topic; None is what was done last."""

    topic: str | None


@dataclass(frozen=True, slots=True)
class Tap:
    """Listen to what passes the interfaces, and show it."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Hide what is on screen, or show it again."""

    undo: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Freeze or thaw the display; the capture goes on."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Go to the newest packet and stay there."""


@dataclass(frozen=True, slots=True)
class Help:
    """Show keys and commands, or one command."""

    topic: str | None


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave every group and end."""


Request: TypeAlias = (
    Say
    | Join
    | Leave
    | Message
    | Send
    | SendBytes
    | SetHopLimit
    | SetLoop
    | SetInterface
    | ShowSocat
    | ChangeSources
    | Explain
    | Tap
    | Clear
    | Pause
    | Follow
    | Help
    | Quit
)
