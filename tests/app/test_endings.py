"""However the app ends or is mistreated: the terminal as it was, the groups left, nothing typed lost."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from mcast_tui.app.driver import LONGEST_PASTE, Pastes
from tests.peers import requires, socat, socat_peer
from tests.pty_app import COMMAND, CTRL_C, CTRL_Q, CTRL_Z, ENTER, PtyApp, tokens
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

GROUP_IN_TABLE = "010001E0"
"""224.1.0.1 as /proc/net/igmp writes it."""
END_OF_LINE, DELETE_TO_START = "\x1b[F", "\x15"
TOAST = "▌"


def is_member(host: Host) -> bool:
    return GROUP_IN_TABLE in host.run(["cat", "/proc/net/igmp"]).stdout


def open_on(host: Host, *arguments: str, **options: object) -> PtyApp:
    """Start the app, joined to 224.1.0.1; the kernel's word on that is on screen when this returns."""
    app = PtyApp(host, *(arguments or ("224.1.0.1",)), **options)
    try:
        app.until_shown("users 1")
    except BaseException:
        app.close()
        raise
    return app


def toasts(app: PtyApp) -> str:
    """Return what the toasts on screen say, their lines joined."""
    boxes = [row.partition(TOAST)[2].strip() for row in app.rows if TOAST in row]
    return re.sub(r"\s+", " ", " ".join(boxes))


def until_told(app: PtyApp, *words: str) -> None:
    """Wait until the toasts say all of this."""
    app.until(lambda: all(word in toasts(app) for word in words), f"toasts with {words}")


def input_line(app: PtyApp) -> str:
    return app.rows[-2]


def go_to_input(app: PtyApp) -> None:
    """Press the key that leads to the input line; keys that follow at once would still go to the log."""
    app.type("i")
    app.until(lambda: "tab complete" in app.rows[-1], "the keys of the input line")


def quit_well(app: PtyApp) -> None:
    """End the app by its key; it leaves nothing undone."""
    app.type(CTRL_Q)
    assert app.ended() == 0
    assert app.left_undone() == []


# -- the ends


def press_ctrl_c_twice(app: PtyApp) -> None:
    app.type(CTRL_C)
    until_told(app, "Press it again to quit")
    app.type(CTRL_C)


def press_q_twice(app: PtyApp) -> None:
    app.type("qq")


def enter_quit(app: PtyApp) -> None:
    go_to_input(app)
    app.enter("/quit")


def signal_twice(number: signal.Signals) -> Callable[[PtyApp], None]:
    def send(app: PtyApp) -> None:
        app.signal(number)
        app.signal(number)

    return send


ENDINGS = {
    "ctrl+q": (lambda app: app.type(CTRL_Q), 0),
    "/quit": (enter_quit, 0),
    "ctrl+c twice": (press_ctrl_c_twice, 0),
    "q twice": (press_q_twice, 0),
    "SIGINT": (lambda app: app.signal(signal.SIGINT), 130),
    "SIGINT twice": (signal_twice(signal.SIGINT), 130),
    "SIGTERM": (lambda app: app.signal(signal.SIGTERM), 143),
    "SIGTERM twice": (signal_twice(signal.SIGTERM), 143),
    "SIGHUP": (lambda app: app.signal(signal.SIGHUP), 129),
}
"""How to end it, and the exit status that is documented for it."""


@pytest.mark.parametrize("way", ENDINGS)
def test_every_end_restores_the_terminal_and_leaves_the_groups(host1: Host, way: str) -> None:
    end, status = ENDINGS[way]
    with open_on(host1) as app:
        assert is_member(host1)
        end(app)
        assert app.ended() == status
        assert app.left_undone() == []
        assert "Traceback" not in app.text
    assert not is_member(host1)


def test_a_kill_gives_no_time_for_anything_and_the_kernel_leaves_the_groups(host1: Host) -> None:
    with open_on(host1) as app:
        assert is_member(host1)
        app.signal(signal.SIGKILL)
        assert app.ended() == -signal.SIGKILL
        assert "mode 1049" in app.left_undone()  # so that the other tests can fail
    assert not is_member(host1)


@pytest.mark.parametrize("controls", [True, False], ids=["with SIGHUP", "without any signal"])
def test_a_terminal_that_goes_away_ends_the_app(host1: Host, controls: bool) -> None:
    with open_on(host1, controls=controls) as app:
        app.hang_up()
        assert app.ended() == 129
    assert not is_member(host1)


