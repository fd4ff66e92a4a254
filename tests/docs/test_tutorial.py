"""docs/tutorial.md is what happens: every line in it is typed again, and must print what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.console import LabShell, Step, comparable, greeting_of, steps_of
from tests.peers import requires

TUTORIAL = Path(__file__).parents[2] / "docs/tutorial.md"


@requires("socat", "bash")
@pytest.mark.timeout(240)
def test_every_line_of_the_tutorial_prints_what_it_says() -> None:
    document = TUTORIAL.read_text("utf-8")
    steps = list(steps_of(document))
    assert len(steps) > 20
    with LabShell() as shell:
        assert shell.greeting == greeting_of(document)
        for step in steps:
            assert comparable(shell.run(step)) == comparable(step.output), f"after {step.command!r}"
        assert shell.close() == 0


@requires("bash")
def test_a_tutorial_that_says_something_else_would_be_noticed() -> None:
    with LabShell() as shell:
        assert shell.run(Step("on 2 hostname", ["host2"])) == ["host2"]
        assert comparable(["12:30:01.000001 a  b"]) == comparable(["09:11:59.123456 a    b"])
        assert comparable(["ttl 1"]) != comparable(["ttl 2"])
