"""The rows of the socat tutorial by our own one-line commands: ours and socat, either way, and ours alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import pytest

from mcast_tui.cli.main import main
from tests.cli.commands import COMMAND, lines, main_on, run_on, started, wait_lines
from tests.peers import requires, socat, socat_peer, tcpdump_on
from tests.pty_app import CTRL_C, PtyApp

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = [requires("socat", "tcpdump"), pytest.mark.usefixtures("shared_lab")]

SERVING = "serving with"
RAW = ("--raw", "253")
HOSTNAME = "SYSTEM:cat >/dev/null; hostname"
"""The tutorial's ``EXEC:hostname`` without its race: it reads what it is given."""
LAN = ("--range", "192.168.10.0/24")
SSM, SSM6 = "232.1.1.1", "ff35::4d43"


# -- rows 1 and 2: servers and clients


class Row(NamedTuple):
    """A server and its client, in our words and in socat's; the server is on host2."""

    serve: tuple[str, ...]
    query: tuple[str, ...]
    server: str
    client: str


ROWS = {
    "1": Row(
        ("224.1.0.1%192.168.10.2:6666",),
        ("224.1.0.1:6666", *LAN),
        "UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:192.168.10.2,fork",
        "UDP4-DATAGRAM:224.1.0.1:6666,range=192.168.10.0/24",
    ),
    "2": Row(
        ("broadcast:6666",),
        ("192.168.10.255:6666", *LAN),
        "UDP4-RECVFROM:6666,broadcast,fork",
        "UDP4-DATAGRAM:192.168.10.255:6666,broadcast,range=192.168.10.0/24",
    ),
    "1 over IPv6": Row(
        ("[ff02::4d43%eth0]:6666",),
        ("[ff02::4d43%eth0]:6666", "--range", "fe80::/64"),
        "UDP6-RECVFROM:6666,ipv6-join-group=[ff02::4d43]:eth0,fork",
        "UDP6-DATAGRAM:[ff02::4d43%eth0]:6666,range=[fe80::]/64",
    ),
    "1 for one source": Row(
        (f"192.168.10.1,{SSM}%eth0:6666",),
        (f"{SSM}%eth0:6666",),
        f"UDP4-RECVFROM:6666,ip-add-membership={SSM}:eth0,fork",
        f"UDP4-DATAGRAM:{SSM}:6666",
    ),
    "1 for one source, over IPv6": Row(
        (f"fd00:10::1,[{SSM6}%eth0]:6666",),
        (f"[{SSM6}%eth0]:6666", "--bind", "fd00:10::1"),
        f"UDP6-RECVFROM:6666,ipv6-join-group=[{SSM6}]:eth0,fork",
        f"UDP6-DATAGRAM:[{SSM6}]:6666,bind=[fd00:10::1]:0,so-bindtodevice=eth0",
    ),
    "1 over raw IP": Row(
        ("224.1.0.1%192.168.10.2", *RAW),
        ("224.1.0.1", *RAW, *LAN),
        "IP4-RECVFROM:253,ip-add-membership=224.1.0.1:192.168.10.2,fork",
        "IP4-DATAGRAM:224.1.0.1:253,range=192.168.10.2/32",
    ),
    "2 over raw IP": Row(
        ("broadcast", *RAW),
        ("192.168.10.255", *RAW, *LAN),
        "IP4-RECVFROM:253,broadcast,fork",
        "IP4-DATAGRAM:192.168.10.255:253,broadcast,range=192.168.10.2/32",
    ),
}
each_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


@each_row
def test_our_server_answers_our_client_and_socats(host1: Host, host2: Host, row: Row) -> None:
    with started(host2, "serve", *row.serve, "--count", "2", "--", "hostname", until=SERVING) as server:
        done = run_on(host1, "query", *row.query, "who?", "--count", "1", "--wait", "30")
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[-1] == "host2"
        with socat(host1, "STDIO", row.client) as client:
            client.say("who?")
            assert client.hears("host2")
        assert server.ended() == 0
        assert b"2 requests served, 2 replies sent, 0 dropped" in server.errors.data


@pytest.mark.parametrize("name", ["1 for one source, over IPv6", "2 over raw IP"])
def test_socats_server_answers_our_client_here_too(host1: Host, host2: Host, name: str) -> None:
    """The other rows: tests/cli/test_query.py, test_raw.py."""
    row = ROWS[name]
    with socat(host2, row.server, HOSTNAME):
        done = run_on(host1, "query", *row.query, "who?", "--count", "1", "--wait", "30")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "host2"