def test_a_terminal_that_took_nothing_and_then_goes_away_holds_nobody_up(host1: Host, host2: Host) -> None:
    with open_on(host1) as app:
        app.stop_reading()
        for number in range(100):
            send_from(host2, b"%d" % number)
            time.sleep(0.01)  # for more frames than the terminal and the app's own queue hold
        app.hang_up()
        assert app.ended() == 129
    assert not is_member(host1)


CRASH = """
import sys
from mcast_tui.app.bridge import Bridge
from mcast_tui.cli.main import main
sample = Bridge.sample
def fail(bridge):
    sample(bridge)
    if bridge._node.ring.head:
        raise ZeroDivisionError("provoked by a test")
Bridge.sample = fail
sys.exit(main(["224.1.0.1"]))
"""


def test_an_error_of_ours_is_told_on_a_restored_terminal_with_the_groups_left(
    host1: Host, host2: Host
) -> None:
    with open_on(host1, argv=[sys.executable, "-c", CRASH]) as app:
        assert is_member(host1)
        send_from(host2, b"now\n")
        assert app.ended() == 1
        assert app.left_undone() == []
        assert "ZeroDivisionError: provoked by a test" in app.text
    assert not is_member(host1)


@pytest.mark.parametrize("way", ["ctrl+z", "SIGTSTP"])
def test_a_stopped_app_gives_the_terminal_back_stays_a_member_and_continues(
    host1: Host, host2: Host, way: str
) -> None:
    with open_on(host1) as app, socat_peer(host2) as peer:
        app.type(CTRL_Z) if way == "ctrl+z" else app.signal(signal.SIGTSTP)
        app.until(lambda: app.is_stopped, "the stop")
        app.until(lambda: app.left_undone() == [], "a restored terminal")
        assert is_member(host1)
        peer.say("while you slept")
        app.forget()
        app.signal(signal.SIGCONT)
        app.until_shown("224.1.0.1:6666", "while you slept")
        go_to_input(app)
        app.enter("awake again")
        assert peer.hears("awake again")
        app.until_shown("awake again")
        quit_well(app)
    assert not is_member(host1)


def test_being_stopped_while_it_draws_again_and_again_does_no_harm(host1: Host, host2: Host) -> None:
    with open_on(host1) as app:
        for number in range(10):
            send_from(host2, *[b"x"] * 50, b"round %d" % number)
            app.until_written(b"round %d" % number)
            app.signal(signal.SIGTSTP)
            app.until(lambda: app.is_stopped, "the stop")
            app.until(lambda: app.left_undone() == [], "a restored terminal")
            app.signal(signal.SIGCONT)
            app.until(lambda: "mode 2004" in app.left_undone(), "the terminal taken again")
        quit_well(app)


def test_sigstop_of_which_nobody_is_told_leaves_the_terminal_in_order_too(host1: Host, host2: Host) -> None:
    with open_on(host1) as app, socat_peer(host2) as peer:
        app.signal(signal.SIGSTOP)
        app.until(lambda: app.is_stopped, "the stop")
        app.forget()
        app.signal(signal.SIGCONT)
        app.until_shown("users 1", " detail")
        go_to_input(app)
        app.enter("each key once")
        assert peer.hears("each key once")
        assert peer.lines == ["each key once"]
        quit_well(app)


# -- what is typed


NONSENSE = {
    "/join nonsense": "nonsense",
    "/join 224.1.0.1:0": "1 to 65535",
    "/join 224.1.0.1:65536": "1 to 65535",
    "/join 192.168.10.2": "unicast",
    "/join 224.1.0.1 if eth7": "eth7",
    "/join": "a group is missing",
    "/join 224.1.0.1+99999999999999999999": "+",
    "/ttl 256": "0 to 255",
    "/if nowhere": "nowhere",
    "/nothing": "there is no command",
    "/hex zz": "not hexadecimal",
    "/leave 224.9.9.9": "it is not joined",
    "/msg 224.1.0.1 hello": "read by many",
    "/send broadcast hello": "-b",
}
"""What is entered, and a word of the answer."""


def test_nonsense_is_answered_and_stays_to_be_mended(host1: Host) -> None:
    with open_on(host1) as app:
        go_to_input(app)
        for line, word in NONSENSE.items():
            app.enter(line)
            until_told(app, word)
            app.until(lambda line=line: line in input_line(app), f"{line!r} back in the input line")
            app.type(END_OF_LINE + DELETE_TO_START)
            app.until(lambda: "message or /command" in input_line(app), "an empty line")
        assert " 1 group " in app.rows[0]
        quit_well(app)


