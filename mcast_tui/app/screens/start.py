"""The start page: what one could join, and that nothing has been joined or sent yet.

It reads what it is given and joins nothing; a choice leaves it as a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from mcast_tui.app.fit import MUTED, break_command, cut
from mcast_tui.app.widgets.rows import Rows
from mcast_tui.safe import safe_text
from mcast_tui.wire.address import LIMITED_BROADCAST, Endpoint, parse_endpoint
from mcast_tui.wire.socat.line import peer_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.net.interfaces import Interface

NAME_WIDTH = 16
PLACE_WIDTH = 22


@dataclass(frozen=True, slots=True)
class Preset:
    """One thing to join."""

    name: str
    endpoint: Endpoint
    note: str
    joined_by: str = ""
    """Who on this host is a member already, as far as the kernel tells; empty when nobody is."""


def presets(interface: Interface | None) -> tuple[Preset, ...]:
    """Return what the start page offers on a host whose joins would use this interface."""
    networks = interface.networks if interface else ()
    nearby = next((each.network for each in networks if each.network.prefixlen <= 30), None)  # RFC 3021
    broadcast = nearby.broadcast_address if nearby else LIMITED_BROADCAST
    return (
        Preset(
            "LAN chat",
            parse_endpoint("224.1.0.1:6666"),
            "talk with everybody on it",
        ),
        Preset("mDNS discovery", parse_endpoint("224.0.0.251:5353"), "printers, TVs, phones announce"),
        Preset(
            "SSDP / UPnP",
            parse_endpoint("239.255.255.250:1900"),
            "routers, media servers announce",
        ),
        Preset("Test network", parse_endpoint("233.252.0.1:1234"), "MCAST-TEST-NET, RFC 6676"),
        Preset("Broadcast", Endpoint(broadcast), "to every host of the link"),
    )


class StartPage(Rows, can_focus=True):
    """The presets as a list, the interface a join would use, and how a peer takes part."""

    DEFAULT_CSS = Path(__file__).with_name("start.tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="start.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="start.down"),
        Binding("enter", "join", "Join", id="start.join"),
        *(
            Binding(str(number), f"join({number})", "Join", show=False, id=f"start.join_{number}")
            for number in range(1, 6)
        ),
        Binding("I", "next_interface", "Interface", id="start.interface"),
    ]
    HELP = (
        "Nothing is joined, nothing was sent. Enter joins what is marked, a digit its line;\n"
        "i, then an address, joins that. M shows what this host is a member of, and joins nothing."
    )

    class JoinWanted(Message):
        """The person chose something to join."""

        def __init__(self, endpoint: Endpoint) -> None:
            super().__init__()
            self.endpoint = endpoint

    class InterfaceWanted(Message):
        """The person wants to join on another interface."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(self.row, id="start")
        self._glyphs = glyphs
        self._presets: Sequence[Preset] = ()
        self._interface: Interface | None = None
        self._cursor = 0
        self._lines: list[Content] = []
        self._preset_rows: dict[int, int] = {}

    def show(self, choices: Sequence[Preset], interface: Interface | None) -> None:
        """Offer these on this interface."""
        self._presets, self._interface = choices, interface
        self._lay_out()

    def row(self, y: int) -> Content:
        return self._lines[y]

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.row_width
        if width <= 0 or not self._presets:
            return
        lines = [*self._introduction(), Content()]
        self._preset_rows = {}
        for index, preset in enumerate(self._presets):
            self._preset_rows[len(lines)] = index
            lines.append(self._preset_line(index, preset, width))
        lines += [Content(), *self._hints(width)]
        spare = self.scrollable_content_region.height - len(lines)
        top = max(0, min(3, spare // 3))
        self._preset_rows = {row + top: index for row, index in self._preset_rows.items()}
        self._lines = [Content()] * top + lines
        self.set_row_count(len(self._lines))

    def _introduction(self) -> list[Content]:
        interface = self._interface
        if interface is None:
            place = Content.styled("no interface is up that could join a group", "$warning")
        else:
            networks = [str(each) for each in (*interface.networks, *interface.addresses)][:1]
            place = Content.assemble(
                "Would join on ",
                (safe_text(interface.name), "bold"),
                f" {' '.join(networks)}".rstrip(),
                ("   I", "bold $primary"),
                (" change", MUTED),
            )
        return [
            Content.styled("  No groups joined. Nothing has been sent.", "bold"),
            Content.assemble("  ", place),
        ]

    def _preset_line(self, index: int, preset: Preset, width: int) -> Content:
        chosen = index == self._cursor
        mark = self._glyphs.pointer if chosen else " "
        key = "Enter" if chosen else str(index + 1)
        joined = f"{self._glyphs.seen} {preset.joined_by}  " if preset.joined_by else ""
        line = Content.assemble(
            (f"  {mark} ", "$primary"),
            (f"{key:<7}", "bold $primary"),
            cut(Content.styled(preset.name, "bold"), NAME_WIDTH, self._glyphs.ellipsis),
            cut(Content(str(preset.endpoint)), PLACE_WIDTH, self._glyphs.ellipsis),
            (joined, "$success"),
            (preset.note, MUTED),
        )
        line = cut(line, width, self._glyphs.ellipsis)
        return line.stylize("on $primary 15%") if chosen else line

    def _hints(self, width: int) -> list[Content]:
        command = peer_command(self._presets[self._cursor].endpoint)
        return [
            Content.assemble(
                "    Or type an address below: ",
                ("i", "bold $primary"),
                ("  then  ", MUTED),
                "239.1.2.3:5000",
            ),
            Content.assemble("    What this host is a member of already: ", ("M", "bold $primary")),
            Content(),
            Content.styled("    A peer needs no mcast-tui. On another host, with its own address:", MUTED),
            *(Content(f"    {part}") for part in break_command(command, width - 8)),
            Content(),
            Content.assemble(
                ("    No network at hand?  ", MUTED),
                "mcast-tui demo",
                ("  plays a LAN on this machine.", MUTED),
            ),
        ]

    def on_rows_row_clicked(self, event: Rows.RowClicked) -> None:
        event.stop()
        index = self._preset_rows.get(event.y)
        if index is None:
            return
        if index == self._cursor:
            self.action_join()
        else:
            self.action_move(index - self._cursor)

    def action_move(self, step: int) -> None:
        self._cursor = max(0, min(len(self._presets) - 1, self._cursor + step))
        self._lay_out()

    def action_join(self, number: int | None = None) -> None:
        index = self._cursor if number is None else number - 1
        if index < len(self._presets):
            self.post_message(self.JoinWanted(self._presets[index].endpoint))

    def action_next_interface(self) -> None:
        self.post_message(self.InterfaceWanted())
