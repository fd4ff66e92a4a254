"""Memberships and what happens to them as lines: aligned text for people, one JSON object each for programs.

JSON, schema 1: a row has `interface`, `ifindex`, `group`, `users`, `ours`, `who`, `filter`, `sources`,
`version`, `version_reason`, `mac`, `name`, `origin`, and `aliases` when asked for. What is not told is null.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from mcast_tui.cli.printing.packet_format import NANOSECONDS, clock_second
from mcast_tui.safe import cell_width, safe_text
from mcast_tui.wire.group_mac import aliases, group_mac

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcast_tui.services.membership.facts import HostMembership, TimelineEntry

HEADINGS = ("interface", "group", "users", "who", "filter", "version", "MAC", "name")
_NUMBERS = {"users"}
_BOLD, _DIM, _CYAN, _YELLOW = "1", "2", "36", "33"
"""SGR parameters (ECMA-48)."""
_COLOURS = {"group": _CYAN, "MAC": _DIM}
_GAP = "  "
_ALIAS_WIDTH = 100
SEEN, INFERRED = "●", "○"


def membership_record(row: HostMembership, *, with_aliases: bool) -> dict[str, Any]:
    """Return what a row says in JSON."""
    view = row.view
    record = {
        "interface": row.interface,
        "ifindex": row.ifindex,
        "group": str(row.group),
        "users": view.users,
        "ours": row.ours,
        "who": row.who,
        "filter": view.filter_mode,
        "sources": None if view.sources is None else list(map(str, view.sources)),
        "version": row.protocol and row.protocol.value,
        "version_reason": row.protocol_reason,
        "mac": group_mac(row.group),
        "name": row.name,
        "origin": view.origin,
    }
    if with_aliases:
        record["aliases"] = list(map(str, aliases(row.group)))
    return record


def table_lines(rows: Sequence[HostMembership], *, colour: bool, with_aliases: bool) -> list[str]:
    """Return the table: a line of headings, and a line a membership, its aliases below it."""
    cells = [_cells(row) for row in rows]
    widths = [max(map(cell_width, column)) for column in zip(HEADINGS, *cells, strict=True)]
    lines = [_line(HEADINGS, widths, [_BOLD] * len(HEADINGS), colour=colour)]
    colours = [_COLOURS.get(name, "") for name in HEADINGS]
    for row, texts in zip(rows, cells, strict=True):
        lines.append(_line(texts, widths, colours, colour=colour))
        if with_aliases:
            lines += _alias_lines(row)
    return lines


def _cells(row: HostMembership) -> tuple[str, ...]:
    return (
        safe_text(row.interface),
        str(row.group),
        str(row.view.users),
        row.who,
        row.view.filter or "not told",
        _version(row),
        group_mac(row.group),
        row.name or "",
    )


def _version(row: HostMembership) -> str:
    """Return the version in force, with its reason where that is not the default."""
    if row.protocol is None:
        return "not told"
    reason = safe_text(row.protocol_reason)
    return row.protocol.value + ("" if reason == "the default" else f" ({reason})")


def _line(texts: Iterable[str], widths: Iterable[int], colours: Iterable[str], *, colour: bool) -> str:
    padded = []
    for name, text, width, paint in zip(HEADINGS, texts, widths, colours, strict=True):
        blank = " " * (width - cell_width(text))
        painted = f"\x1b[{paint}m{text}\x1b[0m" if colour and paint and text else text
        padded.append(blank + painted if name in _NUMBERS else painted + blank)
    return _GAP.join(padded).rstrip()


def _alias_lines(row: HostMembership) -> list[str]:
    """Return the other groups of the same Ethernet address, which a host's filter lets pass as well."""
    others = [str(alias) for alias in aliases(row.group) if alias != row.group]
    if not others:
        return []
    lead = " " * 4
    said = f"{group_mac(row.group)} is also the address of {', '.join(others)}"
    return textwrap.wrap(said, _ALIAS_WIDTH, initial_indent=lead, subsequent_indent=lead * 2)


def entry_line(entry: TimelineEntry, *, colour: bool) -> str:
    """Return what happened: ``12:34:40.102 ● join 224.1.0.1 eth0 other: users 0 -> 1 [RTM_NEWMULTICAST]``."""
    seconds, rest = divmod(entry.at, NANOSECONDS)
    at = f"{clock_second(seconds)}.{rest // 1_000_000:03d}"
    where = (str(entry.group) if entry.group else "", safe_text(entry.interface or ""), safe_text(entry.who))
    parts: list[tuple[str, str]] = [
        (at, _DIM),
        (SEEN if entry.is_seen else INFERRED, "" if entry.is_seen else _YELLOW),
        (entry.what.value, _BOLD),
        *((text, paint) for text, paint in zip(where, (_CYAN, "", ""), strict=True) if text),
    ]
    said = " ".join(f"\x1b[{paint}m{text}\x1b[0m" if colour and paint else text for text, paint in parts)
    words = f": {safe_text(entry.text)}" if entry.text else ""
    return f"{said}{words} [{safe_text(entry.origin)}]"