def test_lines_that_come_in_one_burst_are_the_lines_that_are_sent(host1: Host, host2: Host) -> None:
    with open_on(host1) as app, socat_peer(host2) as peer:
        go_to_input(app)
        app.type("one\rtwo\r/hex zz\rhelo\x7flo\rfo")
        assert peer.hears("hello")
        assert peer.lines == ["one", "two", "hello"]
        app.type("ur\r")
        assert peer.hears("four")
        quit_well(app)


def test_70000_bytes_pasted_are_refused_with_both_numbers_and_stay(host1: Host) -> None:
    with open_on(host1) as app:
        go_to_input(app)
        app.paste("x" * 70_000)
        app.until(lambda: "70001/65507 B too long" in input_line(app), "the count")
        app.type(ENTER)
        until_told(app, "70 001 bytes", "65 507")
        assert "70001/65507 B too long" in input_line(app)
        quit_well(app)


def test_bytes_that_are_no_text_are_shown_and_do_not_end_the_app(host1: Host, host2: Host) -> None:
    with open_on(host1) as app, socat_peer(host2) as peer:
        go_to_input(app)
        app.type(b"one\xff\xfe\x00\xc3(two\xe2\x82")
        app.type("three")
        app.until(lambda: "one" in input_line(app) and "three" in input_line(app), "all that is text")
        app.type(END_OF_LINE + DELETE_TO_START)
        app.paste(b"four\x00\x1b[2J\xff\xfefive")
        until_told(app, "left out")
        app.type(ENTER)
        assert peer.hears("four")
        quit_well(app)
    assert not is_member(host1)


def test_a_pasted_byte_that_is_no_text_does_not_make_keys_of_the_rest_of_the_paste(
    host1: Host, host2: Host
) -> None:
    with open_on(host1) as app, socat_peer(host2) as peer:
        go_to_input(app)
        app.paste(b"first\xff\rsecond\r" + b"x" * 9000 + b"\r/quit\r")
        app.until_shown("Send 4 datagrams?")
        app.type("noy")  # the keys after the answer are no answers
        app.until(lambda: "ttl 1 loop  oy" in input_line(app), "the field")
        app.enter(", only this")
        assert peer.hears("oy, only this")
        assert peer.lines == ["oy, only this"]
        quit_well(app)


def test_a_paste_is_one_wherever_the_terminal_s_writes_are_cut() -> None:
    keys = "a\x1b[A\x1b[200~one\x1b[2J\x1b[200~two\x1b[201~b\x1b[200~\x1b[201~c"
    for first in range(len(keys)):
        for second in range(first, len(keys)):
            pastes = Pastes()
            parts = [keys[:first], keys[first:second], keys[second:]]
            found = [part for text in parts for part in pastes.feed(text)] + list(pastes.tick())
            typed = "".join(part if isinstance(part, str) else f"<{part.text}>" for part in found)
            assert typed == "a\x1b[A<one\x1b[2J\x1b[200~two>b<>c"


def test_a_paste_that_never_ends_is_bounded_and_the_beginning_of_none_becomes_keys() -> None:
    pastes = Pastes()
    assert list(pastes.feed("\x1b[2")) == []
    assert list(pastes.tick()) == ["\x1b[2"]
    assert list(pastes.feed("\x1b")) == []
    assert pastes.waits
    assert list(pastes.tick()) == ["\x1b"]  # the key
    assert list(pastes.feed("\x1b[200~")) == []
    for _ in range(40):
        assert list(pastes.feed("x" * 100_000)) == []
    [paste] = pastes.feed("\x1b[201~")
    assert len(paste.text) == LONGEST_PASTE


def test_a_paste_of_500_lines_is_asked_about_and_each_is_sent_once(host1: Host, host2: Host) -> None:
    lines = [f"line {number} of many" for number in range(500)]
    with open_on(host1) as app, socat_peer(host2) as peer:
        go_to_input(app)
        app.paste("\r".join(lines))
        app.until_shown("Send 500 datagrams?")
        app.type("n")
        app.until(lambda: "message or /command" in input_line(app), "the field")
        app.paste("\r".join(lines))
        app.until_shown("Send 500 datagrams?")
        app.type("y")
        until_told(app, "500 of 500 datagrams sent")
        assert peer.hears(lines[-1])
        assert peer.lines == lines
        quit_well(app)


