"""``sudo mcast-tui tap``: the one privileged command; it captures, and feeds the app of who called it."""

from __future__ import annotations

import os

import click

from mcast_tui.cli.talk import talk


@click.command()
@click.argument("interfaces", nargs=-1, metavar="[INTERFACE]...")
@click.option("--user", metavar="USER", help="For whom: a name or number. [default: who called sudo]")
@click.option("--promiscuous", is_flag=True, help="Unicast as well, also what is meant for other hosts.")
def tap(interfaces: tuple[str, ...], *, user: str | None, promiscuous: bool) -> int:
    """Show the app what passes INTERFACEs: groups nobody joined, IGMP and MLD, who sends what.

    Without INTERFACE, all that can multicast, those that come up later included. Receives multicast and
    broadcast, sends nothing. Opens its sockets, gives up every privilege and becomes the user who called
    sudo; only that user's programs can read from it. Runs until ctrl+c, and says at its end what it captured
    and what was lost.
    """
    from mcast_tui.cli.running import run

    return run(_tap(interfaces, user, is_promiscuous=promiscuous))


async def _tap(names: tuple[str, ...], user: str | None, *, is_promiscuous: bool) -> int:
    os.putenv("OPENBLAS_NUM_THREADS", "1")  # whatever else it is: a second thread would keep its privileges
    from mcast_tui.services.tap.helper import Helper, find_user

    helper = Helper(names, find_user(user), talk, is_promiscuous=is_promiscuous)
    try:
        what = "all IP" if is_promiscuous else "multicast and broadcast"
        on = ", ".join(helper.tap.heard) or "what will come up, for nothing is"
        talk(f"tapping {on}: {what}")
        talk(f"privileges given up: {helper.privileges}")
        talk(f"feeding {helper.path}, for programs of user {helper.privileges.uid} only")
        await helper.run()
    finally:
        helper.close()
        counts = helper.tap.counts
        talk(
            f"{counts.captured} frames captured, {counts.dropped} dropped by the kernel, "
            f"{counts.refused} refused, {helper.not_fed} packets not fed to slow readers"
        )
    return 0
