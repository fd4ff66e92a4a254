"""The app runs commands, too: what they say is a notice, and they end with it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcast_tui.cli.commands.tui import watch_beside
from mcast_tui.cli.hooks import Told
from mcast_tui.services.process.command import shell_command
from tests.app.frame import frame_on

if TYPE_CHECKING:
    from pathlib import Path

    from mcast_tui.services.lab.lan import Host


async def test_a_join_in_the_app_runs_its_command_and_what_that_says_is_a_notice(
    host1: Host, tmp_path: Path
) -> None:
    hook = shell_command(f'echo $$ > {tmp_path}/pid; printf "\\033[2J$MCAST_GROUP\\n"; exec sleep 600')
    beside = partial(watch_beside, Told({"join": hook}))
    async with frame_on(host1, "239.1.1.1%eth0:6666", beside=beside) as frame:
        await frame.until(lambda: any("239.1.1.1" in each for each in frame.notices), "what the command says")
        await frame.until(lambda: "␛[2J239.1.1.1" in frame.text, "the notice on screen")
        pid = int((tmp_path / "pid").read_text())
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - gone, or a line to read
            return " Z " not in stat.read()
    except OSError:
        return False
