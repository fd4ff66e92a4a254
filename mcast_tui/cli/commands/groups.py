"""``mcast-tui groups``: which groups this host is a member of, and what changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.hooks import events_option, hook_options, take_told, tell_tap, telling
from mcast_tui.cli.streams import shows_colour
from mcast_tui.errors import McastError, UsageError, describe_errno

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcast_tui.cli.hooks import Told
    from mcast_tui.cli.membership_filter import MembershipFilter
    from mcast_tui.services.events import Event
    from mcast_tui.services.membership.facts import HostMembership, TimelineEntry

NO_MEMBER = 1


@click.command()
@click.argument("chosen", nargs=-1, metavar="[GROUP|INTERFACE]...")
@click.option("-i", "--interface", "interfaces", metavar="IF", multiple=True, help="Only this interface.")
@click.option("-w", "--watch", is_flag=True, help="Go on with each change, as it happens.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per membership, and per change.")
@click.option("--aliases", is_flag=True, help="List the other groups that share each Ethernet address.")
@hook_options("join", "leave", "querier-lost", stall_after=False)
@events_option
def groups(
    chosen: tuple[str, ...],
    *,
    interfaces: tuple[str, ...],
    watch: bool,
    as_json: bool,
    aliases: bool,
    **values: Any,  # the options of hooks and events
) -> int:
    """Show which groups this host is a member of: users, filter, version in force, Ethernet address, name.

    All its processes together, as the kernel's tables have it; which process it is they do not tell. A
    GROUP is an address or a network of them, an INTERFACE a name, an index or an address. Nothing is joined
    and nothing is sent. Exit status 1 when this host is no member.

    \b
    mcast-tui groups 224.0.0.251
    mcast-tui groups 239.0.0.0/8 eth0 --json
    mcast-tui groups --watch --on-join 'logger joined'
    """  # noqa: D301 - \b is click's
    from mcast_tui.cli.membership_filter import choose
    from mcast_tui.cli.running import run

    told = take_told(values, shows=True)
    if not watch and (told.commands or told.log is not None or told.taps):
        raise UsageError("tell of changes", "none is waited for", remedy="Give --watch as well.")
    wanted = choose(chosen, interfaces)
    listing = Listing(wanted, as_json=as_json, with_aliases=aliases)
    return run(_watch(listing, told) if watch else _show(listing))


class Listing:
    """What is printed of memberships: which, and in which form."""

    def __init__(self, wanted: MembershipFilter, *, as_json: bool, with_aliases: bool) -> None:
        self.wanted = wanted
        self._as_json = as_json
        self._with_aliases = with_aliases
        self._colour = shows_colour()

    def of_rows(self, rows: Iterable[HostMembership]) -> tuple[bytes, int]:
        """Return the table of the rows that are wanted, and how many these are."""
        from mcast_tui.cli.printing.json_line import json_line
        from mcast_tui.cli.printing.membership_lines import membership_record, table_lines

        shown = [row for row in rows if self.wanted(row.interface, row.group)]
        if self._as_json:
            records = (membership_record(row, with_aliases=self._with_aliases) for row in shown)
            return b"".join(map(json_line, records)), len(shown)
        lines = table_lines(shown, colour=self._colour, with_aliases=self._with_aliases) if shown else []
        return _encoded(lines), len(shown)

    def of_entry(self, entry: TimelineEntry) -> bytes:
        """Return the line of a change."""
        from mcast_tui.cli.printing.json_line import json_line
        from mcast_tui.cli.printing.membership_lines import entry_line
        from mcast_tui.services.membership.news import facts_of_entry

        if self._as_json:
            return json_line(facts_of_entry(entry))
        return _encoded([entry_line(entry, colour=self._colour)])


def _encoded(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(sys.stdout.encoding, "backslashreplace")


async def _show(listing: Listing) -> int:
    from mcast_tui.cli.printing.output import Output
    from mcast_tui.services.membership.table import HostTable

    try:
        table, rows = listing.of_rows(HostTable().read())
    except OSError as error:
        raise _refusal(error) from error
    async with Output(sys.stdout.fileno(), lambda _: None) as output:
        output.write(table, rows)
        await output.has_room(0)
    return 0 if rows else NO_MEMBER


async def _watch(listing: Listing, told: Told) -> int:
    """Print the table, then each change until interrupted or the reader is gone."""
    from mcast_tui.cli.printing.output import Output
    from mcast_tui.cli.talk import talk
    from mcast_tui.human import counted
    from mcast_tui.services.events import MembershipNews
    from mcast_tui.services.node import Node
    from mcast_tui.services.settings import Settings

    def is_wanted(event: Event) -> bool:
        if isinstance(event, MembershipNews):
            return listing.wanted(event.entry.interface, event.entry.group)
        return True

    def subscribe(listener: Callable[[Event], None]) -> Callable[[], None]:
        return node.subscribe(lambda event: listener(event) if is_wanted(event) else None)

    left_out = 0

    def show(event: Event) -> None:
        nonlocal left_out
        if not isinstance(event, MembershipNews):
            return
        if output.is_full:  # the wire does not wait for a reader
            left_out += 1
            return
        tell_left_out()
        output.write(listing.of_entry(event.entry), 0)

    def tell_left_out() -> None:
        nonlocal left_out
        if left_out:
            talk(f"{counted(left_out, 'change')} not printed: they came faster than they were read")
            left_out = 0

    output = Output(sys.stdout.fileno(), lambda _: None)
    async with output, Node(Settings()) as node, telling(told, subscribe, talk):
        watch = node.memberships
        watch.follow(output.has_room)
        try:
            output.write(*listing.of_rows(watch.rows()))
        except OSError as error:
            raise _refusal(error) from error
        subscribe(show)
        if told.taps:
            watch.listen()
            tell_tap(watch.tap)
        talk(f"watching the kernel's tables, {watch.origin}; ctrl+c ends it")
        try:
            await output.gone()
        finally:
            tell_left_out()
    return 0


def _refusal(error: OSError) -> McastError:
    number = error.errno or 0
    return McastError("read the kernel's tables of memberships", describe_errno(number), errno=number)