def test_a_terminal_of_one_cell_and_back_shows_all_of_it_again(host1: Host, host2: Host) -> None:
    with open_on(host1) as app:
        send_from(host2, b"before it was small\n")
        go_to_input(app)
        app.enter("half a line")
        app.type("a draft")
        app.until_shown("before it was small", "half a line", "a draft")
        for size in ((1, 1), (2, 40), (300, 1), (1, 1)):
            app.resize(*size)
        app.forget()
        app.resize(120, 40)
        app.until_shown("before it was small", "half a line", "a draft", "users 1", "^q quit")
        quit_well(app)


def test_a_terminal_that_was_small_too_briefly_to_be_noticed_shows_all_of_it_again(host1: Host) -> None:
    with open_on(host1) as app:
        app.forget()
        app.signal(signal.SIGWINCH)  # all that is left of two sizes: the app finds the one it knew
        app.until_shown("224.1.0.1:6666", "users 1", "^q quit")
        quit_well(app)


def test_a_terminal_that_takes_nothing_for_two_seconds_kills_nothing(host1: Host, host2: Host) -> None:
    with open_on(host1) as app:
        app.stop_reading()
        for second in range(2):
            for number in range(100):
                send_from(host2, *[b"%d.%d" % (second, number)] * 10)
                time.sleep(0.01)  # the load, 1000/s for two seconds
        app.go_on_reading()
        send_from(host2, b"the last one")
        app.until_shown("the last one")
        go_to_input(app)
        app.type("heard")
        app.until(lambda: "heard" in input_line(app), "what is typed")
        quit_well(app)


# -- terminals that are none, or poor


COLOUR_CODES = {*range(30, 39), *range(40, 49), *range(90, 98), *range(100, 108)}
PLAIN = "plain lines instead"
REDIRECTED = {"input": "<&-", "output": "| cat", "error": "2>&1 >/dev/tty | cat"}


@pytest.mark.parametrize("stream", REDIRECTED)
def test_without_a_whole_terminal_it_says_so_and_talks_in_plain_lines(
    host1: Host, host2: Host, stream: str
) -> None:
    line = f"{' '.join(COMMAND)} 224.1.0.1 {REDIRECTED[stream]}"
    with PtyApp(host1, argv=["sh", "-c", line]) as app:
        app.until_shown(PLAIN)
        if stream != "input":
            app.until(lambda: is_member(host1), "the membership")
            send_from(host2, b"\x1b[2Jplain [/nope]\n")
            app.until_shown("␛[2Jplain [/nope]")
            app.type("\x04")
        assert app.ended() == 0
        assert "\x1b" not in app.since().decode()
        assert app.left_undone() == []
    assert not is_member(host1)


