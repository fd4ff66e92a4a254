"""``mcast-tui completion``: a script by which a shell completes our commands, and that stands by itself."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    It knows commands, options, choices and files by itself, and reads the interfaces from /proc/net/dev;
    it never starts this program. bash: `source <(mcast-tui completion bash)`; zsh: the same, or keep it as
    _mcast-tui in a directory of fpath; fish: `mcast-tui completion fish | source`.
    """
    from mcast_tui.cli.generate import bash, fish, zsh
    from mcast_tui.cli.generate.grammar import read_program

    script = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script}[shell]
    print(script(read_program()), end="")
