"""What a frame of the packet log costs in process: 120x40, the ring full, 10,000 new packets since the last.

Three parts: taking the new packets in and choosing this group's, drawing the lines, and making
of them the bytes for the terminal. Textual's own compositor does the last two, called as
`Screen` does it, so that a frame can be timed alone.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from benchmarks.outcome import Effort, Outcome, Table, median, quantile
from benchmarks.terminal import COLUMNS, LINES

if TYPE_CHECKING:
    from textual.app import App, ComposeResult

    from mcast_tui.app.screens.packets import PacketsPane
    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.services.lab.lan import Lab
    from mcast_tui.wire.columns import Column, Columns

PER_FRAME = 10_000
"""100 k packets/s at the ten frames a second that are drawn then."""
BATCH = 200
SIZE = 100
PARTS = ("take in", "draw", "to bytes")


def measure(_lab: Lab, effort: Effort) -> Outcome:
    from mcast_tui.capture.ring import PacketRing

    ring, batch = PacketRing(effort.ring), _batch()
    while ring.head < ring.capacity + PER_FRAME:
        ring.append(*batch)
    app, pane = _pane_app(ring)
    taken, size = asyncio.run(_draw_frames(app, pane, batch, effort.frames))
    whole = [sum(parts) for parts in taken]
    named = [*zip(PARTS, zip(*taken, strict=True), strict=True), ("whole frame", whole)]
    rows = tuple(
        (name, f"{median(all_s) * 1e3:.2f}", f"{quantile(all_s, 0.95) * 1e3:.2f}") for name, all_s in named
    )
    title = f"A frame of the packet log, 120x40, ring of {effort.ring:,} packets full, ms"
    return Outcome(
        "frame",
        [Table(title, ("part", "median", "p95"), rows)],
        notes=[f"A frame is {size / 1000:.1f} kB to the terminal; {len(taken)} frames."],
        data={"parts_s": taken, "bytes": size},
    )


async def _draw_frames(
    app: App[None], pane: PacketsPane, batch: tuple[Columns, Column], frames: int
) -> tuple[list[tuple[float, ...]], int]:
    """Draw that many frames; return how long the parts of each took, and the bytes of the last."""
    async with app.run_test(size=(COLUMNS, LINES)) as pilot:
        while pane.log_view.lines.extend():
            pass  # a fresh selection looks at a full ring in several steps
        await pilot.pause()
        drawn = [_draw_frame(pane, batch) for _ in range(frames)]
    return [parts for parts, _ in drawn], drawn[-1][1]


def _draw_frame(pane: PacketsPane, batch: tuple[Columns, Column]) -> tuple[tuple[float, ...], int]:
    """Let packets come, draw one frame; return how long each part took and how many bytes it is."""
    log, screen = pane.log_view, pane.screen
    for _ in range(PER_FRAME // BATCH):
        log.lines.ring.append(*batch)
    log.rate.drew(float("-inf"))  # as if the last frame were long ago: this one is due
    begun = time.perf_counter()
    pane.tick()
    taken_in = time.perf_counter()
    compositor: Any = screen._compositor  # noqa: SLF001  # what `Screen._on_timer_update` does, step by step
    compositor.update_widgets({log})
    update = compositor.render_update()
    drawn = time.perf_counter()
    sequence = update.render_segments(screen.app.console).encode()
    done = time.perf_counter()
    return (taken_in - begun, drawn - taken_in, done - drawn), len(sequence)


def _batch() -> tuple[Columns, Column]:
    """Return a batch of alike packets of one source, as a stream looks."""
    from ipaddress import ip_address

    import numpy as np

    from mcast_tui.wire.columns import Addressed, Flag, address_words, empty_columns

    columns = empty_columns(BATCH)
    values = {
        "received_at": time.time_ns(), "local_address": int(ip_address("192.168.10.1")), "ifindex": 2,
        "source_port": 40000, "destination_port": 6666, "hop_limit": 1, "traffic_class": 0, "length": SIZE,
        "addressed": Addressed.MULTICAST, "flags": Flag.KERNEL_TIME,
    }  # fmt: skip
    for name, value in values.items():
        columns[name][:] = value
    columns["source"][:] = address_words(ip_address("192.168.10.2"))
    columns["destination"][:] = address_words(ip_address("239.1.2.3"))
    payloads = np.full((BATCH, 128), ord("x"), "u1")
    payloads[:, :8] = np.arange(BATCH, dtype="<u8").view("u1").reshape(BATCH, 8)  # as our sender numbers them
    return columns, payloads


def _pane_app(ring: PacketRing) -> tuple[App[None], PacketsPane]:
    """Return an app with nothing but the Packets pane; its class is made here, where Textual is imported."""
    from textual.app import App

    from mcast_tui.app.palette import THEMES
    from mcast_tui.app.screens.packets import PacketsPane
    from mcast_tui.services.group import SELECTED_BY
    from mcast_tui.wire.columns import MAPPED

    def selects(columns: Columns) -> Column:
        """Choose as `Group.selects` does."""
        group = MAPPED | 0xEF010203
        chosen: Column = columns["destination_port"] == 6666
        chosen &= (columns["destination"][:, 1] == group) & (columns["destination"][:, 0] == 0)
        chosen &= columns["ifindex"] == 2
        return chosen

    pane = PacketsPane(ring, {2: "eth0"}.get, is_remote=False)

    class PaneApp(App[None]):
        def compose(self) -> ComposeResult:
            yield pane

        def on_mount(self) -> None:
            for theme in THEMES:
                self.register_theme(theme)
            self.theme = THEMES[0].name
            pane.show(selects, "239.1.2.3:6666", SELECTED_BY)

    return PaneApp(), pane
