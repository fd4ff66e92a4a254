"""A lab leaves nothing: not when closed, not when it fails to come up, not when its owner is killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from mcast_tui.errors import McastError, PermissionRefused
from mcast_tui.services.lab import wiring
from mcast_tui.services.lab.lan import Lab
from mcast_tui.services.lab.namespace import isolation_refused, python_command
from tests.peers import PATIENCE_S, requires, wait_until

pytestmark = requires("socat", "ip", "unshare", "setpriv")

# Root's uid with no privilege but the one that lets uid 0 be mapped in a user namespace of its own.
UNPRIVILEGED = ("setpriv", "--bounding-set=-all,+setfcap", "--inh-caps=-all")
FORBID_USER_NAMESPACES = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$0" "$@"'
SITE = f"sys.path += {[path for path in sys.path if 'site-packages' in path]!r}"
OWNER = f"""
{SITE}
import os, subprocess
from mcast_tui.services.lab.lan import Lab
from mcast_tui.services.lab.namespace import enter_private_network
enter_private_network()
with Lab(3) as lab:
    # A program that starts programs: the grandchildren must go too, and they ignore polite signals.
    lab.host(1).popen(["sh", "-c", "trap '' TERM HUP INT; sleep 600 & sleep 600"])
    listening = ["socat", "-d", "-d", "-u", "UDP4-RECVFROM:6666,fork", "EXEC:sleep 600"]
    socat = lab.host(2).popen(listening, stderr=subprocess.PIPE)
    while b"receiving on" not in socat.stderr.readline():
        pass
    lab.host(2).run(["socat", "-u", "SYSTEM:echo wake", "UDP4-DATAGRAM:192.168.10.2:6666"])
    print("up", lab.host(2).run(["ping", "-c1", "-W20", "192.168.10.3"]).returncode, flush=True)
    sys.stdin.read()
    {{then}}
"""


def namespaces_of(pids):
    """Return the numbers of the network namespaces these processes are in."""
    found = set()
    for pid in pids:
        with suppress(OSError):  # it has just ended
            found.add((Path("/proc") / str(pid) / "ns/net").stat().st_ino)
    return found


def family(pid):
    """Return a process and all its living descendants."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while further := {child for child, parent in parents.items() if parent in found} - found:
        found |= further
    return found


def living_of(pid):
    """Return the network namespaces a process and its descendants have made, and who lives in them."""
    everyone = family(pid)
    return namespaces_of(everyone) - namespaces_of({"self"}), everyone


def still_there(namespaces):
    """Return those of the namespaces that a process of ours is in. Ours are all: orphans come to us.

    The rest of the machine is not asked: the kernel gives the number of a dead namespace to a new one.
    """
    return namespaces & namespaces_of(family(os.getpid()))


def links():
    return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout


def await_end(pids):
    """Wait until all these processes have ended, by their pidfds."""
    for pid in pids:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            ended, _, _ = select.select([descriptor], [], [], PATIENCE_S)
            os.close(descriptor)
            assert ended, f"process {pid} lives on"


def start_owner(then, *prefix):
    """Start a process that owns a lab, and return once the lab is up."""
    command = [*prefix, *python_command(OWNER.format(then=then))]
    owner = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert owner.stdout.readline() == "up 0\n"
    return owner


def test_a_closed_lab_leaves_no_namespace_no_link_and_no_process():
    before = links()
    with Lab(3) as lab:
        lab.host(1).popen(["sh", "-c", "trap '' TERM HUP INT; sleep 600 & sleep 600"])
        made, everyone = living_of(os.getpid())
        assert len(made) == 4
        assert still_there(made) == made
    await_end(everyone - {os.getpid()})
    assert (still_there(made), links()) == (set(), before)


@pytest.mark.parametrize("prefix", [(), UNPRIVILEGED], ids=["privileged", "unprivileged"])
@pytest.mark.parametrize(
    ("then", "end"),
    [
        ("pass", signal.SIGKILL),
        ("pass", signal.SIGTERM),
        ("raise SystemExit('a crash')", None),
        ("os.abort()", None),
        ("pass", None),
    ],
    ids=["killed", "terminated", "exception", "aborted", "closed"],
)
def test_however_its_owner_ends_a_lab_goes_with_it(prefix, then, end):
    before = links()
    with start_owner(then, *prefix) as owner:
        # Those, a shell and its sleeps, a socat and its child's sleep: what they start takes its time.
        wait_until(lambda: len(family(owner.pid)) >= 5 + 3 + 3, "a whole family")
        made, everyone = living_of(owner.pid)
        assert len(made) == 5  # the owner's, the switch's, three hosts'
        if end:
            owner.send_signal(end)
        else:
            owner.stdin.close()
    await_end(everyone - {owner.pid})
    assert (still_there(made), links()) == (set(), before)


def test_a_lab_that_cannot_be_wired_leaves_nothing(monkeypatch):
    before = family(os.getpid())

    def fail(*_, **__):
        raise McastError("wire", "the test says so")

    monkeypatch.setattr(wiring, "configure_host", fail)
    with pytest.raises(McastError, match="the test says so"):
        Lab(2)
    assert family(os.getpid()) <= before


def test_where_user_namespaces_are_switched_off_the_refusal_says_so_and_names_the_setting():
    script = (
        f"{SITE}\nfrom mcast_tui.services.lab.namespace import isolation_refused; print(isolation_refused())"
    )
    said = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", FORBID_USER_NAMESPACES, *UNPRIVILEGED, *python_command(script)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "User namespaces are switched off." in said
    assert "sysctl user.max_user_namespaces" in said


def test_without_any_privilege_a_private_network_may_be_had():
    script = (
        f"{SITE}\nfrom mcast_tui.services.lab.namespace import isolation_refused; print(isolation_refused())"
    )
    said = subprocess.run(
        [*UNPRIVILEGED, *python_command(script)], capture_output=True, text=True, check=True
    ).stdout
    assert said == "None\n"
    assert isolation_refused() is None


def test_a_lab_without_the_privilege_for_it_is_refused():
    script = f"{SITE}\nfrom mcast_tui.services.lab.lan import Lab; Lab(1)"
    said = subprocess.run(
        [*UNPRIVILEGED, *python_command(script)], capture_output=True, text=True, check=False
    ).stderr
    assert PermissionRefused.__name__ in said
    assert "Operation not permitted (EPERM)" in said


def test_a_process_with_threads_is_not_moved():
    script = f"""{SITE}
import threading
from mcast_tui.services.lab.namespace import enter_private_network
wait = threading.Event()
thread = threading.Thread(target=wait.wait)
thread.start()
try:
    enter_private_network()
except Exception as error:
    print(error)
wait.set()"""
    said = subprocess.run(python_command(script), capture_output=True, text=True, check=True).stdout
    assert "the process has started threads" in said


def test_the_test_run_itself_is_in_a_namespace_with_nothing_but_a_loopback():
    assert links().count("\n") == 1
    assert " lo: <LOOPBACK,UP,LOWER_UP>" in links()
