"""``mcast-tui lab``: a virtual LAN to try things on, with a shell, for one command, or for a lesson."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcast_tui.cli.streams import can_draw
from mcast_tui.cli.talk import talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from mcast_tui.services.lab.inside import Inside

Function = TypeVar("Function", bound="Callable[..., Any]")

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # as env(1) and every shell have it
LISTED_SINGLY = 8
MOST_ON_SCREEN = 32
"""Hosts of the classroom: each is a process of ours, looked at four times a second."""

_LAN_OPTIONS = (
    click.option(
        "--hosts",
        type=click.IntRange(1, 250),
        default=3,
        metavar="N",
        show_default=True,
        help="How many hosts.",
    ),
    click.option(
        "--lans",
        type=click.IntRange(1, 16),
        default=1,
        metavar="N",
        show_default=True,
        help="How many Ethernets each host is on: eth0 on 192.168.10.0/24, eth1 on 192.168.11.0/24, ...",
    ),
    click.option(
        "--routes",
        type=click.Choice(["multicast", "default", "none"]),
        default="multicast",
        show_default=True,
        help="Routes off the subnets: to groups and 255.255.255.255, a default route, or none.",
    ),
    click.option("--snooping", is_flag=True, help="Let the switch learn members, not flood."),
    click.option("--querier", is_flag=True, help="Let the switch send IGMP and MLD queries."),
)


def lan_options(function: Function) -> Function:
    """Add the options that say what LAN is built."""
    for option in reversed(_LAN_OPTIONS):
        function = option(function)
    return function


@click.group(invoke_without_command=True)
@click.option("--lesson", metavar="LESSON|FILE", type=click.Path(), help="Begin with this lesson.")
@click.option(
    "--hosts",
    type=click.IntRange(1, MOST_ON_SCREEN),
    default=3,
    metavar="N",
    show_default=True,
    help="How many hosts there are to play with.",
)
@click.option("--snooping", is_flag=True, help="Let the switch learn members, not flood.")
@click.option("--querier", is_flag=True, help="Let the switch send IGMP and MLD queries.")
@click.option("--ascii", is_flag=True, default=None, help="Draw with ASCII characters only.")
@click.pass_context
def lab(ctx: click.Context, /, lesson: str | None, **how: Any) -> int:
    """Watch a virtual LAN: hosts in network namespaces, that vanish afterwards. Lessons, or free play.

    Without a further word it opens the LAN as a live picture: keys join groups, start senders, pull cables
    and play lessons. Needs no network and no root. Host I has the addresses 192.168.10.I and fd00:10::I and
    the name hostI. The commands below run your own programs on such a LAN: on every host `on 2 COMMAND` runs
    a command on host 2, in pipes, scripts and background jobs too.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_given(ctx)
        return 0
    from mcast_tui.cli.commands.classroom import open_classroom
    from mcast_tui.services.lab.classroom.lessons import find_scenario

    scenario = None if lesson is None else find_scenario(lesson)
    if can_draw():
        return open_classroom(scenario, **how)
    click.echo(ctx.get_help())
    return 0


def _refuse_given(ctx: click.Context) -> None:
    """Refuse options of the classroom before a command: each command has its own, after its name."""
    from click.core import ParameterSource

    from mcast_tui.errors import UsageError

    given = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        word, command = f"--{given[0]}", ctx.invoked_subcommand
        reason = f"{word} before a command is for the classroom, which is not opened then"
        raise UsageError(f"run lab {command}", reason, remedy=f"See: mcast-tui lab {command} --help")


@lab.command()
@lan_options
@click.option("--tmux", is_flag=True, help="Open a tmux pane for each host.")
def shell(*, tmux: bool, **lan: Any) -> int:
    """Open your shell on host 1 of a fresh LAN; leaving it takes the LAN down.

    `on 2 COMMAND` runs a command on host 2, `on 2` opens a shell there, `on switch COMMAND` runs it on
    the switch. Exit status is the shell's. What runs on the hosts ends with it, background jobs too.
    """
    from contextlib import nullcontext

    from mcast_tui.cli.foreground import run_in_foreground
    from mcast_tui.cli.signals import ended_by_signals
    from mcast_tui.services.lab.tmux import new_server, panes_beside, require_tmux

    if tmux:
        require_tmux(lan["hosts"])
    with ended_by_signals(), _entered(lan) as inside:
        _greet(inside)
        if tmux and "TMUX" not in os.environ:
            return run_in_foreground(lambda: inside.start(new_server(inside)))
        command = os.environ.get("SHELL") or "/bin/sh"
        with panes_beside(inside) if tmux else nullcontext():
            return _run(inside, [command], PS1=f"{inside.lab.host(1).name}$ ")


