"""Every option of every verb, given what it cannot mean: refused by name, in words, before a socket is open.

The options are read from the command definitions, so one that is added is tried here too; one that takes
free text must be added to `TEXTS`.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, NamedTuple

import click
import pytest

from mcast_tui.cli.main import main
from mcast_tui.cli.sending.departure import Octet
from mcast_tui.cli.verbs import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "224.1.0.1"
RIGHT = {
    "tui": [GROUP],
    "demo": [],
    "lab": [],
    "lab shell": [],
    "lab exec": ["--", "true"],
    "lab run": ["flooding"],
    "lab lessons": [],
    "listen": [GROUP],
    "send": [GROUP, "hello"],
    "serve": [GROUP, "--", "true"],
    "query": [GROUP, "hello"],
    "chat": [GROUP],
    "groups": ["--watch"],
    "tap": [],
    "socat": ["STDIO", f"UDP4-DATAGRAM:{GROUP}:6666"],
    "explain": [],
    "man": [],
    "completion": ["bash"],
}
"""What stands after the options of a command line that is right."""

A_NETWORK = "Write for example 192.168.10.0/24"
AN_ADDRESS = "Write an address of this host"
A_SOURCE = "Write the address of one host"
NO_USER = "there is no such user"
NO_COMMAND = {
    "": "there is none",
    "no-such-command $MCAST_GROUP": "there is no such command",
    "sh -c 'echo": "no closing quotation",
    "\x1b[31m": "there is no such command",
}
TEXTS = {
    "--lesson": {
        "": "Is a directory",
        "nonsense": "Lessons are flooding, four-minutes",
        "/dev/null/x": "/dev/null/x",
        "\x1b[31m": "it is neither a lesson nor a file",
    },
    "--interface": {
        "": "Cannot use the interface '': there is no such interface.\n  There are lo.",
        "eth9": "Cannot use the interface 'eth9': there is no such interface.\n  There are lo.",
        "4294967297": "There are lo.",
        "192.0.2.1": "There are lo.",
        "\x1b[31m": "There are lo.",
    },
    "--range": {
        "": A_NETWORK,
        "lan": A_NETWORK,
        "192.168.10.0/": "the prefix length",
        "192.168.10.0/33": "not from 0 to 32",
        "fe80::/129": "not from 0 to 128",
        "192.168.10.1/24": "Write 192.168.10.0/24.",
        "192.168.10.0/24,10.0.0.0/8": A_NETWORK,
        "ff02::/16": "no packet comes from a multicast address",
        "224.0.0.0/4": "no packet comes from a multicast address",
        "fd00::/8": "it is an IPv4 address, and no range is",
        "\x1b[31m": A_NETWORK,
    },
    "--bind": {
        "": AN_ADDRESS,
        "host1": AN_ADDRESS,
        ":6666": "a port alone is",
        "127.0.0.1:65536": AN_ADDRESS,
        "127.0.0.1%lo": "an interface does not belong there",
        "224.1.0.1": "not the address of one host",
        "255.255.255.255": "not the address of one host",
        "192.0.2.1": "There are 127.0.0.1.",
        "::1": "one is IPv4, the other IPv6",
    },
    "--source": {
        "": A_SOURCE,
        "host1": A_SOURCE,
        "224.1.0.2": A_SOURCE,
        "255.255.255.255": A_SOURCE,
        "::": A_SOURCE,
        "fd00::1": "Both must be of one family.",
    },
    "--block": {
        "": A_SOURCE,
        "host1": A_SOURCE,
        "224.1.0.2": A_SOURCE,
        "::": A_SOURCE,
        "fd00::1": "there is no group of its family",
    },
    "--fields": {
        "": "a name is missing",
        "sorce": "Known: source",
        "time,,text": "a name is missing",
        "time,time": "named twice",
    },
    "--file": {
        "": "TEXT",
        "/no/such/file": "TEXT",
    },
    "--shell": {"ls": "--shell"},
    "--user": {"": NO_USER, "no-such-user": NO_USER, "-1": NO_USER, "\x1b[31m": NO_USER},
    **dict.fromkeys(("--on-join", "--on-leave", "--on-querier-lost", "--on-stall"), NO_COMMAND),
    "--events": {"-": "Name a file", "": "there is no such directory", "/no/such/file": "no such directory"},
}
"""What is no value of an option that takes text, and what is said of it; the rest of the line is right."""

ENDPOINTS = {
    "": "it is empty",
    "host1:6666": "Names are not looked up",
    "224.1.0.1:0": "not from 1 to 65535",
    "224.1.0.1:65536": "not from 1 to 65535",
    "224.1.0.1%": "interface",
    "224.1.0": "an IPv4 address has 4 numbers",
    "ff15::42:6666:1:2:3:4:5": "IPv6",
    "UDP4-DATAGRAM:224.1.0.1:6666,rnge=10.0.0.0/8": "range",
    "TCP4:127.0.0.1:80": "TCP4",
    "\x1b]0;pwned\x07": "does not belong there",
}
"""What is no place on the network, and what is said of it; the same by every verb that takes one."""
TAKES_A_PLACE = {"tui", "listen", "send", "serve", "query", "chat"}

NUMBERS = ["", "x", "0x", "1,5", "1e", "--5", "\x1b[31m"]
NOT_FINITE = ["nan", "inf", "-inf", "1e999"]
OUTSIDE = "is not in the range"


class Case(NamedTuple):
    """One command line that is wrong by one option, and what is said of it."""

    words: list[str]
    said: list[str]


def commands(group: click.Group = cli, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every verb, and what is below it, with its name as it is typed."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{above}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} ")


def wrong_numbers(kind: click.IntRange | click.FloatRange) -> Iterator[tuple[str, str]]:
    """Yield what is none of these numbers, each with the words that say what would be one."""
    unreadable = "is no number" if isinstance(kind, Octet) else "is not a valid "
    if isinstance(kind, click.IntRange):
        yield from ((text, unreadable) for text in [*NUMBERS, "1.5", *NOT_FINITE])
    else:
        yield from ((text, unreadable) for text in NUMBERS)
        yield "nan", "is no number"
        yield from ((text, "is no number" if kind.max is None else OUTSIDE) for text in ("inf", "1e999"))
        yield "-inf", OUTSIDE
    if kind.min is not None:
        yield str(kind.min if kind.min_open else kind.min - 1), OUTSIDE
    if kind.max is not None:
        yield str(kind.max if kind.max_open else kind.max * 2 + 1), OUTSIDE


def wrong_values(option: click.Option) -> Iterator[tuple[str, list[str]]]:
    """Yield wrong values of an option and what must be said of each."""
    name = option.opts[-1]
    if isinstance(option.type, (click.IntRange, click.FloatRange)):
        yield from ((text, [name, said]) for text, said in wrong_numbers(option.type))
    elif isinstance(option.type, click.Choice):
        yield from ((text, [name, *map(repr, option.type.choices)]) for text in ("", "other", "\x1b[31m"))
    elif option.type is click.INT:
        yield from ((text, [name, "is not a valid integer"]) for text in [*NUMBERS, "1.5", *NOT_FINITE])
    else:
        yield from ((text, [said]) for text, said in TEXTS[name].items())


def cases(verb: str, command: click.Command) -> Iterator[Case]:
    start, right = verb.split(), RIGHT[verb]
    for option in command.params:
        if isinstance(option, click.Option):
            yield from misuses(option, start, right)
    if verb in TAKES_A_PLACE:
        for text, said in ENDPOINTS.items():
            yield Case([verb, text, *right[1:]], [said])
    yield Case([*start, "--no-such-option", *right], ["--no-such-option"])


def misuses(option: click.Option, start: list[str], right: list[str]) -> Iterator[Case]:
    name = option.opts[-1]
    for spelling in (*option.opts, *option.secondary_opts):
        if option.is_flag and spelling.startswith("--"):
            yield Case([*start, f"{spelling}=1", *right], [spelling, "does not take a value"])
    if not option.is_flag and not option.count:
        yield Case([*start, name], [name, "requires an argument"])
        for text, said in wrong_values(option):
            given = [f"{name}={text}"] if name.startswith("--") else [f"{name}{text}"]
            yield Case([*start, *(given if text or name.startswith("--") else [name, ""]), *right], said)


class Unopened(socket.socket):
    """A socket that the network could hear of fails the test."""

    def __init__(self, family: int = -1, *arguments: int, **more: object) -> None:
        if family in {socket.AF_INET, socket.AF_INET6, socket.AF_PACKET}:
            pytest.fail("a socket was opened")
        super().__init__(family, *arguments, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("verb", "command"), commands())
def test_a_wrong_value_is_refused_by_name_before_a_socket_is_open(
    verb: str, command: click.Command, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", Unopened)
    for case in cases(verb, command):
        assert main(case.words) == 2, case
        told = capfd.readouterr()
        assert told.out == "", case
        for words in case.said:
            assert words in told.err, case
        assert told.err.replace("\n", "").isprintable(), case


def test_every_verb_is_tried() -> None:
    assert {verb for verb, _ in commands()} == RIGHT.keys()


@pytest.mark.parametrize("verb", ["tui", "listen", "send", "serve", "query", "chat", "socat"])
def test_what_is_right_would_have_opened_one(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", Unopened)
    with pytest.raises(pytest.fail.Exception, match="a socket was opened"):
        main([verb, *RIGHT[verb]])
