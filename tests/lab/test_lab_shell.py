"""``mcast-tui lab exec``: one command line on a LAN of its own, `on` every host, and nothing afterwards.

Everything here also runs without privilege: in a user namespace of its own.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.lab.test_nothing_left import (
    FORBID_USER_NAMESPACES,
    UNPRIVILEGED,
    await_end,
    living_of,
    still_there,
)
from tests.peers import PATIENCE_S, requires

pytestmark = requires("socat", "ip", "unshare", "setpriv", "hostname")

LAB = [sys.executable, "-m", "mcast_tui", "lab"]
BOTH_WAYS = pytest.mark.parametrize("prefix", [(), UNPRIVILEGED], ids=["privileged", "unprivileged"])
JOINED = "until on 2 cat /proc/net/igmp | grep -q 010001E0; do :; done"
JOBS = "trap '' TERM HUP INT; sleep 600 & on 2 sleep 600 & setsid sleep 600 & on 2 setsid sleep 600 & "
NUMBERS = "for host in 1 2 3 switch; do on $host stat -Lc %i /proc/self/ns/net; done"
CPU_OF_ON = """
import resource, subprocess
def spent():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
before = spent()
for _ in range(10):
    subprocess.run(["on", "2", "true"], check=True)
print((spent() - before) / 10)
"""


def execute(*arguments, prefix=(), **options):
    """Run ``lab exec`` to its end."""
    command = [*prefix, *LAB, "exec", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=40, **options)


@BOTH_WAYS
def test_a_script_lets_socat_on_one_host_hear_what_another_sends(prefix):
    done = execute(
        "--shell",
        f"""
        on 2 socat -u UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:192.168.10.2 - &
        {JOINED}
        on 1 mcast-tui send 224.1.0.1%eth0:6666 'hello, host2' && wait $!
        """,
        prefix=prefix,
    )
    assert (done.returncode, done.stdout) == (0, "hello, host2\n"), done.stderr


@BOTH_WAYS
def test_streams_status_and_arguments_pass_through_to_the_other_host(prefix):
    done = execute(
        "--shell",
        """
        echo piped | on 2 tr a-z A-Z | on 3 cat
        on host3 printf '[%s]' 'two words' '' '$HOME'; echo
        on 2 sh -c 'hostname; echo talk >&2; exit 9'; echo $?
        on 2 sh -c 'kill -TERM $$'; echo $?
        on 2 on 3 hostname; on switch hostname; hostname
        """,
        prefix=prefix,
    )
    assert done.stdout.split("\n") == [
        "PIPED", "[two words][][$HOME]", "host2", "9", "143", "host3", "switch", "host1", "",
    ]  # fmt: skip
    assert "talk\n" in done.stderr


@requires("zsh", "fish")
def test_every_shell_finds_on():
    done = execute(
        "--shell", "zsh -f -c 'on 2 hostname'; fish --no-config -c 'on 3 hostname'; bash -c 'on 2 hostname'"
    )
    assert done.stdout == "host2\nhost3\nhost2\n", done.stderr


def test_on_alone_opens_a_shell_there():
    done = execute("--shell", "echo hostname | on 2; echo hostname | SHELL=/bin/bash on 3")
    assert done.stdout == "host2\nhost3\n"


def test_a_wrong_host_is_told_which_there_are():
    wrong = ["0", "4", "host4", "mars", "", "\x1b[31m", "-1", "٢"]
    done = execute("--", "sh", "-c", 'for host; do on "$host" hostname; echo $?; done', "sh", *wrong)
    assert done.stdout.split() == ["2"] * len(wrong)
    assert done.stderr.count("HOST is 1 to 3 (host1 to host3), or switch.") == len(wrong)
    assert "there is no host 'mars'" in done.stderr
    assert "\x1b" not in done.stderr


def test_on_without_a_host_shows_its_usage():
    done = execute("--hosts", "1", "--shell", "on; echo $?; on --help")
    usage = "Usage: on HOST [COMMAND...]; without COMMAND a shell. HOST is 1 (host1), or switch.\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, f"2\n{usage}", usage)


def test_a_command_that_is_not_there_or_may_not_run_has_the_status_a_shell_gives(tmp_path):
    data = tmp_path / "data"
    data.write_text("no program")
    path = os.environ | {"PATH": "/usr/bin:/bin"}  # a directory we may not search would answer for it
    done = execute(
        "--shell", f"on 2 no-such-program; echo $?; on 2 {data}; echo $?; on 2 ''; echo $?", env=path
    )
    assert done.stdout.split() == ["127", "126", "127"]
    assert "cannot run 'no-such-program': No such file or directory" in done.stderr
    for command, status in (("no-such-program", 127), (str(data), 126)):
        done = execute("--", command, env=path)
        assert done.returncode == status
        assert f"Cannot run {command}" in done.stderr


@pytest.mark.parametrize(("line", "status"), [("exit 7", 7), ("kill -KILL $$", 137), ("kill -INT $$", 130)])
def test_the_exit_status_is_the_commands(line, status):
    assert execute("--shell", line).returncode == status


def test_options_after_the_command_are_the_commands():
    assert execute("--hosts", "2", "echo", "--hosts", "-h").stdout == "--hosts -h\n"


def test_the_lan_is_as_wide_as_asked_for():
    done = execute(
        "--hosts", "2", "--lans", "2", "--routes", "default", "--shell", "on 2 ip -4 -o addr; ip route"
    )
    assert "192.168.11.2/24" in done.stdout
    assert "default dev eth0" in done.stdout


def test_the_switch_snoops_and_queries_when_asked():
    done = execute("--snooping", "--querier", "--", "on", "switch", "ip", "-d", "link", "show", "br0")
    assert "mcast_snooping 1" in done.stdout
    assert "mcast_querier 1" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--shell", "true", "true"),
        ("--hosts", "0", "true"),
        ("--hosts", "251", "true"),
        ("--lans", "0", "true"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_a_usage_error(arguments):
    done = execute(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@BOTH_WAYS
def test_background_jobs_on_every_host_end_with_the_command(prefix):
    done = execute("--shell", f"{JOBS} {NUMBERS}", prefix=prefix, stdin=subprocess.DEVNULL)
    made = {int(number) for number in done.stdout.split()}
    assert len(made) == 4
    assert still_there(made) == set()


@contextmanager
def up(*arguments, **environment):
    """Start ``lab exec`` with jobs on its hosts; yields it, its namespaces and every process of it."""
    command = [*arguments, *LAB, "exec", "--shell", f"{JOBS} echo up; while :; do wait; done"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment) as owner:
        try:
            assert owner.stdout.readline() == "up\n"
            deadline = time.monotonic() + PATIENCE_S
            # Its own, where it is back as soon as it has started the shell, the switch's, three hosts'.
            while len((found := living_of(owner.pid))[0]) != 5:
                assert time.monotonic() < deadline, found
            yield owner, *found
        finally:
            owner.kill()


@BOTH_WAYS
@pytest.mark.parametrize(
    ("end", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_however_the_lab_is_ended_no_process_no_namespace_and_no_file_stays(prefix, end, status, tmp_path):
    with up(*prefix, TMPDIR=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path)) as (owner, made, everyone):
        owner.send_signal(end)
        assert owner.wait(20) == status
        await_end(everyone - {owner.pid})
    assert still_there(made) == set()
    assert list(tmp_path.iterdir()) == []


def test_nobody_comes_onto_a_host_that_is_being_swept():
    rename = shlex.join([sys.executable, "-c", "import socket; socket.sethostname('(ending)')"])
    done = execute("--shell", f"on 2 {rename}; on 2 echo came in; echo $?")
    assert done.stdout == "4\n"
    assert "cannot reach host2: the lab is ending" in done.stderr


def test_an_ignored_hangup_stays_ignored():
    done = subprocess.run(
        ["nohup", *LAB, "exec", "--shell", "kill -HUP $PPID; echo lives"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "lives\n")


def test_where_namespaces_are_forbidden_it_says_so_and_runs_nothing():
    wrapped = ["unshare", "-Ur", "sh", "-c", FORBID_USER_NAMESPACES, *UNPRIVILEGED]
    done = execute("--", "echo", "ran", prefix=wrapped)
    assert (done.returncode, done.stdout) == (3, "")
    assert "Cannot build a virtual LAN" in done.stderr
    assert "User namespaces are switched off." in done.stderr


def test_a_visit_costs_milliseconds():
    done = execute("--", sys.executable, "-c", CPU_OF_ON)
    assert float(done.stdout) < 0.06  # of processor time: a busy machine does not slow it
