"""Packets for the app's tests: columns and payloads as the receiver would append them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

import numpy as np
from textual.app import App

from mcast_tui.app.palette import THEMES, UNICODE, Glyphs
from mcast_tui.app.screens.packets import PacketsPane
from mcast_tui.wire.columns import Addressed, Column, Columns, Flag, address_words, empty_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from mcast_tui.capture.ring import PacketRing

AT = 1_700_000_000_123_456_789
HOSTILE = (
    b"\x1b]0;pwned\x07\x1b[2J\x1b[31m",
    "\u202egnp.exe\u2066\u200b".encode(),
    "\x9b31mC1\x85".encode(),
    b"\x9b31m raw C1",
    b"lol [/nope] [@click=app.quit]free beer[/] [bold]",
    "漢字かな漢字かな漢字かな漢字かな".encode(),
    "👩\u200d👩\u200d👧 🏽 e\u0301\u0301\u0301\u0301\u0301\u0301".encode(),
    bytes(range(256)),
    b"\n\n\r\n\t\x00\x7f",
    b"",
)


@dataclass
class Feed:
    """How the packets of one batch arrived; each field is what every one of them has."""

    source: str = "192.168.10.3"
    destination: str | None = "224.1.0.1"
    addressed: Addressed = Addressed.MULTICAST
    flags: Flag = Flag.KERNEL_TIME
    port: int = 6666
    source_port: int = 41159
    ifindex: int = 2
    local: str = "192.168.10.2"
    hop_limit: int = 1
    traffic_class: int = 0
    kept: int | None = None

    def batch(self, payloads: Sequence[bytes]) -> tuple[Columns, Column]:
        """Return columns and payload bytes for these payloads, a millisecond apart."""
        columns = empty_columns(len(payloads))
        columns["received_at"][:] = AT + np.arange(len(payloads)) * 1_000_000
        columns["source"][:] = address_words(ip_address(self.source))
        columns["destination"][:] = address_words(ip_address(self.destination)) if self.destination else 0
        columns["local_address"][:] = int(ip_address(self.local))
        columns["ifindex"][:] = self.ifindex
        columns["source_port"][:], columns["destination_port"][:] = self.source_port, self.port
        columns["hop_limit"][:], columns["traffic_class"][:] = self.hop_limit, self.traffic_class
        columns["length"][:] = [len(payload) for payload in payloads]
        columns["addressed"][:], columns["flags"][:] = self.addressed, self.flags
        width = max(1, *map(len, payloads)) if self.kept is None else self.kept
        rows = np.zeros((len(payloads), width), "u1")
        for row, payload in zip(rows, payloads, strict=True):
            row[: len(payload)] = np.frombuffer(payload[:width], "u1")
        return columns, rows


def numbered(first: int, count: int) -> list[bytes]:
    """Return payloads that say their own number."""
    return [b"packet %d" % number for number in range(first, first + count)]


class PaneApp(App[None]):
    """A `PacketsPane` alone on the screen, and what it said."""

    def __init__(self, ring: PacketRing, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self.pane = PacketsPane(ring, {1: "lo", 2: "eth0"}.get, glyphs, is_remote=False)
        self.said: list[object] = []

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name
        self.pane.focus_log()

    def on_packets_pane_packet_selected(self, message: PacketsPane.PacketSelected) -> None:
        self.said.append(("selected", message.number))

    def on_packets_pane_follow_changed(self, message: PacketsPane.FollowChanged) -> None:
        self.said.append(("follow", message.following, message.pending))

    def on_packets_pane_pause_changed(self, message: PacketsPane.PauseChanged) -> None:
        self.said.append(("paused", message.paused))

    def on_packets_pane_reply_requested(self, message: PacketsPane.ReplyRequested) -> None:
        self.said.append(("reply", str(message.packet.source), message.packet.source_port))

    def draw(self) -> None:
        """Tick as if the last frame were long ago."""
        self.pane.log_view.rate.drew(float("-inf"))
        self.pane.tick()

    def log_rows(self) -> list[str]:
        """Return what the log shows, row by row, as it would be drawn now."""
        log = self.pane.log_view
        return [strip.text for strip in log.render_lines(log.size.region)]
