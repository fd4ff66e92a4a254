"""The picture of the LAN, drawn on a canvas: hosts at the left, their cables, the switches at the right.

Pure. Each cable has a slot of rows; how many rows depends on the room there is. A host on two LANs has
two slots, between those of either LAN. What has no room is told in words, nothing is left out silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui import human
from mcast_tui.app.classroom import canvas
from mcast_tui.app.classroom.cables import Cables
from mcast_tui.app.classroom.canvas import Area, Canvas
from mcast_tui.app.classroom.host_words import (
    name_of,
    place_lines,
    settings_words,
    shortened,
    version_of,
)
from mcast_tui.app.classroom.switch_words import database_lines, state_lines
from mcast_tui.app.fit import MUTED
from mcast_tui.app.palette import ASCII

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.content import Content

    from mcast_tui.app.classroom.canvas import Pen, Words
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.picture import HostState, LinkState
    from mcast_tui.services.lab.classroom.scene import Scene
    from mcast_tui.services.lab.classroom.switch_state import SwitchState

TALLEST_SLOT = 9
BOX = 3
"""Rows from which on a host is a box."""
HOST_WIDTH, SWITCH_WIDTH, CABLE_WIDTH = (24, 46), (26, 60), (14, 30)
"""Least and most cells of each column."""
WHOLE_WIDTH, WHOLE_HEIGHT = 66, 4
"""Below these there is room for the hosts alone."""


@dataclass(frozen=True, slots=True)
class Board:
    """The picture as rows, and where each host stands on it."""

    rows: list[Content]
    hosts: dict[int, Area]

    def host_at(self, x: int, y: int) -> int | None:
        """Return the host that is drawn there."""
        return next((number for number, area in self.hosts.items() if area.holds(x, y)), None)


def paint_board(scene: Scene, width: int, height: int, glyphs: Glyphs) -> Board:
    """Draw a scene in exactly `width` times `height` cells."""
    painter = _Painter(scene, width, height, glyphs)
    if width >= WHOLE_WIDTH and height >= WHOLE_HEIGHT:
        painter.paint_lan()
    else:
        painter.paint_hosts_alone()
    return Board(painter.page.rows(), painter.hosts)


class _Painter:
    """One drawing."""

    def __init__(self, scene: Scene, width: int, height: int, glyphs: Glyphs) -> None:
        self.scene, self.glyphs = scene, glyphs
        self.page = Canvas(width, height)
        self.pen: Pen = canvas.ASCII if glyphs is ASCII else canvas.UNICODE
        self.cables = Cables(self.page, self.pen, scene, glyphs)
        self.hosts: dict[int, Area] = {}

    # -- with everything -------------------------------------------------------------------------

    def paint_lan(self) -> None:
        width = self.page.width
        host_width = _share(width, 0.42, HOST_WIDTH)
        switch_width = _share(width, 0.37, SWITCH_WIDTH)
        cable_width = min(CABLE_WIDTH[1], width - host_width - switch_width)
        switch_width = width - host_width - cable_width
        slots, above, below = self._visible(self.page.height)
        rows = self.page.height - bool(above) - bool(below)
        tall = max(1, min(TALLEST_SLOT, rows // max(1, len(slots))))
        top = int(bool(above))
        self._say_hidden(above, below)
        for host, slot, count in _runs(slots):
            area = Area(0, top + slot * tall, host_width, count * tall)
            self.hosts[host] = area
            self._host(self.scene.picture.host(host), slots[slot], area)
        for at, link in enumerate(slots):
            self.cables.draw(link, Area(host_width, top + at * tall, cable_width, tall))
        self._switches(slots, Area(host_width + cable_width, top, switch_width, rows), tall)

    def _visible(self, height: int) -> tuple[Sequence[LinkState], int, int]:
        """Return the slots with room, the selected host among them, and how many are above and below."""
        slots = self.scene.slots
        if len(slots) <= height:
            return slots, 0, 0
        room = max(1, height - 2)
        selected = next((at for at, link in enumerate(slots) if link.host == self.scene.selected), 0)
        first = max(0, min(selected - room // 2, len(slots) - room))
        return slots[first : first + room], first, len(slots) - room - first

    def _say_hidden(self, above: int, below: int) -> None:
        up, down = ("^", "v") if self.glyphs is ASCII else ("▲", "▼")
        if above:
            self.page.put(0, 0, f" {up} {human.counted(above, 'more cable')} above", MUTED)
        if below:
            self.page.put(
                0, self.page.height - 1, f" {down} {human.counted(below, 'more cable')} below", MUTED
            )

    # -- a host ----------------------------------------------------------------------------------

    def _host(self, host: HostState, link: LinkState, area: Area) -> None:
        is_selected = host.number == self.scene.selected
        style = "bold $primary" if is_selected else MUTED
        if area.height < BOX:
            self._host_in_lines(host, area)
            return
        self.page.box(area, self.pen.selected if is_selected else self.pen.box, style)
        mark = self.glyphs.pointer if is_selected else ""
        title = f" {mark}{name_of(host)} "
        end = self.page.put(
            area.x + 2, area.y, title, "bold $primary" if is_selected else "bold", area.right - 1
        )
        spoken = version_of(host, link.interface)
        room = area.right - 1 - end
        address, version = self._in_room(f"{host.address} ", spoken, room)
        self.page.put(end, area.y, address)
        self.page.put(area.right - 2 - len(version), area.y, version, MUTED, area.right - 1)
        if settings := settings_words(host, self.interfaces(host)):
            words = shortened(f" {self.glyphs.warning} {settings} ", area.width - 3, self.glyphs)
            self.page.put(area.x + 2, area.bottom - 1, words, "bold $warning")
        self._parts(host, area.inner())

    @staticmethod
    def _in_room(address: str, spoken: str, room: int) -> tuple[str, str]:
        """Return address and version for a title of `room` cells: the version is the first to give way."""
        for version in filter(None, (spoken, spoken.removeprefix("IGMP"))):
            if len(address) + len(version) + 3 <= room:
                return address, f" {version} "
        return (address if len(address) <= room else ""), ""

    def _host_in_lines(self, host: HostState, area: Area) -> None:
        """Draw a host that has one row or two."""
        is_selected = host.number == self.scene.selected
        mark = self.glyphs.pointer if is_selected else " "
        style = "bold $primary" if is_selected else "bold"
        until = area.right - 1
        end = self.page.put(area.x, area.y, f"{mark}{name_of(host)} ", style, until)
        settings = settings_words(host, self.interfaces(host))
        if area.height > 1:
            end = self.page.put(end, area.y, f"{host.address} ", MUTED, until)
            self.page.put(end, area.y, shortened(settings, until - end, self.glyphs), "bold $warning")
            area = Area(area.x + 2, area.y + 1, area.width - 3, area.height - 1)
        else:
            if settings:
                end = self.page.put(end, area.y, f"{self.glyphs.warning} ", "bold $warning", until)
            area = Area(end, area.y, until - end, 1)
        self._parts(host, area)

    def _parts(self, host: HostState, area: Area) -> None:
        """Write what a host joined and sends into an area, what goes on first; the rest is counted."""
        width, room = area.width, area.height
        lines = place_lines(host, self.scene, width, self.glyphs)
        if room <= 0 or not lines:
            return
        if room == 1 and len(lines) > 1:
            more = f" +{len(lines) - 1}"
            first = place_lines(host, self.scene, max(0, width - len(more)), self.glyphs)[0]
            end = self.page.put_words(area.x, area.y, first, area.right)
            self.page.put(end, area.y, more, MUTED, area.right)
            return
        shown = lines if len(lines) <= room else lines[: room - 1]
        for at, line in enumerate(shown):
            self.page.put_words(area.x, area.y + at, line, area.right)
        if len(shown) < len(lines):
            self.page.put(area.x, area.bottom - 1, f"and {len(lines) - len(shown)} more", MUTED, area.right)

    # -- the switches ----------------------------------------------------------------------------

    def _switches(self, slots: Sequence[LinkState], area: Area, tall: int) -> None:
        """Draw a box beside the slots of each LAN; one box for all where their cables are interleaved."""
        runs = [(lan, [at for at, link in enumerate(slots) if link.lan == lan]) for lan in self._lans()]
        if any(places and places[-1] - places[0] + 1 > len(places) for _, places in runs):
            self._switch(self.scene.picture.switches, area)
        else:
            for lan, places in runs:
                if places:
                    last = places[-1] == len(slots) - 1
                    top = area.y + places[0] * tall
                    bottom = area.bottom if last else area.y + (places[-1] + 1) * tall
                    self._switch([self._switch_of(lan)], Area(area.x, top, area.width, bottom - top))
        for at, link in enumerate(slots):
            self._port(link, Area(area.x, area.y + at * tall, 1, tall))

    def _lans(self) -> list[int]:
        return sorted(switch.lan for switch in self.scene.picture.switches)

    def _switch_of(self, lan: int) -> SwitchState:
        return next(switch for switch in self.scene.picture.switches if switch.lan == lan)

    def _switch(self, switches: Sequence[SwitchState], area: Area) -> None:
        names = " ".join(f"br{switch.lan}" for switch in switches)
        inner = area.inner()
        if area.height >= BOX:
            self.page.box(area, self.pen.box, MUTED)
            self.page.put(area.x + 2, area.y, f" switch {names} ", "bold", area.right - 1)
        else:
            inner = Area(area.x + 2, area.y, max(0, area.width - 2), area.height)
        share = inner.height // max(1, len(switches))
        for at, switch in enumerate(switches):
            part = Area(inner.x, inner.y + at * share, inner.width, share)
            self._switch_lines(switch, part, f"br{switch.lan} " if len(switches) > 1 else "")

    def _switch_lines(self, switch: SwitchState, area: Area, name: str) -> None:
        """Write what a switch says; where there is little room, its state gives way to its database."""
        state = state_lines(switch, area.width, self.glyphs)
        state[0] = ((name, "bold"), *state[0])
        wanted = len(database_lines(switch, area.height, area.width, self.glyphs))
        gap = area.height >= len(state) + wanted + 1
        kept = state[: max(1, area.height - wanted)]
        database = database_lines(switch, area.height - len(kept) - gap, area.width, self.glyphs)
        for at, line in enumerate([*kept, *([()] if gap else []), *database]):
            self.page.put_words(area.x, area.y + at, line, area.right)

    def _port(self, link: LinkState, area: Area) -> None:
        """Write a port's number on the edge of the switch, where its cable ends."""
        middle = area.y + (area.height - 1) // 2
        style = "bold $error" if not link.counters.is_up else "bold"
        self.page.put(area.x, middle, str(link.host), style)

    # -- with little room ------------------------------------------------------------------------

    def paint_hosts_alone(self) -> None:
        """Say in a row each what the switch does, who the hosts are and what they hear."""
        width = self.page.width
        top = 0
        for switch in self.scene.picture.switches[: max(0, self.page.height - 1)]:
            words: list[Words] = [(f"br{switch.lan} ", "bold")]
            for line in state_lines(switch, width, self.glyphs)[:2]:
                words += [*line, (" ", "")]
            self.page.put_words(0, top, words, width)
            top += 1
        hosts = self.scene.picture.hosts
        room = max(0, self.page.height - top)
        first = max(0, min(self.scene.selected - 1 - room // 2, len(hosts) - room))
        for at, host in enumerate(hosts[first : first + room]):
            link = next(link for link in self.scene.picture.links if link.host == host.number)
            area = Area(0, top + at, width, 1)
            self.hosts[host.number] = area
            flag = "" if link.counters.is_up else f"{self.glyphs.failed} cable out "
            self._host_in_lines(host, Area(0, top + at, max(0, width - len(flag)), 1))
            self.page.put(width - len(flag), top + at, flag, "bold $error")

    def interfaces(self, host: HostState) -> list[str]:
        return [link.interface for link in self.scene.picture.links_of(host.number)]


def _runs(slots: Sequence[LinkState]) -> Iterator[tuple[int, int, int]]:
    """Yield (host, first slot, slots) for each host."""
    at = 0
    while at < len(slots):
        count = 1
        while at + count < len(slots) and slots[at + count].host == slots[at].host:
            count += 1
        yield slots[at].host, at, count
        at += count


def _share(width: int, part: float, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(bounds[1], int(width * part)))
