"""The manual page: well-formed, complete, and as man(1) shows it."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import fields
from typing import TYPE_CHECKING

import click
import pytest

from mcast_tui.cli.generate.grammar import Command, read_program
from mcast_tui.cli.generate.manual import EXAMPLES, SEE_ALSO, escape, manual, prose
from mcast_tui.cli.main import main
from mcast_tui.cli.verbs import cli
from mcast_tui.services.settings import Settings
from tests.peers import requires

if TYPE_CHECKING:
    from pathlib import Path

SECTIONS = (
    "NAME SYNOPSIS DESCRIPTION OPTIONS COMMANDS ENDPOINTS EXIT_STATUS ENVIRONMENT FILES EXAMPLES SEE_ALSO"
)
CHECKERS = [
    pytest.param(words.split(), marks=requires(words.split()[0]), id=words.split()[0])
    for words in ("man --warnings -l", "groff -ww -man -Tutf8", "mandoc -Tlint -W warning")
]


@pytest.fixture(scope="module")
def program() -> Command:
    return read_program()


@pytest.fixture(scope="module")
def page(program: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("man") / "mcast-tui.1"
    path.write_text(manual(program))
    return path


@pytest.fixture(scope="module")
def shown(page: Path) -> str:
    """The page as a person sees it, each run of blanks as one."""
    words = ["groff", "-man", "-Tascii", "-P-cbou", "-rLL=2000n", "-rHY=0", page]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return " ".join(text.split())


@pytest.mark.parametrize("checker", CHECKERS)
def test_it_is_well_formed_roff(checker: list[str], page: Path) -> None:
    done = subprocess.run([*checker, page], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "WARNING" not in done.stdout


def test_the_sections_stand_in_their_usual_order(page: Path) -> None:
    titles = [line[4:].replace(" ", "_") for line in page.read_text().splitlines() if line.startswith(".SH ")]
    assert titles == SECTIONS.split()


@requires("groff")
def test_every_option_of_every_command_is_shown_with_its_help_and_default(
    program: Command, shown: str
) -> None:
    for command in program.each():
        assert " ".join(command.words) in shown
        for paragraph in command.description[1:]:
            assert paragraph.replace("`", "") in shown
        for option in command.options:
            if "--help" not in option.names:
                value = f" {option.metavar}" if option.metavar else ""
                said = ", ".join((*option.names, *option.negated)) + value
                text = " ".join(filter(None, (option.help, option.extra)))
                assert f"{said} {text}".replace("`", "") in shown


@requires("groff")
def test_defaults_choices_settings_and_endpoints_are_shown(shown: str) -> None:
    assert "--routes multicast|default|none" in shown
    assert "How many hosts. [default: 3; 1<=x<=250]" in shown
    assert "[SOURCE,]ADDRESS[%INTERFACE][:PORT][+N]" in shown
    for field in fields(Settings):
        assert f"MCAST_TUI_{field.name.upper()} " in shown
    assert all(name in shown for name in SEE_ALSO)


@requires("groff")
def test_what_roff_would_take_for_its_own_is_shown_letter_by_letter(tmp_path: Path) -> None:
    texts = [r"\fBno\fR \n(.x", ".TH evil", "'br", "a--b 'c' `d` ~e^f \"g\"", "-x", "..."]
    page = tmp_path / "page"
    page.write_text("\n.br\n".join(map(escape, texts)) + "\n")
    said = subprocess.run(["groff", "-ww", "-Tascii", page], capture_output=True, text=True, check=True)
    assert said.stderr == ""
    assert [line.strip() for line in said.stdout.splitlines() if line.strip()] == texts


def test_what_stands_in_backticks_is_bold() -> None:
    assert prose("run `on 2` there") == r"run \fBon 2\fR there"


def test_the_examples_are_lines_the_commands_understand() -> None:
    for _, *lines in EXAMPLES:
        for line in lines:
            program, verb, *words = shlex.split(line)
            command, name = cli.get_command(click.Context(cli), verb), verb
            if isinstance(command, click.Group):
                command, name = command.commands[words[0]], words.pop(0)
            assert program == "mcast-tui"
            assert command is not None
            with command.make_context(name, words):  # raises click.UsageError
                pass


def test_the_verb_prints_the_page(program: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man"]) == 0
    assert capsys.readouterr().out == manual(program)
