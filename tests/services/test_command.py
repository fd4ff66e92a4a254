"""Command lines: what they mean, where they are wrong, what they could become."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.services import request
from mcast_tui.services.command import (
    COMMANDS,
    CommandError,
    find_command,
    is_command,
    nearest_command,
    parse_line,
)
from mcast_tui.services.completion import Vocabulary, complete
from mcast_tui.services.source_change import Change, SourceChange
from mcast_tui.wire.address import Endpoint, parse_endpoint
from mcast_tui.wire.place import Place

GROUP = parse_endpoint("224.1.0.1:6666")
SOURCE = ip_address("192.0.2.1")
VOCABULARY = Vocabulary(
    groups=[("224.1.0.1:6666", "LAN chat")],
    joined=[("239.1.2.3:5000", "joined"), ("broadcast:6666", "joined")],
    peers=[("192.168.10.3:6666", ""), ("192.168.10.2:6666", "")],
    interfaces=[("eth0", "192.168.10.1/24"), ("eth1", "")],
    sources=[("192.168.10.3", "")],
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_s_own_example_can_be_read(command) -> None:
    assert not isinstance(parse_line(command.example), request.Say)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_is_found_by_every_name_of_its_and_by_no_other_command_s(command) -> None:
    for name in (command.name, *command.aliases):
        assert find_command(name) is command
        assert find_command(f"/{name.upper()}") is command


@pytest.mark.parametrize(
    ("line", "text"),
    [("hello", "hello"), ("//etc/motd", "/etc/motd"), ("///", "//"), (" /join", " /join"), ("", "")],
)
def test_what_does_not_begin_with_one_slash_is_said(line: str, text: str) -> None:
    assert parse_line(line) == request.Say(text)


@pytest.mark.parametrize(
    ("line", "endpoints"),
    [
        ("/join 224.1.0.1", (GROUP,)),
        ("/join  224.1.0.1:6666 ", (GROUP,)),
        ("/join 224.1.0.1 if eth0", (Endpoint(GROUP.address, interface="eth0"),)),
        ("/join 224.1.0.1%eth0:7000+19", (Endpoint(GROUP.address, 7000, "eth0", count=20),)),
        ("/join 192.0.2.9,232.1.1.1", (parse_endpoint("192.0.2.9,232.1.1.1"),)),
        (
            "/join 232.1.1.1:5000 from 192.0.2.1,192.0.2.2 if eth0",
            tuple(
                Endpoint(ip_address("232.1.1.1"), 5000, "eth0", ip_address(source))
                for source in ("192.0.2.1", "192.0.2.2")
            ),
        ),
        ("/join 232.1.1.1 from 192.0.2.1,192.0.2.1", (parse_endpoint("192.0.2.1,232.1.1.1"),)),
        ("/join broadcast", (parse_endpoint("broadcast"),)),
    ],
)
def test_join_takes_an_interface_and_sources_in_words_or_in_the_endpoint(line, endpoints) -> None:
    assert parse_line(line) == request.Join(tuple(map(Place, endpoints)))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("/part", request.Leave(None)),
        ("/leave 224.1.0.1", request.Leave(GROUP)),
        ("/msg 192.0.2.1  two spaces ", request.Message(parse_endpoint("192.0.2.1:7000"), " two spaces ")),
        ("/msg 192.0.2.1:9 /join", request.Message(parse_endpoint("192.0.2.1:9"), "/join")),
        ("/send -b broadcast all", request.Send(parse_endpoint("broadcast:7000"), "all", True)),
        ("/send 192.0.2.1 -b", request.Send(parse_endpoint("192.0.2.1:7000"), "-b", False)),
        ("/hex 68 656c 0x6c 6f:0a", request.SendBytes(b"hello\n")),
        ("/hex 00", request.SendBytes(b"\0")),
        ("/ttl 255", request.SetHopLimit(255)),
        ("/loop OFF", request.SetLoop(False)),
        ("/if eth0", request.SetInterface("eth0")),
        ("/clear undo", request.Clear(True)),
        ("/source add 192.0.2.1", request.ChangeSources(SourceChange(Change.ADD, (SOURCE,)))),
        ("/source DROP 192.0.2.1,192.0.2.1", request.ChangeSources(SourceChange(Change.DROP, (SOURCE,)))),
        (
            "/source only 192.0.2.1:9,fd00::2",
            request.ChangeSources(SourceChange(Change.ONLY, (SOURCE, ip_address("fd00::2")))),
        ),
        ("/block 192.0.2.1", request.ChangeSources(SourceChange(Change.BLOCK, (SOURCE,)))),
        ("/unblock 192.0.2.1", request.ChangeSources(SourceChange(Change.UNBLOCK, (SOURCE,)))),
        ("/explain", request.Explain(None)),
        ("/explain  MAC   aliases ", request.Explain("MAC aliases")),
        ("/help /join", request.Help("join")),
        ("/EXIT", request.Quit()),
    ],
)
def test_a_line_becomes_the_request_it_names(line, wanted) -> None:
    assert parse_line(line, default_port=7000) == wanted


@pytest.mark.parametrize(
    ("line", "column", "word"),
    [
        ("/", 1, "missing"),
        ("/ join", 1, "missing"),
        ("/jion 224.1.0.1", 1, "jion"),
        ("/join", 5, "a group is missing"),
        ("/join 224.1.0.1:0", 16, "port"),
        ("/join 224.1.0.1:65536", 16, "port"),
        ("/join 224.1.0.1 on eth0", 16, "'on'"),
        ("/join 224.1.0.1 if", 18, "interface is missing"),
        ("/join 232.1.1.1 from 192.0.2.1,nobody", 31, ""),
        ("/join nonsense", 6, ""),
        ("/msg 192.0.2.1", 14, "the text is missing"),
        ("/hex", 4, "missing"),
        ("/source", 7, "add, drop or only is missing"),
        ("/source block 192.0.2.1", 8, "'block'"),
        ("/source add", 11, "a source address is missing"),
        ("/block 192.0.2.1,239.1.1.1", 17, "not the address of one host"),
        ("/block 192.0.2.1 192.0.2.2", 17, "one word too many"),
        ("/unblock nobody", 9, ""),
        ("/join 232.1.1.1 from broadcast", 21, "not the address of one host"),
        ("/hex 68 6", 8, "'6'"),
        ("/hex 68 zz", 8, "'zz'"),
        ("/ttl 256", 5, "256"),
        ("/ttl -1", 5, "-1"),
        ("/ttl ²", 5, "²"),
        ("/ttl 1 2", 7, "one word too many"),
        ("/loop maybe", 6, "maybe"),
        ("/clear everything", 7, "everything"),
        ("/quit now", 6, "one word too many"),
    ],
)
def test_a_wrong_line_says_at_which_column_and_what_would_be_right(line, column, word) -> None:
    with pytest.raises(CommandError) as refused:
        parse_line(line)
    assert refused.value.column == column
    assert word in refused.value.reason
    assert refused.value.remedy
    assert refused.value.exit_status == 2


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("jion", "join"), ("le", "leave"), ("hlep", "help"), ("quti", "quit"), ("par", "leave")],
)
def test_an_unknown_command_offers_the_nearest_and_the_line_as_it_was_meant(typed: str, meant: str) -> None:
    nearest = nearest_command(typed)
    assert nearest is not None
    assert nearest.name == meant
    with pytest.raises(CommandError) as refused:
        parse_line(f"/{typed} x y")
    assert refused.value.corrected == f"/{meant} x y"
    assert f"/{meant}" in (refused.value.remedy or "")


def test_what_is_like_nothing_is_offered_nothing() -> None:
    assert nearest_command("xyzzy") is None


@given(st.text(max_size=200))
def test_any_line_is_understood_or_refused_with_a_column_within_it(line: str) -> None:
    try:
        wanted = parse_line(line)
    except CommandError as refused:
        column = refused.column
    else:
        assert isinstance(wanted, request.Say) != is_command(line)
        return
    assert is_command(line)
    assert 0 <= column <= len(line)


@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("/jo", ["/join"]),
        ("/l", ["/leave", "/loop"]),
        ("/p", ["/leave", "/pause"]),  # /part is another name of /leave
        ("/join 22", ["224.1.0.1:6666"]),
        ("/join 224.1.0.1 ", ["if", "from"]),
        ("/join 224.1.0.1 if ", ["eth0", "eth1"]),
        ("/join 232.1.1.1 from ", ["192.168.10.3:6666", "192.168.10.2:6666"]),
        ("/join 232.1.1.1 from 192.168.10.3 if e", ["eth0", "eth1"]),
        ("/leave ", ["239.1.2.3:5000", "broadcast:6666"]),
        ("/msg ", ["192.168.10.3:6666", "192.168.10.2:6666"]),
        ("/send -b b", ["broadcast:6666"]),
        ("/loop o", ["on", "off"]),
        ("/help q", ["quit"]),
        ("/source ", ["add", "drop", "only"]),
        ("/source only ", ["192.168.10.3"]),
        ("/block 192", ["192.168.10.3"]),
        ("/explain mac", ["mac aliases"]),
        ("/loop on ", []),
        ("/ttl ", []),
        ("hello 224", []),
        ("//jo", []),
    ],
)
def test_tab_offers_what_could_stand_there(line: str, candidates: list[str]) -> None:
    found = complete(line, len(line), VOCABULARY)
    assert [candidate.text for candidate in found.candidates] == candidates


def test_a_completion_replaces_the_word_at_the_cursor_and_nothing_else() -> None:
    found = complete("/join 22 if eth0", 8, VOCABULARY)
    assert (found.start, found.end) == (6, 8)
