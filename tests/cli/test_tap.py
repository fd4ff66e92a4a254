"""``mcast-tui tap`` as root on a lab host, with readers of its user and of others."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcast_tui.net.privileges import read_privileges
from tests.cli.commands import main_on, run_on, started
from tests.net.test_tap import send
from tests.peers import Program, wait_until
from tests.tap_reader import Reader, runtime_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.host import Host

pytestmark = pytest.mark.usefixtures("shared_lab")

NOBODY = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    if Path("/proc/self/setgroups").read_text().strip() == "deny":
        pytest.skip("needs root: in a user namespace there is no other user")
    with runtime_directory(NOBODY) as directory:
        yield directory


def test_it_gives_up_every_privilege_and_feeds_its_user_and_nobody_else(
    home: Path, host1: Host, host2: Host
) -> None:
    with started(host1, "tap", "--user", str(NOBODY), until="feeding") as helper:
        left = read_privileges(str(helper.process.pid))
        [door] = home.iterdir()
        with Reader(host1, NOBODY) as reader:
            state = reader.wait_state(is_open=True)
            send(host2, b"seen without joining")
            reader.wait("payload", "seen without joining")
            reader.wait("stream", [str(host2.address4), "239.9.9.9", 1])
            with socket.socket(socket.AF_UNIX) as stranger:  # we are root, and so get past the directory
                stranger.connect(str(door))
                assert stranger.recv(1) == b""
            helper.process.send_signal(signal.SIGINT)
            assert helper.ended() == 130
            ended = reader.wait_state(is_open=False)

    assert (left.uid, left.gid, left.groups) == (NOBODY, NOBODY, ())
    assert (left.capabilities, left.bounding, left.has_no_new) == (0, 0, True)
    assert state["interfaces"] == ["eth0"]
    assert state["way"] == f"by sudo mcast-tui tap, process {helper.process.pid}"
    assert "has ended" in ended["error"]
    said = helper.errors.data.decode()
    assert "tapping eth0: multicast and broadcast" in said
    assert f"feeding {door}, for programs of user {NOBODY} only" in said
    assert f"process {os.getpid()} is of user 0: not let in" in said
    assert "frames captured, 0 dropped by the kernel, 0 refused, 0 packets not fed" in said
    assert list(home.iterdir()) == []


def test_the_door_is_open_to_its_user_only(home: Path, host1: Host) -> None:
    with started(host1, "tap", "--user", str(NOBODY), until="feeding"):
        [door] = home.iterdir()
        found = door.lstat()

    assert (found.st_uid, found.st_mode & 0o777) == (NOBODY, 0o600)


def test_a_reader_says_what_is_missing_and_finds_a_tap_that_starts_later(
    home: Path, host1: Host, host2: Host
) -> None:
    with Reader(host1, NOBODY) as reader:
        closed = reader.wait_state(is_open=False)
        with started(host1, "tap", "--user", str(NOBODY), "eth0", until="feeding"):
            reader.wait_state(is_open=True)
            send(host2, b"later")
            reader.wait("payload", "later")

    assert "CAP_NET_RAW" in closed["error"]
    assert "tap" in closed["error"].rpartition("Try: sudo ")[2]


def test_a_tap_of_another_network_namespace_is_not_taken_for_ours(
    home: Path, host1: Host, host2: Host
) -> None:
    with (
        started(host2, "tap", "--user", str(NOBODY), until="feeding") as other,
        Reader(host1, NOBODY) as reader,
    ):
        with started(host1, "tap", "--user", str(NOBODY), until="feeding") as ours:
            way = reader.wait_state(is_open=True)["way"]
        assert "reads" not in other.errors.data.decode()

    assert way.endswith(f"process {ours.process.pid}")


def test_a_second_tap_for_the_same_user_is_refused(home: Path, host1: Host) -> None:
    with started(host1, "tap", "--user", str(NOBODY), until="feeding"):
        second = run_on(host1, "tap", "--user", str(NOBODY))

    assert second.returncode == 4
    assert "another tap feeds there" in second.stderr


def test_what_a_killed_tap_left_behind_is_no_hindrance(home: Path, host1: Host) -> None:
    with started(host1, "tap", "--user", str(NOBODY), until="feeding") as first:
        first.process.kill()
        first.process.wait()
        assert len(list(home.iterdir())) == 1
        with started(host1, "tap", "--user", str(NOBODY), until="feeding"), Reader(host1, NOBODY) as reader:
            reader.wait_state(is_open=True)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("tap", "eth7"), 2, "there is no such interface"),
        (("tap", "--user", "no-such-user"), 2, "there is no such user"),
    ],
)
def test_what_cannot_be_is_said(host1: Host, arguments: tuple[str, ...], status: int, said: str) -> None:
    ended = main_on(host1, *arguments)

    assert (ended.returncode, ended.stdout) == (status, "")
    assert said in ended.stderr


UNPRIVILEGED = """
import sys
import mcast_tui.cli.commands.tap, mcast_tui.cli.running, mcast_tui.cli.verbs
import mcast_tui.services.tap.helper, mcast_tui.services.tap.tap
from mcast_tui.cli.main import main
from mcast_tui.net.privileges import drop_privileges

drop_privileges(65534, 65534)
sys.exit(main(["tap"]))
"""


def test_without_privilege_it_says_who_may(home: Path, host1: Host) -> None:
    ended = host1.run(["env", "OPENBLAS_NUM_THREADS=1", sys.executable, "-c", UNPRIVILEGED], check=False)

    assert ended.returncode == 3
    assert "Cannot tap an interface: " in ended.stderr
    assert "Try: sudo " in ended.stderr


LOADS_NOTHING_LATE = """
import sys
from mcast_tui.cli.main import main
from mcast_tui.services.tap import helper

class Unreadable:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"numpy", "mcast_tui"}:
            raise ImportError(f"{name} is where only root may read")

drop = helper.drop_privileges

def drop_and_read_no_more(uid, gid):
    sys.meta_path.insert(0, Unreadable())
    return drop(uid, gid)

helper.drop_privileges = drop_and_read_no_more
sys.exit(main(["tap", "--user", sys.argv[1]]))
"""


def test_it_feeds_from_where_only_root_may_read(home: Path, host1: Host, host2: Host) -> None:
    one_thread = ["env", "OPENBLAS_NUM_THREADS=1"]
    argv = [*one_thread, sys.executable, "-c", LOADS_NOTHING_LATE, str(NOBODY)]
    with Program(host1, argv) as helper:
        helper.errors.wait(lambda: b"feeding" in helper.errors.data, "an open door")
        with Reader(host1, NOBODY) as reader:
            reader.wait_state(is_open=True)
            send(host2, b"seen all the same")
            reader.wait("payload", "seen all the same")
            helper.process.send_signal(signal.SIGINT)
            assert helper.ended() == 130


@pytest.mark.own_lab
def test_a_reader_is_told_of_an_interface_that_is_down(home: Path, host1: Host, host2: Host) -> None:
    with started(host1, "tap", "--user", str(NOBODY), until="feeding"), Reader(host1, NOBODY) as reader:
        reader.wait_state(is_open=True)
        host1.run(["ip", "link", "set", "eth0", "down"])
        wait_until(
            lambda: any("down" in (state["error"] or "") for state in reader.said("state")), "the trouble"
        )
        host1.run(["ip", "link", "set", "eth0", "up"])
        reader.wait_state(error=None)
