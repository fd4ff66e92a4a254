"""The manual page mcast-tui(1) in roff, made of the command definitions: man(7), groff_char(7)."""

from __future__ import annotations

import ast
import inspect
import re
from typing import TYPE_CHECKING

from mcast_tui import __version__
from mcast_tui.cli.overview import overview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.cli.generate.grammar import Command, Option

WRITTEN = "2026-11-25"
"""When the words of this file last changed; those of the commands have the version."""

DESCRIPTION = (
    """Join multicast or broadcast groups, see every packet with what the kernel says about it, and talk back.
    What follows on the command line is a command, or endpoints; with endpoints alone, or nothing, the app
    opens.""",
    """Standard output is data, standard error is talk. Text from the network is shown only after every
    character that could act on a terminal has been replaced by a visible one.""",
    "Anyone on the network can read what is sent to a group, and can forge it.",
)
EXIT_STATUS = (
    ("0", "Done."),
    ("1", "The answer is no: nothing was received, nobody answered, this host is no member."),
    ("2", "The command line cannot be understood; nothing was done."),
    ("3", "The kernel wants a privilege that is missing."),
    ("4", "The kernel or the network refused."),
    ("130", "Interrupted by ctrl+c."),
    ("143", "Ended by SIGTERM; 129 by SIGHUP."),
)
FILES = (
    (
        "~/.config/mcast-tui/config.toml",
        """Settings by their names above in small letters, without the prefix: `ring_packets = 100000`. The
        environment is stronger than the file, an option stronger than both.""",
    ),
)
EXAMPLES = (
    ("A multicast server that answers each request with its host name, and a client that asks.",
     "mcast-tui serve 224.1.0.1%eth0:6666 -- hostname",
     "mcast-tui query 224.1.0.1%eth0:6666 --range 192.168.10.0/24 hello"),
    ("The same by broadcast.",
     "mcast-tui serve broadcast:6666 -- hostname",
     "mcast-tui query 192.168.10.255:6666 --range 192.168.10.0/24 hello"),
    ("Peers that all send from and receive on one port, by multicast and by broadcast.",
     "mcast-tui chat 224.1.0.1%eth0:6666 --range 192.168.10.0/24",
     "mcast-tui chat broadcast:6666 --range 192.168.10.0/24"),
    ("What the kernel says of each packet, in the environment of a command; and an empty line to try it.",
     "mcast-tui serve 224.1.0.1:8888 --shell export",
     "mcast-tui send 224.1.0.1:8888 ''"),
    ("Watch two groups at once, as JSON.",
     "mcast-tui listen 224.0.0.251:5353 239.255.255.250:1900 --json"),
    ("Who joins what on this host; and a command when a stream stops.",
     "mcast-tui groups --watch",
     "mcast-tui listen 239.0.0.1:5000 --on-stall 'logger stream lost'"),
    ("A virtual LAN to try all this on: no network, no root.",
     "mcast-tui lab shell",
     "mcast-tui lab exec -- on 2 ip addr"),
    ("A lesson: why a stream stops on a switch when nobody asks for members.",
     "mcast-tui lab run four-minutes"),
)  # fmt: skip
"""What to say of each, and lines that a test reads with the real command definitions."""
SEE_ALSO = (
    "socat(1)",
    "tmux(1)",
    "ip(7)",
    "ipv6(7)",
    "udp(7)",
    "ip-maddress(8)",
    "ip-route(8)",
    "tcpdump(8)",
)

_TYPOGRAPHIC = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
_CODE = re.compile(r"`([^`]+)`")


def escape(text: str) -> str:
    """Return text as roff shows it, letter by letter; a line of it is never taken for a request."""
    shown = "".join(
        _TYPOGRAPHIC.get(letter, letter if letter.isascii() else f"\\[u{ord(letter):04X}]") for letter in text
    )
    return rf"\&{shown}" if shown.startswith(".") else shown


def prose(text: str) -> str:
    """Return a paragraph in roff: what stands in backticks is bold."""
    pieces = _CODE.split(" ".join(text.split()))
    return "".join(bold(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces) if piece)


def bold(text: str) -> str:
    """Return text in roff, to be typed as it stands."""
    return rf"\fB{escape(text)}\fR"


def italic(text: str) -> str:
    """Return text in roff, to be replaced by what it names."""
    return rf"\fI{escape(text)}\fR"