@pytest.mark.parametrize(
    ("terms", "outsider", "counted"),
    [
        (("224.1.0.1%eth0:6666", "--range", "192.168.10.1/32"), "STDIO UDP4-DATAGRAM:224.1.0.1:6666", 1),
        (("224.1.0.1%eth0:6666", "--source-port", "7000"), "STDIO UDP4-DATAGRAM:224.1.0.1:6666", 1),
        ((f"192.168.10.1,{SSM}%eth0:6666",), f"STDIO UDP4-DATAGRAM:{SSM}:6666", 0),
    ],
    ids=["range", "source port", "source of the group"],
)
def test_who_may_not_ask_has_nothing_run_and_is_counted_where_we_refuse(
    host1: Host, host2: Host, host3: Host, terms: tuple[str, ...], outsider: str, counted: int
) -> None:
    insider = outsider + (",bind=:7000" if "--source-port" in terms else "")
    with (
        started(host2, "serve", *terms, "--count", "1", "--", "hostname", until=SERVING) as server,
        tcpdump_on(host2, "udp dst port 6666") as wire,
        socat(host3, *outsider.split()) as theirs,
        socat(host1, *insider.split()) as ours,
    ):
        theirs.say("let me in")
        wire.packets(1)
        ours.say("may I?")
        assert ours.hears("host2")
        assert server.ended() == 0
        refused = f"{counted} refused by range or source port, " if counted else ""
        summary = f"1 request served, 1 reply sent, {refused}0 dropped by the kernel"
        assert summary.encode() in server.errors.data
        assert theirs.lines == []


def test_a_person_asks_at_a_terminal_line_by_line(host1: Host, host2: Host) -> None:
    with (
        socat(host2, ROWS["1"].server, "PIPE"),
        PtyApp(host1, "query", "224.1.0.1:6666", "--wait", "60") as terminal,
    ):
        terminal.until_shown("asking 224.1.0.1:6666")
        for word in ("first", "second"):
            terminal.type(f"{word}\r")
            terminal.until(lambda word=word: f" {word}" in terminal.text, f"the answer {word}")
        terminal.type(CTRL_C)
        assert terminal.ended() == 130


def test_answers_as_they_are_do_not_go_to_a_terminal(host1: Host) -> None:
    with PtyApp(host1, "query", "224.1.0.1:6666", "who?", "--raw-payload") as terminal:
        assert terminal.ended() == 2
        assert "Send the output to a pipe or a file." in terminal.text


# -- rows 3 and 4: peers

PEERS = {
    "3": ("224.1.0.1%192.168.10.{}:6666", "224.1.0.1"),
    "3 in socat's words": (
        (
            "UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,range=192.168.10.0/24,"
            "ip-add-membership=224.1.0.1:192.168.10.{}"
        ),
        "224.1.0.1",
    ),
    "4": ("255.255.255.255:6666", "broadcast"),
    "4 in socat's words": (
        "UDP4-DATAGRAM:255.255.255.255:6666,bind=:6666,range=192.168.10.0/24,broadcast",
        "broadcast",
    ),
    "3 over IPv6": ("[ff15::4d43%eth0]:6666", "ff15::4d43"),
}


@pytest.mark.parametrize(("place", "group"), PEERS.values(), ids=PEERS)
def test_our_chats_and_socat_hear_each_other(
    host1: Host, host2: Host, host3: Host, place: str, group: str
) -> None:
    with (
        started(host1, "chat", place.format(1)) as one,
        started(host2, "chat", place.format(2)) as two,
        socat_peer(host3, group, 6666, *_by_device(group)) as peer,
    ):
        one.write(b"from one\n")
        assert wait_lines(two, 1)[0].endswith(": from one")
        assert peer.hears("from one")
        two.write(b"from two\n")
        assert wait_lines(one, 1)[0].endswith(": from two")
        assert peer.hears("from two")
        peer.say("from socat")
        for chat in (one, two):
            assert wait_lines(chat, 2)[1].endswith(": from socat")


