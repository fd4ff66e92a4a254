"""``--on-...`` and ``--events`` of the verbs: real streams that stop, real programs that join."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.event_log import EventLog
from mcast_tui.cli.main import main
from mcast_tui.cli.printing import output
from mcast_tui.services.events import MembershipNews
from mcast_tui.services.membership.facts import TimelineEntry, What
from tests.cli.commands import COMMAND, run_on, started, wait_lines
from tests.peers import Program, requires, socat_peer, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from mcast_tui.services.lab.lan import Host

GROUP = "224.1.0.1%eth0:6666"
JOINED = TimelineEntry(
    1, What.JOIN, True, 2, "eth0", ip_address("239.1.1.1"), "other", "", "RTM_NEWMULTICAST"
)


def written(path: Path) -> list[str]:
    """Return the whole lines of a file so far."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


@requires("setpriv")
def test_a_file_of_events_is_to_be_written_and_need_not_be_read(host1: Host, tmp_path: Path) -> None:
    log = tmp_path / "events"
    bare = "-dac_override,-dac_read_search"  # as root, too, the modes of files count then
    line = ["setpriv", f"--bounding-set={bare}", *COMMAND, "listen", GROUP, "-t", "0.1", "--events", str(log)]
    log.touch()
    log.chmod(0o200)
    assert host1.run(line, check=False).returncode == 1
    log.chmod(0o600)
    assert json.loads(written(log)[0])["event"] == "join"
    for mode in (0o000, 0o400):
        log.chmod(mode)
        refused = host1.run(line, check=False)
        assert refused.returncode == 2
        assert f"Cannot write events to {log}: Permission denied (EACCES)." in refused.stderr
        assert "Name a file that you may append to." in refused.stderr


@requires("socat")
def test_a_listener_tells_of_a_stream_that_stops_and_goes_on(
    host1: Host, host2: Host, tmp_path: Path
) -> None:
    log, ran = tmp_path / "events", tmp_path / "ran"
    hook = f"sh -c 'echo $MCAST_EVENT $MCAST_GROUP $MCAST_PORT >> {ran}'"
    options = ("--events", str(log), "--on-stall", hook, "--stall-after", "0.2", "--on-join", hook)
    options += ("--block", "192.168.10.99")
    with started(host1, "listen", GROUP, *options) as listener, socat_peer(host2) as peer:
        wait_until(lambda: "join 224.1.0.1 6666" in written(ran), "the command of the join")
        peer.say("one")
        wait_until(lambda: any("stall" in line for line in written(log)), "the stall")
        peer.say("two")
        wait_until(lambda: any("resume" in line for line in written(log)), "the end of the silence")
        wait_until(lambda: "stall 224.1.0.1 6666" in written(ran), "the command of the stall")
        listener.process.send_signal(signal.SIGINT)
        assert listener.ended() == 130
    events = [json.loads(line) for line in written(log)]
    own = [each for each in events if each["group"] == "224.1.0.1"]
    assert [each["event"] for each in own][:3] == ["join", "stall", "resume"]
    assert {each["schema"] for each in events} == {1}
    assert own[0]["who"] == "this app"
    assert own[1]["silent_s"] >= 0.2
    assert {(each["filter"], *each["sources"]) for each in own[:3]} == {("EXCLUDE", "192.168.10.99")}


@requires("socat")
def test_the_plain_chat_tells_of_what_others_on_this_host_join(host1: Host, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    hook = f"sh -c 'echo $MCAST_WHO $MCAST_GROUP >> {ran}'"
    with started(host1, "chat", GROUP, "--on-join", hook, "--on-leave", hook):
        with socat_peer(host1, "239.1.1.1", 6667):
            wait_until(lambda: "other 239.1.1.1" in written(ran), "the join")
        wait_until(lambda: written(ran).count("other 239.1.1.1") == 2, "the leave")
    assert written(ran).count("this app 224.1.0.1") == 1


def test_a_pipe_without_reader_is_refused_and_one_whose_reader_goes_is_told(
    host1: Host, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused = run_on(host1, "listen", GROUP, "--events", str(pipe))
    assert (refused.returncode, "Start its reader first" in refused.stderr) == (2, True)
    first = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # there is a reader from the beginning
    with started(host1, "listen", GROUP, "--events", str(pipe)) as listener:
        with Program(host1, ["cat", str(pipe)]) as reader:
            told = wait_lines(reader, 1)
            os.close(first)
        assert json.loads(told[0])["event"] == "join"
        gone = b"events are no longer written: the reader of"
        listener.errors.wait(lambda: gone in listener.errors.data, "a word of it")
        listener.process.send_signal(signal.SIGINT)
        assert listener.ended() == 130


@pytest.mark.parametrize("leaves", [False, True], ids=["stops", "leaves"])
async def test_events_that_a_reader_never_took_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], leaves: bool
) -> None:
    monkeypatch.setattr(output, "GRACE_S", 0.05)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader, clog = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    os.write(clog, b"x" * fcntl.fcntl(clog, fcntl.F_GETPIPE_SZ))
    os.close(clog)
    async with EventLog(str(pipe)) as log:
        for _ in range(3):
            log.notice(MembershipNews(JOINED))
        if leaves:
            os.close(reader)
            await asyncio.wait([log._watching])
            log.notice(MembershipNews(JOINED))
    said = capsys.readouterr().err
    assert f"{4 if leaves else 3} events not written to {pipe}: it took no more" in said
    if not leaves:  # what would end with the process
        os.close(reader)
        await asyncio.to_thread(log._output._thread.join)
        os.close(log._descriptor)


def test_the_wire_is_not_listened_to_where_neither_a_screen_nor_a_command_would_tell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (["--tap", GROUP], ["chat", "--tap", GROUP]):
        assert main(words) == 2
        assert "Cannot listen to the wire: nobody would be told." in capsys.readouterr().err
    assert main(["--tap", GROUP.replace("%eth0", ""), "--print-socat"]) == 0


def test_a_time_of_silence_that_nobody_is_told_of_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", GROUP, "--stall-after", "3"]) == 2
    assert "nobody would be told" in capsys.readouterr().err
