"""The command line's front door: help without cost, errors in words and with their status."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from mcast_tui import __version__
from mcast_tui.cli import verbs
from mcast_tui.cli.commands import demo
from mcast_tui.cli.main import main
from mcast_tui.cli.overview import VERBS
from mcast_tui.cli.talk import talk
from mcast_tui.config import BOUNDS
from mcast_tui.services.lab import demo as demo_lan
from mcast_tui.services.settings import Settings
from tests.cli.commands import COMMAND, main_on
from tests.peers import PATIENCE_S, Output

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host

pytestmark = pytest.mark.usefixtures("shared_lab")


def test_help_names_every_verb_and_how_an_endpoint_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in VERBS)
    assert "[SOURCE,]ADDRESS[%INTERFACE][:PORT][+N]" in said


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert "Usage: mcast-tui" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["send", "--help"], ["listen", "--help"]])
def test_help_imports_neither_textual_nor_numpy(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom mcast_tui.cli.main import main\n"
        f"assert main({arguments!r}) == 0\n"
        "heavy = {'textual', 'rich', 'numpy', 'asyncio', 'pyroute2'} & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_endpoint_that_cannot_be_read_is_shown_with_a_caret(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "224.1.0.1:66666"]) == 2
    said = capsys.readouterr().err.splitlines()
    fault = next(position for position, line in enumerate(said) if line.strip() == "^")
    assert said[fault - 1][said[fault].index("^") :] == "66666"


def test_hostile_arguments_reach_the_terminal_only_as_safe_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "224.1.0.1\x1b]0;pwned\x07\u202e"]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "--nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_listening_to_nothing_shows_what_an_endpoint_looks_like(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen"]) == 2
    assert "mcast-tui listen 224.1.0.1:6666" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_a_listener_quietly(host1: Host) -> None:
    readable, writable = os.pipe()
    listener = host1.popen(
        [*COMMAND, "listen", "224.1.0.1%eth0:6666"], stdout=writable, stderr=subprocess.PIPE, bufsize=0
    )
    os.close(writable)
    errors = Output(listener.stderr, "listen (stderr)")
    errors.wait(lambda: b"listening to" in errors.data, "listening")
    os.close(readable)
    main_on(host1, "send", "224.1.0.1%eth0:6666", "to nobody")
    assert listener.wait(PATIENCE_S) == 0
    listener.stderr.close()
    assert b"Traceback" not in errors.data
    assert b"BrokenPipe" not in errors.data


PRINTED = [
    "--help",
    "--version",
    "man",
    "explain ttl",
    "listen --help",
    "completion bash",
    "lab lessons",
    "send --print-socat 224.1.0.1",
]
"""What is printed at once and by no loop of events."""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", PRINTED)
def test_a_reader_that_wants_nothing_ends_what_prints_quietly_and_well(words: str, unbuffered: str) -> None:
    readable, writable = os.pipe()
    os.close(readable)
    with os.fdopen(writable, "wb") as nobody:
        done = printed_to(nobody, words, unbuffered)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", PRINTED)
def test_a_full_disk_is_said_so_by_what_prints(words: str, unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as disk:
        done = printed_to(disk, words, unbuffered)
    said = "mcast-tui: Cannot write to standard output: No space left on device (ENOSPC).\n"
    assert (done.returncode, done.stderr) == (4, said)


def printed_to(output: IO[bytes], words: str, unbuffered: str) -> subprocess.CompletedProcess[str]:
    """Run a command into an output; Python writes at once, or only at the end, as PYTHONUNBUFFERED says."""
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    line = [*COMMAND, *words.split()]
    return subprocess.run(
        line, stdout=output, stderr=subprocess.PIPE, text=True, check=False, env=environment
    )


def test_an_error_of_the_kernel_that_is_not_of_standard_output_is_not_called_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no room elsewhere")

    monkeypatch.setattr(verbs.cli, "main", fail)
    with pytest.raises(OSError, match="no room elsewhere"):
        main(["man"])


def test_a_setting_from_the_environment_that_is_nonsense_is_refused(host1: Host) -> None:
    done = host1.run(
        ["env", "MCAST_TUI_RING_PACKETS=many", sys.executable, "-m", "mcast_tui", "listen", "224.1.0.1"],
        check=False,
    )
    assert done.returncode == 2
    assert "ring_packets" in done.stderr


def shell(host: Host, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``mcast-tui`` as "$@" of a shell line: what only a shell can do to a command."""
    return host.run(
        ["sh", "-c", line, "sh", *COMMAND], check=False, timeout_s=60, env=os.environ | environment
    )


def test_a_closed_stderr_does_not_turn_talk_into_data(host1: Host) -> None:
    done = shell(host1, '"$@" send 224.1.0.1%eth0:6666 hello 2>&-')
    assert (done.returncode, done.stdout) == (0, "")
    refused = shell(host1, '"$@" listen nonsense 2>&-; echo $?; "$@" listen --nonsense 2>&-; echo $?')
    assert refused.stdout == "2\n2\n"