@pytest.mark.parametrize("name", ["3", "4", "3 over IPv6"])
def test_listen_and_send_do_what_a_peer_does_itself_included(
    host1: Host, host2: Host, host3: Host, name: str
) -> None:
    place, group = PEERS[name]
    with (
        started(host1, "listen", place.format(1)) as all_,
        started(host1, "listen", place.format(1), "--no-own", "--count", "2") as others,
        socat_peer(host3, group, 6666, *_by_device(group)) as peer,
    ):
        for count, host in enumerate((host1, host2), 1):
            sent = main_on(host, "send", place.format(host.number), f"from {host.name}")
            assert sent.returncode == 0, sent.stderr
            assert peer.hears(f"from {host.name}")
            wait_lines(all_, count)
        peer.say("from socat")
        assert [line.split()[-1] for line in wait_lines(all_, 3)] == ["host1", "host2", "socat"]
        assert ["[own]" in line for line in lines(all_.output)] == [True, False, False]
        assert others.ended() == 0
        assert [line.split()[-1] for line in lines(others.output)] == ["host2", "socat"]


def _by_device(group: str) -> tuple[str, ...]:
    """Return what socat needs where only an interface, and no route, says where a group is."""
    return ("so-bindtodevice=eth0",) if ":" in group else ()


@pytest.mark.parametrize(
    ("group", "subnet", "hears"),
    [(SSM, "192.168.10.", f"{SSM}%eth0:6666"), (SSM6, "fd00:10::", f"[{SSM6}%eth0]:6666")],
    ids=["IPv4", "IPv6"],
)
def test_a_chat_for_one_source_hears_that_one_alone(
    host1: Host, host2: Host, host3: Host, group: str, subnet: str, hears: str
) -> None:
    with (
        started(host1, "chat", f"{subnet}2,{hears}") as chat,
        tcpdump_on(host1, "udp dst port 6666") as wire,
        socat_peer(host2, group, 6666, *_by_device(group)) as two,
        socat_peer(host3, group, 6666, *_by_device(group)) as three,
    ):
        three.say("nobody asked me")
        wire.packets(1)
        two.say("from two")
        assert [line.split(": ")[-1] for line in wait_lines(chat, 1)] == ["from two"]
        chat.write(b"to all\n")
        assert two.hears("to all")
        assert three.hears("to all")


@pytest.mark.parametrize("terms", [("--range", "192.168.10.3/32"), ("--source-port", "6666")])
def test_a_chat_shows_only_whom_its_terms_admit(
    host1: Host, host2: Host, host3: Host, terms: tuple[str, str]
) -> None:
    with (
        started(host1, "chat", "224.1.0.1%eth0:6666", *terms) as chat,
        tcpdump_on(host1, "udp dst port 6666") as wire,
        socat(host2, "STDIO", "UDP4-DATAGRAM:224.1.0.1:6666") as outsider,
        socat_peer(host3) as insider,
    ):
        outsider.say("let me in")
        wire.packets(1)
        insider.say("here I am")
        assert [line.split(": ")[-1] for line in wait_lines(chat, 1)] == ["here I am"]


def test_a_chat_without_loop_is_heard_by_other_hosts_only(host1: Host, host2: Host) -> None:
    place = "224.1.0.1%eth0:6666"
    with started(host1, "listen", place) as here, socat_peer(host2) as there:
        for option, words in (("--no-loop", "in silence"), ("--loop", "aloud")):
            done = run_on(host1, "chat", place, option, "--linger", "0", stdin=f"{words}\n")
            assert done.returncode == 0, done.stderr
            assert there.hears(words)
        assert [line.split()[-1] for line in wait_lines(here, 1)] == ["aloud"]


# -- row 5: packet information

FACTS = ("SOCAT_IP_DSTADDR", "SOCAT_IP_IF", "SOCAT_IP_LOCADDR", "SOCAT_PEERADDR", "SOCAT_PEERPORT")
SHOW = " -e ".join(("export | grep", *FACTS))
ROW_5S = (
    "-u",
    "UDP-RECVFROM:8888,reuseaddr,ip-add-membership=224.1.0.1:192.168.10.2,ip-pktinfo,fork",
    f"SYSTEM:cat >/dev/null; {SHOW}",
)
"""It reads its input: socat now and then loses the output of a command that does not."""


