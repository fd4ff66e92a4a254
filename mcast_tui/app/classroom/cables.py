"""The cables of the picture: what passed each way, how fast, and that packets are passing now.

Pure. A busy line is told from an idle one by its shape as well as by its colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui import human
from mcast_tui.app.classroom.canvas import Area
from mcast_tui.app.classroom.host_words import brief
from mcast_tui.app.fit import MUTED

if TYPE_CHECKING:
    from mcast_tui.app.classroom.canvas import Canvas, Pen
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.picture import LinkState
    from mcast_tui.services.lab.classroom.scene import Scene

SPACING, WIDE_SPACING = 4, 9
"""Cells between two packets drawn on a busy cable, and on one with less than `BUSY_PER_S`."""
BUSY_PER_S = 10
"""Packets a second; queries, reports and neighbour discovery are fewer."""


class Cables:
    """Draws cables of one scene on a canvas."""

    def __init__(self, page: Canvas, pen: Pen, scene: Scene, glyphs: Glyphs) -> None:
        self._page, self._pen, self._scene, self._glyphs = page, pen, scene, glyphs

    def draw(self, link: LinkState, area: Area) -> None:
        """Draw a cable: above what the host sends, below what it gets; side by side in a low slot."""
        rates = self._scene.rates.get((link.host, link.lan))
        into, out = (rates.packets_in, rates.packets_out) if rates else (None, None)
        middle = area.y + (area.height - 1) // 2
        name = link.interface if len(self._scene.picture.links_of(link.host)) > 1 else ""
        if name and middle > area.y:
            self._end(link, area.x, middle - 1, area.width)
            name = ""
        if not link.counters.is_up:
            self._pulled(Area(area.x, middle, area.width, 1))
        elif area.height in {1, 3}:
            half = area.width // 2
            left = Area(area.x, middle, half, 1)
            self._way(left, link.counters.packets_in, into, is_right=True, name=name)
            rest = Area(area.x + half, middle, area.width - half, 1)
            self._way(rest, link.counters.packets_out, out, is_right=False, loss=link.loss_percent)
        else:
            upper = Area(area.x, middle, area.width, 1)
            lower = Area(area.x, middle + 1, area.width, 1)
            self._way(upper, link.counters.packets_in, into, is_right=True, name=name)
            self._way(lower, link.counters.packets_out, out, is_right=False, loss=link.loss_percent)

    def _end(self, link: LinkState, x: int, y: int, width: int) -> None:
        """Say which end of a host with several cables this is."""
        forms = (
            f"{link.interface} {link.address}",
            f"{link.interface} {brief(link.address)}",
            link.interface,
        )
        self._page.put(x, y, next((words for words in forms if len(words) <= width), ""), MUTED)

    def _pulled(self, area: Area) -> None:
        words = f" {self._glyphs.failed} cable out "
        self._page.put(area.x, area.y, self._pen.gone * area.width, MUTED)
        self._page.put(
            area.x + max(0, (area.width - len(words)) // 2), area.y, words, "bold $error", area.right
        )

    def _way(
        self, area: Area, total: int, rate: float | None, *, is_right: bool, loss: int = 0, name: str = ""
    ) -> None:
        """Draw one direction: packets move along it while any pass, and many of them make it heavy.

        Of a host with several cables `name` tells which this is, if there is room beside the counts.
        """
        is_busy = rate is not None and rate >= BUSY_PER_S
        style = "bold $success" if is_busy else "$success" if rate else MUTED
        line = (self._pen.busy if is_busy else self._pen.idle) * area.width
        self._page.put(area.x, area.y, line, style)
        if rate:
            spacing = SPACING if is_busy else WIDE_SPACING
            shift = self._scene.pulse if is_right else -self._scene.pulse
            for at in range(shift % spacing, area.width, spacing):
                self._page.put(area.x + at, area.y, self._pen.packet, style)
        words = self._words(area.width, total, rate, loss)
        style = "bold $warning" if loss else style
        if is_right:
            self._page.put(area.right - 1, area.y, self._pen.right, style)
            self._page.put(area.right - 2 - len(words), area.y, words, style, area.right - 1)
            if len(name) + len(words) + 3 <= area.width:
                self._page.put(area.x, area.y, name, MUTED)
        else:
            self._page.put(area.x, area.y, self._pen.left, style)
            self._page.put(area.x + 2, area.y, words, style, area.right)

    def _words(self, width: int, total: int, rate: float | None, loss: int) -> str:
        """Return what is written on a line: what is lost there, how much passed, and how fast."""
        count, speed = human.format_compact(total), f"{human.format_rate(rate):>5}"
        if loss:
            lost = f"{self._glyphs.warning}drops {loss}%" if width >= 15 else f"{self._glyphs.warning}{loss}%"
            return f" {lost} {count} " if width >= 24 else f" {lost} "
        return f" {count} {speed} " if width >= 15 else f" {count} "
