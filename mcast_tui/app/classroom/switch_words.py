"""What a switch's box says: snooping, who asks, and its multicast database with the time that is left.

Pure. What the kernel tells is said as it is; what follows from it by the rules of the Linux bridge is
marked as inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.app.classroom.host_words import brief, shortened
from mcast_tui.app.fit import MUTED
from mcast_tui.services.lab.classroom.switch_state import is_own_use, port_number

if TYPE_CHECKING:
    from mcast_tui.app.classroom.canvas import Line, Words
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.switch_state import PortEntry, SwitchState
    from mcast_tui.wire.literal import Address

BARS = (6, 4)
"""Cells of the bar of what is left: as many as there is room for."""
LEFT_IS_LOW = 0.34
"""Part of an entry's life below which what is left of it is drawn as a warning."""


def state_lines(switch: SwitchState, width: int, glyphs: Glyphs) -> list[Line]:
    """Return the lines above the database, for `width` cells, what is least needed last."""
    lines: list[Line] = [
        (("snooping ", MUTED), ("on", "bold $success") if switch.snooping else ("off", "bold $warning")),
        _querier_line(switch, width),
    ]
    if not switch.snooping:
        lines.append(((f"{glyphs.inferred} so it floods", MUTED),))
    elif switch.querier_address is None and not switch.querier:
        lines.append(((f"{glyphs.inferred} unasked, it floods", MUTED),))
    else:
        lines.append(((f"entries live {seconds(switch.membership_interval_s)}", MUTED),))
    return lines


def _querier_line(switch: SwitchState, width: int) -> Line:
    label: Words = ("querier ", MUTED)
    if switch.querier_port is not None and switch.querier_address is not None:
        return _heard_querier(label, switch.querier_address, switch, width)
    if switch.querier and not switch.snooping:
        return (label, ("itself, silent", "bold $warning"))
    if switch.querier:
        who = f"itself, v{switch.igmp_version}"
        interval = seconds(switch.query_interval_s)
        where = (f", asks every {interval}", f", every {interval}", "")
    else:
        return (label, ("none", "bold $warning"))
    room = width - len(label[0]) - len(who)
    shown = next((text for text in where if len(text) <= room), "")
    return (label, (who, "bold $success"), (shown, MUTED))


def _heard_querier(label: Words, address: Address, switch: SwitchState, width: int) -> Line:
    """Return who asks; how long that holds unless it asks again is worth more than its whole address."""
    who, short = str(address), brief(address)
    if switch.querier_left_s is None:
        return (label, (who, "bold $success"))
    left = seconds(switch.querier_left_s)
    forms = (
        (who, f" at port {port_number(switch.querier_port or '')}, {left} left"),
        (who, f", {left} left"),
        (short, f", {left} left"),
        (short, f" for {left}"),
        (who, ""),
    )
    room = width - len(label[0])
    name, more = next(((name, more) for name, more in forms if len(name + more) <= room), forms[-1])
    return (label, (name, "bold $success"), (more, MUTED))


def database_lines(switch: SwitchState, room: int, width: int, glyphs: Glyphs) -> list[Line]:
    """Return the multicast database in at most `room` lines of `width` cells, its heading first."""
    if room <= 0:
        return []
    entries = sorted((entry for entry in switch.entries if not is_own_use(entry.group)), key=_place)
    others = len(switch.entries) - len(entries)
    heading = "MULTICAST DATABASE" if width >= 24 else "DATABASE (mdb)"
    lines: list[Line] = [((heading, f"bold {MUTED}"),)]
    if not entries:
        lines.append((("no group", MUTED),))
    shown = entries if len(entries) <= room - 1 else entries[: max(0, room - 2)]
    lines += [_entry_line(entry, switch.membership_interval_s, width, glyphs) for entry in shown]
    if len(shown) < len(entries):
        lines.append(((f"and {len(entries) - len(shown)} more", MUTED),))
    elif others and len(lines) < room:
        lines.append(((f"and {others} of IPv6 itself"[:width], MUTED),))
    return lines[:room]


def _place(entry: PortEntry) -> tuple[int, int, int, str]:
    source = 0 if entry.source is None else int(entry.source)
    return (entry.group.version, int(entry.group), source, entry.port)


def _entry_line(entry: PortEntry, life_s: float, width: int, glyphs: Glyphs) -> Line:
    """Return ``239.1.2.3 > 2   4.2 s ###...``: the time that is left as a number and as a bar."""
    source = "" if entry.source is None else f"{brief(entry.source)},"
    what, close = (
        f"{source}{entry.group}{space}{glyphs.to}{space}{port_number(entry.port)}" for space in (" ", "")
    )
    part = 1.0
    if entry.left_s is None:
        rights = [" by source", ""] if entry.is_include and entry.source is None else [""]
    else:
        part = min(1.0, entry.left_s / life_s) if life_s else 0.0
        left = f" {entry.left_s:.1f} s"
        whole, short = (_bar(part, cells, glyphs) for cells in BARS)
        rights = [f" {left:>6} {whole}", f"{left.replace(' s', 's')} {short}", left, ""]
    style = "bold $warning" if part < LEFT_IS_LOW else "bold"
    what, right = next(
        (form, text) for text in rights for form in (what, close) if len(form + text) <= width or not text
    )
    what = shortened(what, width, glyphs)
    return (
        (what.ljust(max(0, width - len(right))), style),
        (right, style if "warning" in style else "$primary"),
    )


def _bar(part: float, cells: int, glyphs: Glyphs) -> str:
    filled = round(part * cells)
    return glyphs.spark[-1] * filled + glyphs.spark[0] * (cells - filled)


def seconds(value: float) -> str:
    """Return a time of the lab: ``2.5 s``, ``25 s``."""
    return f"{value:.1f} s" if value < 10 and value != int(value) else f"{value:.0f} s"
