"""The columns of the table of memberships: which fit, and what a membership says in each.

Pure: widths and facts in, text out. What holds the name of an interface goes through `safe` here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcast_tui.app.fit import MUTED, compact, shorten
from mcast_tui.app.widgets.columns import Column, fit_cells, line_cells, line_of
from mcast_tui.human import format_long
from mcast_tui.safe import clamp_cells, safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.content import Content

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.membership.facts import HostMembership, PruneCountdown

COLUMNS: Final[Mapping[str, Column]] = {
    "interface": Column("If", 4),
    "group": Column("Group", 15),
    "users": Column("Users", 5),
    "who": Column("Who", 10),
    "filter": Column("Filter", 14),
    "version": Column("Speaks", 6),
    "why": Column("Because", 24),
    "left": Column("Pruned in", 9),
    "heard": Column("Heard", 5),
    "name": Column("Name", 12),
}
"""From left to right."""
DROPPED: Final = ("why", "name", "heard", "version", "users", "left", "interface")
"""What a narrow table does without, the first first; the detail of a row has all of it."""
WIDENED: Final[Sequence[tuple[str, int]]] = (
    ("who", 14),
    ("name", 18),
    ("filter", 24),
    ("group", 26),
    ("why", 32),
    ("name", 34),
    ("filter", 60),
    ("group", 39),
)
"""Who gets the cells that are left, and up to how many, the first first."""
LONGEST_INTERFACE: Final = 10
"""Cells of a name; what is cut off stands in the detail."""
IPV6_LEAST: Final = 18
"""Cells for ``ff02::1:ff00:1234``, the longest that every host has."""


def fit_columns(
    width: int,
    interfaces: Sequence[str],
    *,
    with_ipv6: bool,
    with_names: bool,
    with_prunes: bool,
    with_heard: bool,
) -> dict[str, int]:
    """Return the cells of each column that fits `width`; a column of which nothing is known is left out."""
    with_ = {"left": with_prunes, "name": with_names, "heard": with_heard}
    known = {name: column.least for name, column in COLUMNS.items() if with_.get(name, True)}
    known["interface"] = min(max(map(len, interfaces), default=0), LONGEST_INTERFACE)
    known["interface"] = max(known["interface"], COLUMNS["interface"].least)
    if with_ipv6:
        known["group"] = IPV6_LEAST
    widened = (each for each in WIDENED if with_ipv6 or each[0] != "group")
    cells = fit_cells(known, width, DROPPED, widened)
    cells["filter"] = max(1, cells["filter"] + min(0, width - line_cells(cells)))
    return cells


def who_of(membership: HostMembership, glyphs: Glyphs) -> tuple[str, str]:
    """Return in words whose it is, and the style of them."""
    ours = membership.ours
    others = membership.others
    more = f" +{others}" if others else ""
    if ours:
        return f"{glyphs.own} this app{more}", "bold $primary"
    if membership.is_permanent:
        return f"{glyphs.dash} kernel{more}", MUTED
    return f"{glyphs.middot} {'other' if others == 1 else f'{others} others'}", ""


def filter_of(membership: HostMembership) -> str:
    """Return the filter as the kernel keeps it: ``INCLUDE{192.0.2.1}``."""
    return compact(membership.view.filter or "not told")


def left_of(prune: PruneCountdown, now: int, glyphs: Glyphs) -> tuple[str, str]:
    """Return how long a switch still forwards the group for want of queries, and the style of it."""
    left = (prune.expires_at - now) / 1e9
    if left <= 0:
        return f"{glyphs.failed} over", "bold $error"
    text = format_long(int(left)) if left >= 60 else f"{int(left)}s"
    if prune.is_overdue:
        return f"{glyphs.warning} {text}", "bold $warning"
    return f"{glyphs.ok} {text}", "$success"


def row_of(
    membership: HostMembership,
    widths: Mapping[str, int],
    prune: PruneCountdown | None,
    heard: int | None,
    now: int,
    glyphs: Glyphs,
) -> Content:
    """Return one membership in these columns, without the cursor's cell.

    `heard` is how many other hosts reported the group; None where that is not known.
    """
    said = {
        "interface": (clamp_cells(safe_text(membership.interface), widths.get("interface", 0)), MUTED),
        "group": (shorten(str(membership.group), widths["group"], glyphs.ellipsis), "bold"),
        "users": (f"{membership.view.users:>5}", ""),
        "who": who_of(membership, glyphs),
        "filter": (filter_of(membership), ""),
        "version": (membership.protocol.value if membership.protocol else glyphs.dash, ""),
        "why": (safe_text(membership.protocol_reason), MUTED),
        "left": left_of(prune, now, glyphs) if prune else ("", ""),
        "heard": (f"{glyphs.dash if heard is None else heard:>5}", MUTED if not heard else ""),
        "name": (membership.name or "", MUTED),
    }
    return line_of(said, widths, glyphs.ellipsis)
