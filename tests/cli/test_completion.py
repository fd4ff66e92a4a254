"""The completion scripts, asked by the real shells what could stand at the cursor."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.generate import bash, fish, zsh
from mcast_tui.cli.generate.grammar import Command, read_program
from mcast_tui.cli.main import main
from tests.peers import requires
from tests.pty_app import PtyApp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcast_tui.services.lab.host import Host

pytestmark = pytest.mark.usefixtures("shared_lab")

SCRIPTS = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script}
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
compopt() { :; }  # it may be called only while bash itself completes
_mcast_tui
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH_INSIDE = """
PROMPT= ; unsetopt zle_bracketed_paste 2>/dev/null
autoload -Uz compinit; compinit -u -D; source SCRIPT
bindkey '^I' complete-word
typeset -ga hits
compadd() {
    if [[ "${(j: :)@[1,(i)(-|--)]}" != *-[OAD]* ]]; then
        local -a found; builtin compadd -O found "$@"; hits+=("${found[@]}")
    fi
    builtin compadd "$@"
}
report() { print -r -- "<<${(j:|:)hits}>>"; hits=(); comppostfuncs=(report) }  # it is asked for once
comppostfuncs=(report)
print ready
"""
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "source $1"; zpty -r shell said '*ready*'
shift
for line in "$@"; do
    zpty -w -n shell "$line"$'\\t'
    zpty -r shell said '*<<*>>*'
    print -r -- "${${said##*<<}%%>>*}"
    zpty -w -n shell $'\\x15'  # ctrl+u
done
zpty -d shell
"""
LINES = [
    ("mcast-tui lis", {"listen"}),
    ("mcast-tui lab ", {"shell", "exec", "run", "lessons"}),
    ("mcast-tui listen --raw-", {"--raw-payload"}),
    ("mcast-tui send --no-", {"--no-loop", "--no-newline"}),
    ("mcast-tui --vers", {"--version"}),
    ("mcast-tui 224.1.0.1 --asc", {"--ascii"}),
    ("mcast-tui completion ", {"bash", "zsh", "fish"}),
    ("mcast-tui lab exec --routes d", {"default"}),
    ("mcast-tui lab exec --snoop", {"--snooping"}),
    ("mcast-tui listen --interface et", {"eth0"}),
    ("mcast-tui listen -i et", {"eth0"}),
    ("mcast-tui serve broadcast -- sha256s", {"sha256sum"}),
    ("mcast-tui lab exec -- sha256s", {"sha256sum"}),
]
"""What is typed, and all that may follow."""


@pytest.fixture(scope="module")
def program() -> Command:
    return read_program()


@pytest.fixture(scope="module")
def scripts(program: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts as files, named by their shells; with a file to be completed."""
    directory = tmp_path_factory.mktemp("completion")
    for shell, script in SCRIPTS.items():
        (directory / shell).write_text(script(program))
    (directory / "payload.bin").touch()
    return directory


def ask_bash(host: Host, scripts: Path, line: str) -> set[str]:
    words = line.split(" ")
    return set(host.run(["bash", "-c", BASH, "bash", scripts / "bash", *words]).stdout.split())


def ask_fish(host: Host, scripts: Path, line: str) -> set[str]:
    command = ["fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", scripts / "fish", line]
    return {row.partition("\t")[0] for row in host.run(command).stdout.splitlines()}


SHELLS = [
    pytest.param(ask_bash, marks=requires("bash"), id="bash"),
    pytest.param(ask_fish, marks=requires("fish"), id="fish"),
]


@pytest.mark.parametrize("ask", SHELLS)
def test_the_shell_offers_what_may_stand_there(
    ask: Callable[..., set[str]], host1: Host, scripts: Path
) -> None:
    for line, expected in LINES:
        assert ask(host1, scripts, line) == expected, line
    assert ask(host1, scripts, f"mcast-tui send --file {scripts}/pay") == {f"{scripts}/payload.bin"}
    assert ask(host1, scripts, "mcast-tui listen --count ") <= {""}


@pytest.mark.parametrize("ask", SHELLS)
def test_after_a_percent_sign_stand_the_interfaces_of_this_network(
    ask: Callable[..., set[str]], host1: Host, scripts: Path
) -> None:
    assert ask(host1, scripts, "mcast-tui listen 224.1.0.1%") == {"224.1.0.1%eth0", "224.1.0.1%lo"}
    assert ask(host1, scripts, "mcast-tui 224.1.0.1%e") == {"224.1.0.1%eth0"}


@requires("bash")
def test_an_equals_sign_before_a_value_is_understood_in_bash(host1: Host, scripts: Path) -> None:
    assert ask_bash(host1, scripts, "mcast-tui serve --reply = li") == {"line"}  # bash splits there
    assert ask_bash(host1, scripts, "mcast-tui serve --reply =") == {"whole", "line", "chunk"}


@requires("zsh")
def test_zsh_offers_what_may_stand_there(host1: Host, scripts: Path) -> None:
    inside = scripts / "inside.zsh"
    inside.write_text(ZSH_INSIDE.replace("SCRIPT", str(scripts / "zsh")))
    lines = [*LINES, ("mcast-tui listen 224.1.0.1%", {"eth0", "lo"})]
    command = ["zsh", "-f", "-c", ZSH, "zsh", inside, *(line for line, _ in lines)]
    answers = host1.run(command, timeout_s=40).stdout.splitlines()
    for (line, expected), answer in zip(lines, answers, strict=True):
        # The options of a description are offered as `--interface=`; what may follow is the same.
        assert {word.removesuffix("=") for word in answer.split("|")} == expected, line


@requires("bash", "ip")
@pytest.mark.own_lab
def test_an_interface_with_a_shells_words_for_a_name_runs_nothing(host1: Host, scripts: Path) -> None:
    host1.run(["ip", "link", "add", "x$(exit)`id`;", "type", "veth"])
    assert ask_bash(host1, scripts, "mcast-tui listen -i x") == {r"x\$\(exit\)\`id\`\;"}


@requires("bash")
def test_a_person_at_bash_presses_tab(host1: Host, scripts: Path) -> None:
    with PtyApp(host1, argv=("bash", "--norc", "-i"), HOME="/nonexistent", PS1="ask$ ") as app:
        app.until_shown("ask$")
        app.enter(f"source {scripts}/bash; clear")
        app.until(lambda: app.rows[0].startswith("ask$"), "a clear screen")
        app.type("mcast-tui lis\t224.1.0.1%e\t:6666 --js\t")
        app.until_shown("ask$ mcast-tui listen 224.1.0.1%eth0:6666 --json")


@pytest.mark.parametrize("shell", SCRIPTS)
def test_every_command_and_option_is_in_the_script(
    shell: str, program: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert script == SCRIPTS[shell](program)
    for command in program.each():
        assert command.name in script
        for option in command.options:
            for name in (*option.names, *option.negated):
                shown = {"fish": f"-{'l' if name.startswith('--') else 's'} {name.lstrip('-')} "}.get(
                    shell, name
                )
                assert shown in script, (command.words, name)


@pytest.mark.parametrize("shell", [pytest.param(shell, marks=requires(shell)) for shell in SCRIPTS])
def test_the_shell_reads_its_script_without_complaint(shell: str, scripts: Path) -> None:
    checked = subprocess.run([shell, "-n", scripts / shell], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_an_unknown_shell_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "tcsh" in capsys.readouterr().err
