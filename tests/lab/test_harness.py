"""The harness itself: a leak fails the test, so does a blocking call; a skip fails where none may be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from blockbuster import BlockingError

from mcast_tui.services import chat

PROJECT = Path(__file__).parents[2]
LEAKS = """
import asyncio, os, socket, subprocess, threading
from tests import leaks

grace_s, kept = leaks.GRACE_S, []

async def test_that_leaks_everything():
    leaks.GRACE_S = 0.5  # nothing of it is on its way out
    kept.append(socket.socket())
    kept.append(asyncio.create_task(asyncio.Event().wait(), name="forgotten"))
    reading, writing = os.pipe()  # its readers end with this process
    kept.append(subprocess.Popen(["cat"], stdin=reading))
    subprocess.run(["sh", "-c", "exec 3<&0; tail -n 1 <&3 & exit"], stdin=reading)
    kept.append(threading.Thread(target=threading.Event().wait, name="endless", daemon=True))
    kept[-1].start()

def test_that_stays_on_a_host(lab):
    lab.host(1).place.enter()

def test_that_is_clean(lab):
    leaks.GRACE_S = grace_s
    assert lab.host(1).run(["hostname"]).stdout == "host1\\n"
"""
SHARES = """
import pytest
from mcast_tui.services.lab.namespace import set_link
from tests import leaks

leaks.GRACE_S = 0.5
pytestmark = pytest.mark.usefixtures("shared_lab")

def switch_off(host):
    with host.entered():
        set_link("eth0", up=False)

@pytest.mark.own_lab
def test_that_changes_its_own(host1):
    switch_off(host1)

def test_that_changes_the_shared(host1):
    switch_off(host1)

def test_that_is_clean(host1, lab):
    assert host1 is lab.host(1)
"""
SKIPS = """
import pytest
from tests.peers import need

def test_that_skips():
    need("no-such-program")
"""


def run_tests(tmp_path, source, **environment):
    """Run a file of tests under our harness, in a process of its own, as any run of pytest."""
    (tmp_path / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(PROJECT), str(tmp_path)],
        cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_a_test_that_leaves_something_behind_fails_and_is_told_what(tmp_path):
    status, said = run_tests(tmp_path, LEAKS, MCAST_CI="")
    assert status == 1
    for what in ("(socket:", "task Event.wait", "(cat)", "(tail -n 1)", "thread endless", "in namespace"):
        assert what in said, said
    assert "test_that_is_clean" not in said.partition("short test summary")[2]


def test_a_test_that_leaves_a_shared_lan_changed_fails_and_is_told_what(tmp_path):
    status, said = run_tests(tmp_path, SHARES, MCAST_CI="")
    assert status == 1
    assert "left behind on the LAN of this file: host1: " in said, said
    summary = said.partition("short test summary")[2]
    assert [name for name in ("its_own", "the_shared", "is_clean") if name in summary] == ["the_shared"]


@pytest.mark.parametrize(("ci", "expected"), [("", 0), ("1", 1)])
def test_a_skip_fails_the_run_only_where_nothing_may_be_skipped(tmp_path, ci, expected):
    status, said = run_tests(tmp_path, SKIPS, MCAST_CI=ci)
    assert status == expected
    assert "needs no-such-program: apt install no-such-program" in said


async def test_a_blocking_call_of_a_service_in_the_event_loop_fails():
    scope = {"socket": socket}
    source = "def block():\n    with socket.create_server(('127.0.0.1', 0)) as server: server.accept()"
    exec(compile(source, chat.__file__, "exec"), scope)  # as if the service did it
    with pytest.raises(BlockingError):
        scope["block"]()