def test_closed_standard_streams_are_as_good_as_empty_ones(host1: Host) -> None:
    for line in ('"$@" send 224.1.0.1%eth0:6666 <&-', '"$@" chat 224.1.0.1%eth0:6666 -l 0 <&- >&-'):
        done = shell(host1, line)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert "Traceback" not in done.stderr


def test_a_usage_error_repeats_hostile_words_as_safe_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "--\x1b]0;pwned\x07"]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "pwned" in said


def test_what_talks_makes_it_safe(capsys: pytest.CaptureFixture[str]) -> None:
    talk("held by \x1b[31mevil\udcff")
    assert capsys.readouterr().err == "held by ␛[31mevil·\n"


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "man",
        "groups",
        "groups --watch",
        "lab lessons",
        "listen 224.1.0.1%eth0",
        "query 192.168.10.2 a",
    ],
)
def test_who_would_print_to_a_closed_stdout_refuses_at_once(host1: Host, words: str) -> None:
    done = shell(host1, f'"$@" {words} >&-')
    assert done.returncode == 4, done.stderr
    assert "Cannot write to standard output: Bad file descriptor (EBADF).\n  It is closed" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_printed_acts_on_no_terminal_and_a_script_gets_it_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["socat", "--print-socat", "EXEC:echo \x1bc", "UDP4-SENDTO:192.168.10.2:7000"]
    for is_terminal, shown in ((True, "echo ␛c"), (False, "echo \x1bc")):
        monkeypatch.setattr(sys.stdout, "isatty", lambda is_terminal=is_terminal: is_terminal)
        assert main(words) == 0
        assert shown in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--ring-packets", "--ring-bytes", "--receive-buffer"])
def test_a_size_that_no_setting_may_have_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    setting = option.removeprefix("--").replace("-", "_")
    for size in (BOUNDS[setting][0] - 1, BOUNDS[setting][1] + 1):
        assert main(["listen", "224.1.0.1", option, str(size)]) == 2
        assert option in capsys.readouterr().err


def test_a_ring_that_memory_cannot_hold_is_refused_in_words(host1: Host) -> None:
    done = shell(host1, 'ulimit -v 4000000; "$@" listen 224.1.0.1%eth0 --ring-packets 134217728 -t 1')
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert "--ring-packets" in done.stderr


def test_the_demo_is_not_filtered_by_the_users_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    lan = demo_lan.DemoLan((demo_lan.CHAT,), "a note", None)
    opened: list[Settings] = []
    monkeypatch.setattr(demo_lan, "enter_demo_lan", lambda **_: nullcontext(lan))
    monkeypatch.setattr(demo, "open_app", lambda settings, *_, **__: opened.append(settings) or 0)
    given = {"INTERFACE": "eth7", "RANGES": "10.9.9.0/24", "SOURCE_PORT": "9", "HOP_LIMIT": "3", "ASCII": "1"}
    for name, value in given.items():
        monkeypatch.setenv(f"MCAST_TUI_{name}", value)
    assert main(["demo"]) == 0
    assert opened == [Settings(hop_limit=3, ascii=True)]


def test_a_wrong_range_is_refused_by_name(host1: Host) -> None:
    done = main_on(host1, "listen", "224.1.0.1", "--range", "192.168.10.0/33")
    assert done.returncode == 2
    assert "network" in done.stderr


def test_a_range_is_needed_for_each_family_that_is_listened_to(host1: Host) -> None:
    both = ("listen", "224.1.0.1%eth0", "[ff15::42%eth0]:6666", "-t", "0.01", "--range", "192.168.10.0/24")
    refused = main_on(host1, *both)
    assert refused.returncode == 2
    assert "[ff15::42%eth0]:6666" in refused.stderr
    remedy = "--range ::/0"
    assert remedy in refused.stderr
    assert main_on(host1, *both, *remedy.split()).returncode == 1


def test_a_range_of_the_environment_that_fits_no_endpoint_is_refused(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCAST_TUI_RANGES", "fd00::/8")
    refused = main_on(host1, "listen", "224.1.0.1%eth0", "-t", "0.01")
    assert refused.returncode == 2
    assert "--range 0.0.0.0/0" in refused.stderr
    filtered = main_on(host1, "listen", "UDP4-RECV:6666,range=192.168.10.0/24", "-t", "0.01")
    assert filtered.returncode == 1


@pytest.mark.parametrize(
    ("word", "said"), [("listn", "Did you mean mcast-tui listen?"), ("help", "--help lists")]
)
def test_a_word_that_is_neither_command_nor_endpoint_is_called_that(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 2
    assert said in capsys.readouterr().err
