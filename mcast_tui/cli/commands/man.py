"""``mcast-tui man``: the manual page, made of the command definitions."""

from __future__ import annotations

import click


@click.command()
def man() -> None:
    """Print the manual page in roff.

    Read it by `mcast-tui man | man -l -`, or keep it as ~/.local/share/man/man1/mcast-tui.1.
    """
    from mcast_tui.cli.generate.grammar import read_program
    from mcast_tui.cli.generate.manual import manual

    print(manual(read_program()), end="")
