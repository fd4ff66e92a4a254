"""``mcast-tui groups``: which groups this host is a member of, and what changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.hooks import events_option, hook_options, take_told
from mcast_tui.errors import UsageError

if TYPE_CHECKING:
    from mcast_tui.cli.hooks import Told
    from mcast_tui.cli.printing.listing import Listing

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
    from mcast_tui.cli.printing.listing import Listing
    from mcast_tui.cli.running import run

    told = take_told(values, shows=True)
    if not watch and (told.commands or told.log is not None or told.taps):
        raise UsageError("tell of changes", "none is waited for", remedy="Give --watch as well.")
    listing = Listing(choose(chosen, interfaces), as_json=as_json, with_aliases=aliases)
    return run(_watch(listing, told) if watch else _show(listing))


async def _show(listing: Listing) -> int:
    from mcast_tui.cli.printing.output import Output
    from mcast_tui.services.membership.table import HostTable

    table, rows = listing.of_rows(HostTable().read)
    async with Output(sys.stdout.fileno()) as output:
        output.write(table, rows)
        await output.has_room(0)
    return 0 if rows else NO_MEMBER


async def _watch(listing: Listing, told: Told) -> int:
    from mcast_tui.cli.printing.output import Output
    from mcast_tui.cli.watching import Watching

    return await Watching(listing, told, Output(sys.stdout.fileno())).run()
