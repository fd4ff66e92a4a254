"""Every lesson does what it says, by counters of kernels and members; a claim that is not so is found out.

All of it also runs without privilege: in a user namespace of its own.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mcast_tui.cli.main import main
from mcast_tui.cli.playing import TextReport
from mcast_tui.cli.prose import NARROWEST, WIDEST
from mcast_tui.services.lab.classroom.lessons import FOLDER, ORDER, find_scenario
from mcast_tui.services.lab.classroom.runner import Outcome, Runner, StepResult
from mcast_tui.services.lab.classroom.scenario import Step
from mcast_tui.services.lab.classroom.scenario_file import read_scenario
from tests.lab.test_nothing_left import (
    FORBID_USER_NAMESPACES,
    UNPRIVILEGED,
    await_end,
    living_of,
    still_there,
)
from tests.peers import PATIENCE_S, requires

LAB = [sys.executable, "-m", "mcast_tui", "lab"]
WRONG = """
title = "A claim that is not so"
[lan]
hosts = 2
[[sender]]
name = "stream"
host = 1
to = "239.1.1.1"
[[member]]
name = "viewer"
host = 2
group = "239.1.1.1"
[[step]]
title = "It arrives"
do = ["join viewer", "start stream"]
expect = ["viewer receives all of stream"]
[[step]]
title = "It is said not to arrive"
patience_s = 0.5
expect = ["host 2 has 1 users of 239.1.1.1", "viewer receives none of stream"]
[[step]]
title = "This is not done"
do = ["stop stream"]
"""


def lab(*arguments, prefix=(), **options):
    """Run a command of ``mcast-tui lab`` to its end."""
    command = [*prefix, *LAB, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


@pytest.mark.parametrize("name", ORDER)
async def test_a_lesson_holds_step_by_step(name):
    async with Runner(find_scenario(name)) as runner:
        while not runner.is_over:
            result = await runner.next()
            assert result.holds, (result.step.title, result.outcomes)
        assert runner.position == len(runner.steps)


def test_every_lesson_is_taught_and_every_step_of_one_is_told_and_claims_something():
    assert {path.stem for path in FOLDER.iterdir()} == set(ORDER)
    for name in ORDER:
        lesson = find_scenario(name)
        assert lesson.title
        assert lesson.text
        assert lesson.scale
        for step in lesson.steps:
            assert step.see, step.title
            assert step.why, step.title
            assert step.reference, step.title
            assert step.expectations, step.title


async def test_a_lesson_begins_anew_when_it_is_reset():
    async with Runner(find_scenario("leak")) as runner:
        assert (await runner.next()).holds
        assert (await runner.next()).holds
        await runner.reset()
        assert runner.position == 0
        assert (await runner.lan.look()).members == {}
        assert (await runner.next()).holds


@requires("setpriv")
def test_lab_run_prints_each_step_with_its_evidence_also_without_privilege():
    done = lab("run", "reverse-path", prefix=UNPRIVILEGED)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2. The filter, strict" in done.stdout
    assert "  - rp_filter of host 2 on LAN 1 is 1, strict" in done.stdout
    assert "  ✓ viewer receives none of stray: stray sent at least" in done.stdout
    assert "✗" not in done.stdout
    assert done.stdout.endswith("9 of 9 expectations held.\n")


def test_a_claim_that_is_not_so_is_reported_ends_the_run_and_is_its_exit_status(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG)
    done = lab("run", str(path), "--json")
    begin, first, second, end = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (1, "")
    assert begin == {
        "schema": 1, "kind": "scenario", "name": "wrong", "title": "A claim that is not so", "steps": 3,
    }  # fmt: skip
    assert (first["kind"], first["number"], first["holds"]) == ("step", 1, True)
    assert first["done"] == [
        "viewer, on host 2, joins (*,239.1.1.1):5000",
        "stream, on host 1, sends to 239.1.1.1:5000, 100 packets/s, ttl 1",
    ]
    assert [(one["text"], one["holds"]) for one in second["expectations"]] == [
        ("host 2 has 1 users of 239.1.1.1", True),
        ("viewer receives none of stream", False),
    ]
    assert "viewer received" in second["expectations"][1]["evidence"]
    assert end == {"schema": 1, "kind": "end", "holds": False, "steps_done": 2, "steps": 3}
    told = lab("run", str(path))
    assert told.returncode == 1
    assert "  ✗ viewer receives none of stream: stream sent at least" in told.stdout
    assert told.stdout.endswith("2 of 3 expectations held.\nThe 1 step after this one was not done.\n")


@pytest.mark.parametrize("columns", [1, 2, 40, 72, 300])
def test_a_lesson_is_told_within_any_width_and_what_is_to_be_copied_is_not_broken(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    claim = Outcome("what is claimed of it", True, "it-is-one-word-for-a-shell-and-stays one")
    step = Step("It is told", (), "What there is to see of it.", "Why that is so.", "RFC 1112 section 4", ())
    report = TextReport()
    report.begin(find_scenario("leak"))
    report.step(StepResult(1, step, ("stream starts",), (claim,), 0.1, picture=None))
    told = capsys.readouterr().out
    assert "it-is-one-word-for-a-shell-and-stays" in told
    prose = [line for line in told.splitlines() if line.startswith("  ")]
    assert max(map(len, prose)) <= min(max(columns, NARROWEST), WIDEST)


def test_a_file_that_is_wrong_is_refused_before_anything_is_built(tmp_path, capsys):
    path = tmp_path / "bad.toml"
    path.write_text(WRONG.replace("hosts = 2", "hsots = 2"))
    assert main(["lab", "run", str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "use lan.hsots of bad.toml: there is no such key" in printed.err
    assert "Did you mean hosts?" in printed.err
    assert main(["lab", "run", "floding"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "flooding, four-minutes" in printed.err


@requires("setpriv", "unshare")
def test_where_namespaces_are_forbidden_no_lesson_runs_and_the_remedy_is_told():
    wrapped = ["unshare", "-Ur", "sh", "-c", FORBID_USER_NAMESPACES, *UNPRIVILEGED]
    done = lab("run", "leak", prefix=wrapped)
    assert (done.returncode, done.stdout) == (3, "")
    assert "sysctl user.max_user_namespaces" in done.stderr


def test_a_lesson_that_is_interrupted_ends_at_once_and_leaves_nothing():
    with subprocess.Popen([*LAB, "run", "four-minutes"], stdout=subprocess.PIPE, text=True) as run:
        while not run.stdout.readline().startswith("1. "):
            pass
        made, everyone = living_of(run.pid)
        assert len(everyone) == 1 + 5 + 4  # ourselves, the switch and four hosts, our program on each
        run.send_signal(signal.SIGINT)
        assert run.wait(PATIENCE_S) == 130
    await_end(everyone - {run.pid})
    assert still_there(made) == set()


def test_lab_lessons_lists_them_in_the_order_they_are_taught(capsys):
    assert main(["lab", "lessons"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == list(ORDER)
    assert "It works for four minutes, then it stops" in listed


async def test_the_example_in_the_documentation_holds(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "classroom.md").read_text()
    path = tmp_path / "example.toml"
    path.write_text(text.partition("```toml\n")[2].partition("```")[0])
    async with Runner(read_scenario(path)) as runner:
        while not runner.is_over:
            assert (await runner.next()).holds
