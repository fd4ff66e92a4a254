"""``mcast-tui lab shell`` on a terminal: a person's shell on host 1, job control, and panes of tmux."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.main import main
from tests.lab.test_nothing_left import UNPRIVILEGED, await_end, living_of, still_there
from tests.peers import PATIENCE_S, requires, wait_until
from tests.pty_app import CTRL_C, CTRL_Z, PtyApp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.host import Host

BASH = {"SHELL": shutil.which("bash") or "bash", "HOME": "/nonexistent"}
MCAST_TUI = f"{sys.executable} -m mcast_tui"
BEGUN = "sh -c 'echo be''gun; exec sleep 600'"


@pytest.fixture
def shell(host1: Host) -> Iterator[PtyApp]:
    """A ``lab shell`` with bash on a terminal, greeted."""
    with PtyApp(host1, "lab", "shell", **BASH) as app:
        app.until_shown("you are here", "exit")
        yield app


def answers(app: PtyApp, row: str) -> None:
    """Wait until a row of the screen is exactly this: the answer, not the line that was typed."""
    app.until(lambda: row in [shown.rstrip() for shown in app.rows], repr(row))


def test_a_person_runs_a_command_on_host2_and_leaves_with_a_status(shell: PtyApp) -> None:
    for text in ("host1    192.168.10.1", "host3    192.168.10.3", "fd00:10::2", "on 2 COMMAND"):
        assert text in shell.text
    shell.enter("on 2 hostname")
    answers(shell, "host2")
    shell.enter("hostname")
    answers(shell, "host1")
    shell.enter("exit 7")
    assert shell.ended() == 7
    assert shell.left_undone() == []


def test_ctrl_c_ends_the_job_on_the_other_host_and_nothing_else(shell: PtyApp) -> None:
    shell.enter(f"on 2 {BEGUN}")
    answers(shell, "begun")
    shell.type(CTRL_C)
    shell.enter("echo status $?")
    answers(shell, "status 130")
    shell.enter("exit 9")
    assert shell.ended() == 9


def test_ctrl_z_stops_the_job_and_fg_goes_on_with_it(shell: PtyApp) -> None:
    shell.enter("on 2 sh -c 'echo be''gun; read x; echo got $x'")
    answers(shell, "begun")
    shell.type(CTRL_Z)
    shell.until_shown("Stopped")
    shell.enter("fg")
    shell.until(lambda: shell.text.count("read x") == 3, "the job in the foreground")  # typed, stopped, fg
    shell.enter("word")
    answers(shell, "got word")
    shell.enter("exit 3")
    assert shell.ended() == 3


def test_a_shell_on_another_host_says_where_it_is(host1: Host) -> None:
    with PtyApp(host1, "lab", "shell", SHELL="/bin/sh", HOME="/nonexistent") as app:
        app.until_shown("host1$ ")
        app.enter("on 3")
        app.until_shown("host3$ ")
        app.enter("exit 4")
        app.until(lambda: app.text.count("host1$ ") == 2, "the first shell again")
        app.enter("echo status $?; exit 5")
        answers(app, "status 4")
        assert app.ended() == 5


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL", "terminal closed"])
def test_however_the_shell_is_taken_away_nothing_stays(shell: PtyApp, how: str) -> None:
    shell.enter("sleep 600 & on 2 sleep 600 & echo be''gun")
    answers(shell, "begun")
    made, everyone = living_of(shell.process.pid)
    if how == "terminal closed":
        shell.hang_up()
    else:
        shell.signal(signal.Signals[how])
    assert shell.process.wait(PATIENCE_S) in {143, 129, -9}
    await_end(everyone - {shell.process.pid})
    assert still_there(made) == set()


def test_the_terminal_is_put_right_when_the_shell_is_killed(shell: PtyApp) -> None:
    shell.enter("kill -KILL $$")  # while readline has the terminal in its own mode, or nearly so
    assert shell.ended() == 137
    assert "termios" not in shell.left_undone()


def test_ctrl_c_is_for_the_command_of_exec(host1: Host) -> None:
    line = "trap 'echo caught; exit 5' INT; echo begun; while :; do sleep 0.05; done"
    with PtyApp(host1, "lab", "exec", "--shell", line) as app:
        answers(app, "begun")
        app.type(CTRL_C)
        app.until_shown("caught")
        assert app.ended() == 5


@pytest.mark.parametrize("inner", ["lab exec --shell 'echo be''gun; read x; echo got $x'", "lab shell"])
def test_ctrl_z_and_suspend_give_the_terminal_back_and_fg_takes_it_again(host1: Host, inner: str) -> None:
    outer = ("bash", "--norc", "-i")
    with PtyApp(host1, argv=outer, **BASH, PS1="outer$ ") as app:
        app.until_shown("outer$")
        app.enter(f"{MCAST_TUI} {inner}")
        if inner == "lab shell":
            app.until_shown("you are here")
            app.enter("suspend")
        else:
            answers(app, "begun")
            app.type(CTRL_Z)
        app.until_shown("Stopped", "outer$")
        app.enter("fg")
        app.until(
            lambda: app.text.count("mcast_tui lab") == 3, "the lab in the foreground"
        )  # typed, stopped, fg
        app.enter("echo got wo''rd; exit" if inner == "lab shell" else "word")
        answers(app, "got word")
        app.until(lambda: app.rows[app.screen.cursor.y].startswith("outer$"), "the outer prompt")
        app.enter("exit 6")
        assert app.ended() == 6


def test_a_shell_that_does_not_exist_is_an_error_in_words(host1: Host) -> None:
    with PtyApp(host1, "lab", "shell", SHELL="/no/such/shell") as app:
        assert app.ended() == 127
        assert "Cannot run /no/such/shell: No such file" in app.text


def test_lab_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab"]) == 0
    said = capsys.readouterr().out
    assert "shell" in said
    assert "exec" in said


# -- tmux ------------------------------------------------------------------------------------------------


@requires("tmux")
def test_a_tmux_of_its_own_has_a_pane_per_host_and_goes_with_the_lab(host1: Host) -> None:
    with PtyApp(host1, "lab", "shell", "--tmux", SHELL="/bin/sh", HOME="/nonexistent") as app:
        app.until_shown("host1$", "host2$", "host3$")
        made, everyone = living_of(app.process.pid)
        app.enter("on 3 sh -c 'echo I am $(hostname)'")
        app.until_shown("I am host3")
        app.enter("tmux kill-session")
        assert app.ended() == 0
        await_end(everyone - {app.process.pid})
        assert still_there(made) == set()
        assert app.left_undone() == []


@pytest.fixture(params=[(), UNPRIVILEGED], ids=["privileged", "unprivileged"])
def tmux(
    request: pytest.FixtureRequest, host1: Host, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tmux]:
    server = Tmux(host1, str(tmp_path_factory.mktemp("tmux") / "s"), request.param)
    yield server
    server.close()


class Tmux:
    """A tmux that was there before us, on its own socket, with one pane that runs sh.

    Without privilege it is outside of the lab's user namespace, and its panes are to get in.
    """

    def __init__(self, host: Host, socket: str, prefix: tuple[str, ...]) -> None:
        self._host, self._socket = host, socket
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
        environment |= {"SHELL": "/bin/sh", "PS1": "outer$ ", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        command = ["tmux", "-S", socket, "-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "50"]
        self.run(*prefix, *command, "exec sh", env=environment)

    def ask(self, *words: str, **options: object) -> str:
        return self.run("tmux", "-S", self._socket, *words, **options)

    def run(self, *words: str, **options: object) -> str:
        return self._host.run(words, **options).stdout

    def panes(self) -> list[str]:
        return self.ask("list-panes", "-F", "#{pane_id}").split()

    def shown(self, pane: str) -> str:
        return self.ask("capture-pane", "-p", "-t", pane, check=False)  # it may have closed just now

    def until(self, condition: object, what: str) -> None:
        wait_until(condition, what)

    def close(self) -> None:
        server = int(self.ask("display-message", "-p", "#{pid}"))
        self.ask("kill-server")
        await_end({server})


@requires("tmux")
@pytest.mark.parametrize("end", ["exit", "SIGKILL"])
def test_in_a_tmux_that_was_there_panes_open_beside_ours_and_close_again(tmux: Tmux, end: str) -> None:
    [ours] = tmux.panes()
    tmux.ask("send-keys", "-t", ours, f"{MCAST_TUI} lab shell --tmux; echo left", "Enter")
    tmux.until(lambda: len(tmux.panes()) == 3, "two more panes")
    for number, pane in enumerate(tmux.panes(), 1):
        tmux.until(lambda pane=pane, number=number: f"host{number}$" in tmux.shown(pane), f"host{number}$")
    tmux.ask("send-keys", "-t", tmux.panes()[1], "on 3 hostname; mcast-tui --version", "Enter")
    tmux.until(lambda: "mcast-tui 0" in tmux.shown(tmux.panes()[1]), "the version")
    assert "\nhost3\n" in tmux.shown(tmux.panes()[1])
    if end == "exit":
        tmux.ask("send-keys", "-t", ours, "exit", "Enter")
    else:
        shell = tmux.ask("display-message", "-p", "-t", ours, "#{pane_pid}").strip()
        [owner] = tmux.run("pgrep", "--parent", shell).split()
        os.kill(int(owner), signal.SIGKILL)
    tmux.until(lambda: tmux.panes() == [ours], "our pane alone")
    tmux.until(lambda: "\nleft" in tmux.shown(ours), "the shell that was there")


def test_more_panes_than_a_terminal_has_room_for_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "shell", "--tmux", "--hosts", "17"]) == 2
    assert "17 panes have no room, 16 have" in capsys.readouterr().err


def test_without_tmux_it_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["lab", "shell", "--tmux"]) == 4
    assert "apt install tmux" in capsys.readouterr().err


@requires("tmux")
def test_sixteen_panes_have_room(host1: Host) -> None:
    with PtyApp(
        host1, "lab", "shell", "--tmux", "--hosts", "16", size=(80, 24), SHELL="/bin/sh", HOME="/nonexistent"
    ) as app:
        app.until_shown(*(f"host{number}$" for number in range(1, 17)))
        app.enter("tmux kill-session")
        assert app.ended() == 0