def manual(program: Command) -> str:
    """Return the whole page."""
    version = escape(f"mcast-tui {__version__}")
    lines = [f'.TH MCAST\\-TUI 1 "{WRITTEN}" "{version}" "User Commands"']
    for title, body in _sections(program):
        lines += [f".SH {title}", *body]
    return "\n".join(lines) + "\n"


def _sections(program: Command) -> Iterator[tuple[str, list[str]]]:
    yield "NAME", [rf"{escape(program.name)} \- {escape(_as_phrase(program.summary))}"]
    yield "SYNOPSIS", _synopsis(program)
    yield "DESCRIPTION", _paragraphs(DESCRIPTION)
    yield "OPTIONS", [line for option in program.options for line in _option(option)]
    yield "COMMANDS", [line for command in program.commands for line in _command(command)]
    yield "ENDPOINTS", _endpoints()
    yield "EXIT STATUS", _tagged(EXIT_STATUS)
    yield "ENVIRONMENT", _tagged(tuple(_environment()))
    yield "FILES", _tagged(FILES)
    yield "EXAMPLES", _examples()
    yield "SEE ALSO", [_see_also()]


def _as_phrase(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def _synopsis(program: Command) -> list[str]:
    lines = [f"{bold(program.name)} [{italic('ENDPOINT')}...]"]
    for command in program.each():
        if command is not program and not command.commands:
            lines += [".br", _usage(command)]
    return lines


def _usage(command: Command) -> str:
    """Return how a command is called, one line."""
    return " ".join([bold(" ".join(command.words)), *map(escape, command.usage)])


def _command(command: Command) -> list[str]:
    """Return a command's part, and those of the commands below it."""
    own = "" if command.commands else _usage(command)
    lines = [f'.SS "{escape(" ".join(command.words[1:]))}"', *([own, ".PP"] if own else [])]
    lines += _paragraphs(command.description)
    lines += [line for option in command.options if "--help" not in option.names for line in _option(option)]
    return lines + [line for below in command.commands for line in _command(below)]


def _option(option: Option) -> list[str]:
    value = f" {italic(option.metavar)}" if option.metavar else ""
    names = ", ".join(bold(name) for name in (*option.names, *option.negated)) + value
    text = " ".join(filter(None, (option.help, option.extra, "Repeatable." if _unsaid(option) else "")))
    return [".TP", names, prose(text)]


def _unsaid(option: Option) -> bool:
    return option.repeatable and "repeat" not in option.help.lower()


def _paragraphs(texts: tuple[str, ...]) -> list[str]:
    return [line for at, text in enumerate(texts) for line in ([".PP"] if at else []) + [prose(text)]]


def _tagged(entries: tuple[tuple[str, str], ...]) -> list[str]:
    return [line for name, text in entries for line in (".TP", bold(name), prose(text))]


def _endpoints() -> list[str]:
    """Return the notations that ``--help`` shows, each with its examples."""
    rows = overview().partition("Endpoints:\n")[2].partition("\n\n")[0].splitlines()
    entries = [re.split(r" {2,}", row.strip()) for row in rows]
    lines = [prose("A group, a broadcast or a unicast address; without PORT it is 6666.")]
    for notation, *examples in entries:
        lines += [".TP", bold(notation), prose("For example: " + ", ".join(examples) + ".")]
    return lines


def _environment() -> Iterator[tuple[str, str]]:
    """Yield each setting's variable and the docstring of its field."""
    from mcast_tui.config import ENVIRONMENT_PREFIX
    from mcast_tui.services.settings import Settings

    definition = ast.parse(inspect.getsource(Settings)).body[0]
    assert isinstance(definition, ast.ClassDef)  # it is the source of one
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(text, ast.Expr)
            assert isinstance(text.value, ast.Constant)  # every field has its docstring
            yield f"{ENVIRONMENT_PREFIX}{field.target.id.upper()}", str(text.value.value)
    yield "NO_COLOR", "When set and not empty: no colours."


def _examples() -> list[str]:
    lines: list[str] = []
    for text, *commands in EXAMPLES:
        lines += [".PP", prose(text), ".PP", ".nf", ".RS", *map(bold, commands), ".RE", ".fi"]
    return lines[1:]


def _see_also() -> str:
    pages = (name.partition("(") for name in SEE_ALSO)
    return ", ".join(f"{bold(page)}({section}" for page, _, section in pages)