def test_row_5_our_server_tells_its_command_what_socats_does(host1: Host, host2: Host) -> None:
    senders = (
        ["sh", "-c", "echo | socat -u STDIO UDP-DATAGRAM:224.1.0.1:8888"],
        [*COMMAND, "send", "224.1.0.1:8888", ""],
    )
    ours = started(host2, "serve", "224.1.0.1%192.168.10.2:8888", "--shell", f"{SHOW} >&2", until=SERVING)
    with ours as server, socat(host2, *ROW_5S) as theirs:
        for count, sender in enumerate(senders, 1):
            host1.run(sender, timeout_s=60)
            theirs.output.wait(lambda count=count: len(theirs.lines) >= 5 * count, "the facts")
            server.errors.wait(
                lambda count=count: server.errors.data.count(b"command: ") >= 5 * count, "the facts"
            )
        told = [line for line in server.errors.data.decode().splitlines() if line.startswith("command: ")]
    for start in (0, 5):
        found = {line.removeprefix("command: ") for line in told[start : start + 5]}
        assert found == set(theirs.lines[start : start + 5])
        assert {line.split()[1].split("=")[0] for line in found} == set(FACTS)
    assert "command: export SOCAT_IP_DSTADDR='224.1.0.1'" in told


# -- raw IP, interfaces, and the same in socat's words


@requires("setpriv")
def test_serving_raw_ip_without_the_privilege_says_which(host1: Host) -> None:
    drop = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-all", "--"]
    done = host1.run([*drop, *COMMAND, "serve", "224.1.0.1%eth0", *RAW, "--", "true"], check=False)
    assert done.returncode == 3
    assert "raw IP needs a privilege (CAP_NET_RAW)" in done.stderr


def test_an_interface_is_for_every_verb(make_lab: Callable[..., Lab]) -> None:
    host1, host2 = make_lab(2, lans=2).hosts
    place, by = "239.9.9.9:6666", ("--interface", "eth1")
    with ExitStack() as stack:
        heard = stack.enter_context(started(host1, "listen", place, *by, "--json"))
        chat = stack.enter_context(started(host1, "chat", place, *by))
        server = stack.enter_context(started(host1, "serve", place, *by, "--", "hostname", until=SERVING))
        wire = stack.enter_context(tcpdump_on(host2, "udp dst port 6666", interface="eth1"))
        for program in (heard, chat, server):
            assert f"{place} on eth1".encode() in program.errors.data
        done = run_on(host2, "query", place, "who?", *by, "--count", "1", "--wait", "30")
        assert "192.168.11.1:6666" in done.stdout, done.stderr
        assert main_on(host2, "send", place, "hello", *by).returncode == 0
        chat.write(b"from the chat\n")
        wire.packets(3, until=b"from the chat")
        assert all('"interface":"eth1"' in line.replace(" ", "") for line in wait_lines(heard, 3))


@pytest.mark.parametrize(
    ("words", "ours", "theirs"),
    [
        (
            ["tui", "224.1.0.1%eth0:6666", *LAN, "--no-loop", "--ttl", "4"],
            "socat STDIO UDP4-DATAGRAM:224.1.0.1:6666,",
            "socat STDIO UDP4-DATAGRAM:224.1.0.1:6666,",
        ),
        (
            ["serve", "224.1.0.1%eth0", *RAW, "--", "hostname"],
            "socat IP4-RECVFROM:253,",
            "socat STDIO IP4-DATAGRAM:224.1.0.1:253",
        ),
        (
            ["listen", "224.1.0.1%eth0", *RAW],
            "socat -u IP4-RECV:253,",
            "socat -u STDIO IP4-DATAGRAM:224.1.0.1:253",
        ),
        (
            ["send", "224.1.0.1%eth0", *RAW],
            "socat -u STDIO IP4-DATAGRAM:224.1.0.1:253",
            "socat -u IP4-RECV:253,",
        ),
        (
            ["query", "224.1.0.1%eth0", *RAW],
            "socat -t 2 STDIO IP4-DATAGRAM:224.1.0.1:253",
            "socat IP4-RECVFROM:253,",
        ),
    ],
    ids=["tui", "serve", "listen", "send", "query"],
)
def test_the_socat_line_is_printed_for_raw_ip_and_for_the_app(
    host1: Host, words: list[str], ours: str, theirs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = words.index("--") if "--" in words else len(words)
    with host1.entered():
        assert main([*words[:before], "--print-socat", *words[before:]]) == 0
    _, here, _, there = capsys.readouterr().out.splitlines()
    assert here.startswith(ours)
    assert there.startswith(theirs)
    if words[0] == "tui":
        assert {"range=192.168.10.0/24", "ip-multicast-loop=0", "ip-multicast-ttl=4"} <= set(here.split(","))