def test_in_a_pipeline_without_a_group_it_is_a_usage_error(host1: Host) -> None:
    done = host1.run(list(COMMAND), check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "mcast-tui chat 224.1.0.1:6666" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_dumb_terminal_gets_plain_lines(host1: Host) -> None:
    with PtyApp(host1, "224.1.0.1", TERM="dumb") as app:
        app.until_shown(PLAIN)
        app.until(lambda: is_member(host1), "the membership")
        app.enter("mine")
        app.until_shown("mine")
        app.type(CTRL_C)
        assert app.ended() == 130
        assert "\x1b" not in app.since().decode()
    assert not is_member(host1)


def colours_in(written: bytes) -> set[int]:
    """Return the colours that SGR sequences ask for, by code; 39 and 49 are the terminal's own."""
    asked = set()
    for token in tokens(written):
        if token.is_control and token.form == "\x1b[Nm":
            codes = re.sub(r"\b([34]8);(2;\d+;\d+;\d+|5;\d+)", r"\1", token.text[2:-1]).split(";")
            asked |= {n for n in map(int, filter(None, codes)) if n in COLOUR_CODES}
    return asked


def test_colours_are_found_where_there_are_any(host1: Host) -> None:
    with open_on(host1) as app:
        quit_well(app)
        assert {38, 48} <= colours_in(app.since())


def test_with_no_color_set_no_colour_is_asked_for_and_the_selection_stands_out(
    host1: Host, host2: Host
) -> None:
    with open_on(host1, NO_COLOR="1") as app:
        send_from(host2, b"one\n", b"two\n", b"three\n")
        app.until_shown("three")
        app.type("k")
        app.until_shown("Packet 3")
        column, line = app.place_of("three")
        assert app.screen.buffer[line][column].reverse != app.screen.buffer[line - 1][column].reverse
        go_to_input(app)
        app.enter("hello")
        app.until_shown("hello")
        app.type("2?")
        quit_well(app)
        assert colours_in(app.since()) == set()


# -- what the kernel refuses, as a toast with what, why and what would help


def refused_line(app: PtyApp, line: str, *words: str) -> None:
    """Enter a line that cannot be done: the toasts say why, and it is back in the input line."""
    app.enter(line)
    until_told(app, "✗", *words)
    app.until(lambda: line in input_line(app), "the line, kept")


def test_no_route_to_a_host_says_how_to_look_for_one(make_lab: Callable[..., Lab]) -> None:
    with open_on(make_lab(1, routes="none").host(1)) as app:
        go_to_input(app)
        refused_line(
            app,
            "/msg 10.9.9.9 hello",
            "Cannot send to 10.9.9.9:6666",
            "there is no route to 10.9.9.9",
            "It needs a default route",
            "ip route get 10.9.9.9",
        )
        quit_well(app)


def test_a_group_needs_no_route_for_it_leaves_by_the_interface_it_was_joined_on(
    make_lab: Callable[..., Lab],
) -> None:
    with open_on(make_lab(1, routes="none").host(1)) as app:
        go_to_input(app)
        app.enter("no route needed")
        app.until_shown("no route needed")  # in the log: the looped copy, so it was sent
        assert "✗" not in app.text
        quit_well(app)


def test_an_interface_that_does_not_exist_is_named_with_those_that_do(host1: Host) -> None:
    with open_on(host1) as app:
        go_to_input(app)
        refused_line(app, "/join 224.1.0.2 if eth7", "eth7", "eth0")
        quit_well(app)


def test_a_port_in_use_names_who_has_it(host1: Host) -> None:
    with open_on(host1) as app, socat(host1, "-u", "UDP4-RECV:7777", "STDIO") as holder:
        go_to_input(app)
        refused_line(
            app,
            "/join 224.1.0.1:7777",
            "Cannot open",
            f"socat (process {holder.process.pid}) holds UDP port 7777",
            "or use another port",
            "sudo ss -lunp 'sport = :7777'",
        )
        quit_well(app)


@requires("setpriv")
@pytest.mark.own_lab
def test_a_port_below_1024_needs_a_privilege(host1: Host) -> None:
    plain_user = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--", *COMMAND]
    with open_on(host1, argv=plain_user) as app:
        go_to_input(app)
        refused_line(
            app,
            "/join 224.1.0.1:123",
            "ports below 1024 need a privilege",
            "Use a port from 1024",
            "sudo sysctl net.ipv4.ip_unprivileged_port_start=123",
        )
        quit_well(app)


def test_a_broadcast_is_refused_unless_asked_for(host1: Host, host2: Host) -> None:
    with open_on(host1) as app, socat_peer(host2, "broadcast") as peer:
        go_to_input(app)
        refused_line(app, "/send broadcast hello", "every host of the link would read it", "/send -b")
        app.type(END_OF_LINE + DELETE_TO_START)
        app.enter("/send -b broadcast hello all")  # in one burst
        assert peer.hears("hello all")
        assert peer.lines == ["hello all"]
        quit_well(app)


@pytest.mark.own_lab
def test_an_interface_that_is_down_says_how_to_switch_it_on(host1: Host) -> None:
    with open_on(host1) as app:
        host1.run(["ip", "link", "set", "eth0", "down"])
        go_to_input(app)
        refused_line(
            app,
            "hello",
            "Cannot send to 224.1.0.1:6666 through eth0",
            "the interface eth0 is down",
            "sudo ip link set eth0 up",
        )
        quit_well(app)


@pytest.mark.own_lab
def test_an_interface_that_is_gone_is_said_to_be(host1: Host) -> None:
    with open_on(host1) as app:
        host1.run(["ip", "link", "del", "eth0"])
        app.until_shown("not a member any more")  # the app has looked: before, the kernel refuses the packet
        go_to_input(app)
        refused_line(app, "hello", "'eth0'", "there is no such interface", "ip -brief link")
        quit_well(app)


@requires("nft")
@pytest.mark.own_lab
def test_a_firewall_that_drops_output_is_named(host1: Host) -> None:
    with open_on(host1) as app:
        host1.run(
            ["nft", "table inet t { chain o { type filter hook output priority 0; udp dport 6666 drop; }; }"]
        )
        go_to_input(app)
        refused_line(
            app,
            "hello",
            "a firewall rule of this host drops it",
            "Allow UDP to 224.1.0.1 port 6666",
            "sudo nft list ruleset",
        )
        quit_well(app)
