"""The verbs as click knows them: each imported when it is called, anything else goes to ``tui``."""

from __future__ import annotations

from importlib import import_module

import click

from mcast_tui import __version__
from mcast_tui.cli.overview import VERBS, overview
from mcast_tui.errors import UsageError

BROADCAST_WORD = "broadcast"
"""The one endpoint that is a bare word (`wire.address`)."""


class VerbGroup(click.Group):
    """A group of verbs, each imported when it is called; what is not a verb is an endpoint."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module, function = VERBS[name][0].split(":")
        command: click.Command = getattr(import_module(f"mcast_tui.cli.commands.{module}"), function)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give everything that is no option of ours, or nothing at all, to the app."""
        if args and args[0].isalpha() and args[0] not in {*VERBS, BROADCAST_WORD}:
            raise _no_such_verb(args[0])
        if not args or (args[0] not in VERBS and args[0] not in {"--help", "-h", "--version"}):
            args = ["tui", *args]
        return super().parse_args(ctx, args)

    def get_help(self, _ctx: click.Context) -> str:
        return overview()


def _no_such_verb(word: str) -> UsageError:
    from difflib import get_close_matches

    nearest = get_close_matches(word, VERBS, 1)
    remedy = f"Did you mean mcast-tui {nearest[0]}?" if nearest else "mcast-tui --help lists the commands."
    return UsageError(f"run {word!r}", "it is neither a command nor an endpoint", remedy=remedy)


@click.group(cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mcast-tui", message="%(prog)s %(version)s")
def cli() -> None:
    """Join a multicast or broadcast group, see every packet, talk back."""