@lab.command("exec", context_settings={"allow_interspersed_args": False})
@lan_options
@click.option("--shell", "line", metavar="STRING", help="Run this line by /bin/sh instead of a COMMAND.")
@click.argument("command", nargs=-1, metavar="[--] [COMMAND]...")
def execute(command: tuple[str, ...], *, line: str | None, **lan: Any) -> int:
    """Run one command on host 1 of a fresh LAN and exit with its status.

    In it `on 2 COMMAND` runs a command on host 2. When the command ends, everything that still runs on
    the hosts is ended too. Exit status 128 + N when signal N ended it, 127 when there is no such command.
    """
    from mcast_tui.cli.signals import ended_by_signals
    from mcast_tui.errors import UsageError

    if (line is None) == (not command):
        raise UsageError(
            "run a command on the LAN",
            "there is none" if line is None else "there are both --shell and a COMMAND",
            remedy="For example: mcast-tui lab exec -- on 2 ip addr",
        )
    with ended_by_signals(), _entered(lan) as inside:
        return _run(inside, list(command) if line is None else ["/bin/sh", "-c", line])


@lab.command("run")
@click.argument("scenario", metavar="LESSON|FILE", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object per step.")
def run_scenario(scenario: str, *, as_json: bool) -> int:
    """Play a lesson, or the LAN that a TOML FILE describes, and check what it claims.

    Each step is done, told and checked against counters of the kernel and of the members; what does not
    come about ends it. Exit status 1 when something was not as expected.
    """
    from mcast_tui.cli.playing import JsonReport, TextReport, play
    from mcast_tui.cli.running import run
    from mcast_tui.services.lab.classroom.lessons import find_scenario
    from mcast_tui.services.lab.namespace import enter_private_network_or_refuse

    found = find_scenario(scenario)
    enter_private_network_or_refuse()
    return run(play(found, JsonReport() if as_json else TextReport()))


@lab.command("lessons")
def list_lessons() -> int:
    """List the lessons by the names that `lab run` knows."""
    from mcast_tui.cli.playing import print_lessons
    from mcast_tui.services.lab.classroom.lessons import lessons

    print_lessons(lessons())
    return 0


def _entered(lan: dict[str, Any]) -> AbstractContextManager[Inside]:
    """Return a LAN on whose hosts this program is called by its name, wherever it was started from."""
    from mcast_tui.services.lab.inside import enter_lab

    root = str(Path(__file__).parents[3])
    script = (
        f"import sys; sys.path.insert(0, {root!r}); from mcast_tui.cli.main import main; sys.exit(main())"
    )
    return enter_lab({"mcast-tui": [sys.executable, "-P", "-c", script]}, **lan)


def _run(inside: Inside, argv: list[str], **more: str) -> int:
    """Run a program on host 1 and return its exit status, also when it cannot be started."""
    from mcast_tui.cli.foreground import run_in_foreground

    try:
        return run_in_foreground(lambda: inside.start(argv, **more))
    except OSError as error:
        talk(f"mcast-tui: Cannot run {argv[0]}: {error.strerror}.")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE


def _greet(inside: Inside) -> None:
    """Say where the person is, who else is there, and how to leave."""
    hosts = inside.lab.hosts
    talk(f"A virtual LAN of {len(hosts)} host{'s' * (len(hosts) > 1)}; nothing leaves this machine.")
    shown = hosts if len(hosts) <= LISTED_SINGLY else (hosts[0], hosts[1], hosts[-1])
    for host in shown:
        if host is shown[-1] and len(shown) < len(hosts):
            talk("  ...")
        here = "  <- you are here" if host.number == 1 else ""
        talk(f"  {host.name:<8} {host.address4!s:<15} {host.address6!s:<12}{here}".rstrip())
    if len(hosts) > 1:
        talk("`on 2 COMMAND` runs a command on host2, `on 2` opens a shell there.")
    talk("Ctrl+d or `exit` leaves; everything on the hosts ends with it.")
