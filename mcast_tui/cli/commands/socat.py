"""``mcast-tui socat``: the tutorial's lines as they are written, with our own sockets."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from mcast_tui.cli.print_socat import print_socat_option
from mcast_tui.cli.sending.departure import Finite
from mcast_tui.cli.streams import say
from mcast_tui.cli.talk import talk
from mcast_tui.errors import UsageError
from mcast_tui.human import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.process.command import Command
    from mcast_tui.services.relay.plan import Plan
    from mcast_tui.services.relay.relay import Relay, Weight
    from mcast_tui.services.serve.complaints import Ration
    from mcast_tui.wire.socat.address import SocatAddress

BLOCK_SIZE = 8192
LARGEST_BLOCK = 1 << 20
A_COMMAND_FAILED = 1


@click.command(
    context_settings={"help_option_names": ["-h", "-?", "--help"], "allow_interspersed_args": False}
)
@click.argument("addresses", nargs=-1, metavar="ADDRESS ADDRESS")
@click.option("-u", "forward", is_flag=True, help="One way only: from the first address to the second.")
@click.option("-U", "backward", is_flag=True, help="One way only: from the second address to the first.")
@click.option(
    "-t",
    "linger_s",
    metavar="SECONDS",
    type=Finite(0),
    help="Once one way has ended, end when the other was silent for so long. "
    "[default: 0.5; 10 for a command that has its whole input]",
)
@click.option("-T", "idle_s", metavar="SECONDS", type=Finite(0), help="End when all was silent for so long.")
@click.option(
    "-b",
    "block_size",
    metavar="SIZE",
    type=click.IntRange(1, LARGEST_BLOCK),
    default=BLOCK_SIZE,
    show_default=True,
    help="Bytes read at once from standard input or a command, to go as one datagram.",
)
@click.option("-d", "verbosity", count=True, help="Say what goes wrong; -dd also what is opened.")
@click.option("-V", "version", is_flag=True, help="Show the version and exit.")
@print_socat_option
def socat(
    addresses: tuple[str, ...],
    *,
    forward: bool,
    backward: bool,
    linger_s: float | None,
    idle_s: float | None,
    block_size: int,
    verbosity: int,
    version: bool,
    print_socat: bool,
) -> int:
    """Run two socat addresses against each other: what is read from one is written to the other.

    \b
    mcast-tui socat UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:192.168.10.2,fork EXEC:hostname
    mcast-tui socat STDIO UDP4-DATAGRAM:224.1.0.1:6666,range=192.168.10.0/24

    Known are UDP and raw IP sockets (SENDTO, RECV, RECVFROM, DATAGRAM), STDIO, EXEC and SYSTEM; at least
    one of the two is a socket. Needs no socat. Options stand before the addresses, as with socat. On a
    terminal what arrives is shown so that it cannot act on it; into a pipe or file goes every byte.
    Exit status 1 when a command that ran once failed.
    """  # noqa: D301 - \b is click's
    if version:
        from mcast_tui import __version__

        print(f"mcast-tui {__version__}")
        return 0
    plan = _plan(addresses, linger_s, idle_s, block_size, forward=forward, backward=backward)
    if print_socat:
        return _print_socat(plan)
    from mcast_tui.cli.running import run

    return run(_relay(plan, plan.find_commands(), verbosity))


def _plan(
    addresses: tuple[str, ...],
    linger_s: float | None,
    idle_s: float | None,
    block_size: int,
    *,
    forward: bool,
    backward: bool,
) -> Plan:
    from mcast_tui.services.relay.copying import Timing
    from mcast_tui.services.relay.plan import Flow, Plan
    from mcast_tui.wire.socat.parse import parse_socat

    if len(addresses) != 2:
        raise UsageError(
            "run these addresses",
            f"exactly 2 are needed, and there are {len(addresses)}",
            remedy="Options stand before them; an address with spaces needs quotes.",
            command="mcast-tui socat STDIO UDP4-DATAGRAM:224.1.0.1:6666",
        )
    if forward and backward:
        raise UsageError("relay -u and -U", "they are opposite ways", remedy="Leave both out for both ways.")
    flow = Flow.FORWARD if forward else Flow.BACKWARD if backward else Flow.BOTH
    first, second = map(parse_socat, addresses)
    plan = Plan(first, second, flow, Timing(linger_s, idle_s or None), block_size)
    plan.check()
    return plan


def _print_socat(plan: Plan) -> int:
    """Print the line for socat itself, and that of a peer of each socket in it; return the exit status."""
    from mcast_tui.services.relay.plan import Flow
    from mcast_tui.wire.socat.address import DatagramAddress
    from mcast_tui.wire.socat.line import meeting, socat_line

    both = plan.flow is Flow.BOTH
    lines = ["# here, in socat's words", socat_line(*_options(plan), plan.first, plan.second)]
    for address, into_it in ((plan.first, Flow.BACKWARD), (plan.second, Flow.FORWARD)):
        if isinstance(address, DatagramAddress):
            sends, hears = both or plan.flow is into_it, both or plan.flow is not into_it
            lines += ["# and on a peer", meeting(address, sends=sends, hears=hears)]
    for line in lines:
        say(line)
    return 0


def _options(plan: Plan) -> list[str]:
    """Return the options of socat that say what the plan says."""
    from mcast_tui.services.relay.plan import Flow

    words = {Flow.FORWARD: ["-u"], Flow.BACKWARD: ["-U"], Flow.BOTH: []}[plan.flow]
    seconds = {"-t": plan.timing.linger_s, "-T": plan.timing.idle_s}
    words += [f"{option}{value:g}" for option, value in seconds.items() if value is not None]
    return words if plan.block_size == BLOCK_SIZE else [*words, f"-b{plan.block_size}"]


async def _relay(plan: Plan, commands: dict[SocatAddress, Command], verbosity: int) -> int:
    from contextlib import ExitStack

    from mcast_tui.cli.standard_streams import StandardStreams
    from mcast_tui.services.process.children import Children
    from mcast_tui.services.relay.relay import Relay
    from mcast_tui.services.serve.complaints import Complaints, Ration

    children = Children(adopts=True)
    ration = Ration(talk)
    with ExitStack() as resources:
        # A command's complaint may be an echo of the wire: a terminal gets it through us.
        shows = os.isatty(sys.stderr.fileno())
        stderr = resources.enter_context(Complaints(ration)).descriptor if shows else sys.stderr.fileno()
        streams, tell = StandardStreams(plan.block_size), _teller(ration, verbosity)
        relay = Relay(plan, commands, streams, children, stderr, tell)
        try:
            await relay.run()
        finally:
            await children.close()
            ration.flush()
            _tell_losses(relay)
    return A_COMMAND_FAILED if relay.failures else 0


def _teller(ration: Ration, verbosity: int) -> Callable[[Weight, str], None]:
    """Return what tells of what is heavy enough, so many lines a second: others may cause them."""

    def tell(weight: Weight, text: str) -> None:
        if weight <= verbosity:
            ration.tell(text)

    return tell


def _tell_losses(relay: Relay) -> None:
    toll = relay.toll
    losses = (
        (toll.refused, "refused by range, source port or SENDTO"),
        (toll.dropped, "dropped by the kernel"),
        (toll.evicted, "evicted before they could be passed on"),
        (toll.unanswered, "still waiting for their turn"),
    )
    if any(count for count, _ in losses):
        talk(", ".join(f"{counted(count, 'datagram')} {how}" for count, how in losses if count))
