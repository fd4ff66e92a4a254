"""What ``groups`` prints of memberships and of what happens to them: which ones, and in which form."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mcast_tui.cli.printing.json_line import json_line
from mcast_tui.cli.printing.membership_lines import entry_line, membership_record, table_lines
from mcast_tui.cli.streams import shows_colour
from mcast_tui.errors import McastError, describe_errno

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcast_tui.cli.membership_filter import MembershipFilter
    from mcast_tui.services.membership.facts import HostMembership, TimelineEntry


class Listing:
    """The memberships that are wanted, as lines for people or as JSON."""

    def __init__(self, wanted: MembershipFilter, *, as_json: bool, with_aliases: bool) -> None:
        self.wanted = wanted
        self._as_json = as_json
        self._with_aliases = with_aliases
        self._colour = shows_colour()

    def of_rows(self, read: Callable[[], Iterable[HostMembership]]) -> tuple[bytes, int]:
        """Return the table of what is read and wanted, and how many rows that is.

        Raises `McastError` when the kernel's tables cannot be read.
        """
        try:
            shown = [row for row in read() if self.wanted(row.interface, row.group)]
        except OSError as error:
            number = error.errno or 0
            attempted = "read the kernel's tables of memberships"
            raise McastError(attempted, describe_errno(number), errno=number) from error
        if self._as_json:
            records = (membership_record(row, with_aliases=self._with_aliases) for row in shown)
            return b"".join(map(json_line, records)), len(shown)
        lines = table_lines(shown, colour=self._colour, with_aliases=self._with_aliases) if shown else []
        return _encoded(lines), len(shown)

    def of_entry(self, entry: TimelineEntry) -> bytes:
        """Return the line of a change."""
        if self._as_json:
            # Here for its cost: it brings numpy, which a table does without.
            from mcast_tui.services.membership.news import facts_of_entry

            return json_line(facts_of_entry(entry))
        return _encoded([entry_line(entry, colour=self._colour)])


def _encoded(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(sys.stdout.encoding, "backslashreplace")
