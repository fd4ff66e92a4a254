"""The first line, and the line about the host that keys act on.

Pure. What a host is a member of is said by its own kernel, and so its tables are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mcast_tui import human
from mcast_tui.app.classroom.host_words import name_of
from mcast_tui.app.fit import MUTED, Piece, cut, spread
from mcast_tui.safe import safe_text
from mcast_tui.services.lab.classroom.switch_state import is_own_use

if TYPE_CHECKING:
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.scene import Scene


def header_line(scene: Scene | None, title: str, width: int, glyphs: Glyphs) -> Content:
    """Return the first line: where we are, what is played, how much passes the switch."""
    rates = scene.rates.values() if scene else ()
    passing = f"{human.format_rate(sum(rate.packets_in for rate in rates))} into the switch" if rates else ""
    words = cut(Content(safe_text(title)), min(len(title), max(0, width // 2)), glyphs.ellipsis)
    left = [
        Piece((Content.styled(" mcast-tui lab ", "bold $background on $primary"), Content()), (60,)),
        Piece((words.stylize("bold"), Content()), (50,)),
    ]
    right = [
        Piece((Content.styled(passing, MUTED), Content()), (20,)),
        Piece(
            (
                Content.styled(" a virtual LAN: nothing leaves this machine ", "$background on $warning"),
                Content.styled(" virtual ", "$background on $warning"),
                Content(),
            ),
            (10, 40),
        ),
    ]
    return spread(left, right, max(0, width))


def host_line(scene: Scene | None, width: int, glyphs: Glyphs) -> Content:
    """Return what the marked host's kernel says it is a member of."""
    if scene is None or width <= 0:
        return Content()
    host = scene.picture.host(scene.selected)
    told = [row for row in host.memberships if row.interface != "lo" and not is_own_use(row.group)]
    with_interface = len({row.interface for row in told}) > 1
    words: dict[int, list[str]] = {4: [], 6: []}
    for row in told:
        where = f"%{row.interface}" if with_interface else ""
        words[row.group.version].append(f"{row.group}{where} users {row.users}")
    line = Content.assemble(
        (f" {glyphs.pointer}{name_of(host)} ", "bold $primary"),
        (f"{host.address}  ", ""),
        ("/proc/net/igmp: ", MUTED),
        f" {glyphs.middot} ".join(words[4]) or "nothing",
        ("  igmp6: " if words[6] else "", MUTED),
        f" {glyphs.middot} ".join(words[6]),
    )
    return cut(line, width, glyphs.ellipsis)
