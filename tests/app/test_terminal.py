"""What reaches the real terminal when others send whatever they like: our own sequences, and characters.

The app runs on a pseudo terminal, hostile hosts send to it with real sockets, and every byte it
writes is taken apart. The forms of control sequence that may come out are those of a run in which
nobody sends anything; characters are judged by their Unicode categories. Each payload carries a
number, so that it is known how many of them were drawn.
"""

from __future__ import annotations

import base64
import random
import re
import sys
from typing import TYPE_CHECKING

import pytest

from mcast_tui.services.lab.lan import Lab
from tests.app.test_endings import go_to_input, input_line, open_on, quit_well, toasts, until_told
from tests.peers import Program, socat_peer
from tests.pty_app import PtyApp, Token, tokens, unsafe_in, whole
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.host import Host

pytestmark = pytest.mark.usefixtures("shared_lab")

PAYLOADS = 10_000
BATCH = 100
"""Payloads sent at once: the log has half as many rows."""
DRAWN_AT_LEAST = PAYLOADS // 4
"""How many must have been on screen; on a busy machine a frame is left out now and then."""
STEPS = 150
"""Packets looked at one by one in the detail."""

ESCAPES = [
    "\x1b[2J", "\x1b[H", "\x1b[999;999H", "\x1b[?1049l", "\x1b[?1000h", "\x1b[6n", "\x1b[c", "\x1b[>c",
    "\x1b[=c", "\x1b[5n", "\x1b[18t", "\x1b[21t", "\x1b[?2026$p", "\x1b[8m", "\x1b[31m", "\x1b[1;1r",
    "\x1bc", "\x1b7", "\x1b8", "\x1b#8", "\x1b(0", "\x1bN", "\x1b=", "\x1b[!p", "\x1b[20h", "\x1b[4i",
    "\x1b[5i", "\x1b[?2004l", "\x1b[200~", "\x1b[38;2;1;2;3m", "\x1b[3J", "\x1b[K", "\x1b[1000A", "\x1b[b",
    "\x1b[999999999999b", "\x1b[", "\x1b", "\x1b\x1b[", "\x1b]0;pwned\x07", "\x1b]2;pwned\x1b\\",
    "\x1b]52;c;cHduZWQ=\x07", "\x1b]52;c;?\x07", "\x1b]8;;http://x\x1b\\", "\x1b]4;1;?\x07",
    "\x1b]10;?\x07", "\x1b]11;?\x1b\\", "\x1b]1337;File=:AA\x07", "\x1b]777;notify;a;b\x07",
    "\x1b]9;4;1\x07", "\x1b]22;none\x07", "\x1b]unfinished", "\x1bP+q544e\x1b\\", "\x1bP$qm\x1b\\",
    "\x1bPq#0~\x1b\\", "\x1b_Gf=24;AA\x1b\\", "\x1b^pm\x1b\\", "\x1bXsos\x1b\\", "\x1b_unfinished",
]  # fmt: skip
"""CSI, OSC, DCS, APC, PM, SOS and the short ones, queries among them, whole and unfinished."""
FORMAT = [
    "\u202e", "\u202d", "\u202a", "\u202b", "\u202c", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e",
    "\u200f", "\u061c", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e", "\u2061",
    "\u2028", "\u2029", "\u0085", "\u034f", "\u115f", "\u3164", "\uffa0", "\ufe0f", "\U000e0101",
    "\U000e0041", "\ufff9", "\ufffb", "\ue000", "\uf8ff", "\U000f0000", "\U0010fffd", "\uffff", "\ufdd0",
    "\u0378",
]  # fmt: skip
"""Bidi, zero width, separators, fillers, selectors, tags, private use, noncharacters, unassigned."""
ODD = [
    "Z" + "\u0300\u0301\u0302\u0303" * 8, "a\u20dd", "\u0300", "\u05e9\u05dc\u05d5\u05dd",
    "\u0645\u0631\u062d\u0628\u0627", "\u6f22\u5b57\u30ab\u30ca", "\ud55c\uad6d\uc5b4",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f44d\U0001f3ff", "\U0001f1e9\U0001f1ea",
    "e\u0301\u0323", "\uff21\uff22", "\u2764\ufe0f", "1\ufe0f\u20e3", "\u0e01\u0e33", "\u0915\u094d\u0937",
    "\u1100\u1161\u11a8", "\t", "\r\n", "\n\n\n", "\x00", "\x00\x00\x00", "\x07", "\x08\x08\x08", "\x0e",
    "\x0f", "\x05", "\x18", "\x7f", "\x0b\x0c",
]  # fmt: skip
"""Zalgo, marks alone, right to left, wide, emoji of several, conjunct letters, and C0 by itself."""
MARKUP = [
    "[/nope]", "[@click=app.quit]x[/]", "[link=http://x]y[/link]", "[link=", "[bold", "[/]", "[]", "[red]r",
    "\\[", "[on red]", "[@click='app.exit(1)']z[/]", "[reverse]", "$success", "[$primary]p[/]",
    "{0}{x}%s%n",
]  # fmt: skip
BYTES = [
    b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80",
    b"\x9b31m", b"\x9d0;pwned\x9c", b"\x90q\x9c", b"\x9f", b"\xc2\x9b31m", b"\xc2\x9d0;pwned\xc2\x9c",
    b"\xc2\x90q\xc2\x9c", b"\xc2\x85", b"\xf0\x9f\x98", b"\xfe\xff\x00\x1b", bytes(range(256)),
]  # fmt: skip
"""Not UTF-8: surrogates, too long forms, cut sequences; C1 as one byte and as UTF-8."""
PIECES = [*(piece.encode() for piece in (*ESCAPES, *FORMAT, *ODD, *MARKUP)), *BYTES]


def marker(number: int) -> bytes:
    return b"~%05d~" % number


def payloads(count: int, seed: int) -> Iterator[bytes]:
    """Yield payloads of several hostile pieces, or of random bytes; now and then a very long one.

    The number comes first in some and amidst them in others; where it ends, so may a sequence.
    """
    chance = random.Random(seed)
    for number in range(count):
        pieces = [chance.choice(PIECES) for _ in range(chance.randint(1, 4))]
        if number < len(PIECES):
            pieces = [PIECES[number]]
        elif number % 11 == 0:
            pieces = [chance.randbytes(chance.randint(1, 60))]
        elif number % 13 == 0:
            pieces = ["".join(chr(chance.choice(LETTERS)) for _ in range(20)).encode()]
        elif number % 307 == 0:
            pieces *= 200
        pieces.insert(0 if len(b"".join(pieces)) > 20 else chance.randint(0, len(pieces)), marker(number))
        yield b"".join(pieces)[:9000] + (b"\n" if chance.random() < 0.7 else b"")


LETTERS = [code for code in range(0x80, 0x30000) if not 0xD800 <= code <= 0xDFFF]
"""Code points to choose from: all that are ever assigned to scripts, and what lies between them."""


Forms = frozenset[str]


@pytest.fixture(scope="module")
def own_forms() -> Forms:
    """Return the forms of control that the app writes while nobody sends anything, in every place we go to.

    Those of its start and end are left out: no mode is switched in between.
    """
    with Lab(1) as lab, open_on(lab.host(1), size=(200, 50)) as app:
        since = len(app.written)
        app.type("2")
        app.until(lambda: "Info" not in app.text, "the chat alone")
        app.type("1")
        app.until(lambda: "Info" in app.text and " detail" in app.rows[-1], "the log and its keys")
        go_to_input(app)
        app.enter("/nonsense")
        until_told(app, "there is no command")
        app.click(100, 48)  # the pointer changes over the input line
        app.click(100, 20)
        app.until_written(b"\x1b]22;default\x07", since)
        app.resize(80, 24)
        app.until(lambda: "Destination" in app.rows[2], "the narrow frame")
        app.resize(200, 50)
        app.until_shown("EVENTS")
        forms = frozenset(token.form for token in tokens(whole(app.since(since))) if token.is_control)
        quit_well(app)
    assert forms == {"\x1b[Nm", "\x1b[NH", "\r", "\n", "\x1b]22;text\x07", "\x1b]22;default\x07"}
    return forms


HOSTILE_CONTROLS = {
    token.text for piece in (*ESCAPES, *ODD) for token in tokens(piece.encode()) if token.is_control
}


def assert_only_ours(written: bytes, own_forms: Forms) -> None:
    """Fail when a control that is not the app's own was written, or a character that acts; say near what."""
    try:
        found = list(tokens(written))
    except UnicodeDecodeError as error:
        pytest.fail(f"not UTF-8 was written: {written[error.start - 200 : error.end + 50]!r}")
    for position, token in enumerate(found):
        foreign = is_foreign(token, own_forms) if token.is_control else unsafe_in(token.text)
        if foreign:
            near = "".join(each.text for each in found[max(0, position - 8) : position + 4])
            pytest.fail(f"{foreign} was written, near {near!r}")


def is_foreign(token: Token, own_forms: Forms) -> str:
    """Return the token, escaped, when its form is none of ours, or it is exactly what others sent."""
    sent = token.text in HOSTILE_CONTROLS and token.text not in {"\r", "\n"}
    return repr(token.text) if sent or token.form not in own_forms else ""


def quit_clean(app: PtyApp, since: int, own_forms: Forms) -> None:
    """End the app well, and judge all it wrote from byte `since` until then."""
    written = whole(app.since(since))
    quit_well(app)
    assert "Traceback" not in app.text
    assert_only_ours(written, own_forms)


def test_the_judge_finds_every_hostile_piece(own_forms: Forms) -> None:
    for piece in (*ESCAPES, *FORMAT):
        with pytest.raises(pytest.fail.Exception):
            assert_only_ours(f"before {piece} after".encode(), own_forms)
    for data in (b"\xff", b"\xc2\x9b31m", ("Z" + "\u0300" * 5).encode()):
        with pytest.raises(pytest.fail.Exception):
            assert_only_ours(data, own_forms)
    assert_only_ours("\x1b[1;1H\x1b[1;38;2;10;20;30mΩ 漢字 e\u0301\x1b[0m\r\n".encode(), own_forms)


def send_in_batches(app: PtyApp, host: Host, hostile: list[bytes]) -> None:
    """Send all; each batch after the last packet of the one before was drawn."""
    for start in range(0, len(hostile), BATCH):
        batch, since = hostile[start : start + BATCH], len(app.written)
        number = re.search(rb"~\d{5}~", batch[-1])
        assert number is not None
        send_from(host, *batch[:-1], number[0])  # this one by itself: wherever it is drawn, it is whole
        app.until_written(number[0], since)


@pytest.mark.timeout(400)
def test_of_10000_hostile_payloads_only_characters_reach_the_terminal(
    host1: Host, host2: Host, own_forms: Forms
) -> None:
    hostile = list(payloads(PAYLOADS, seed=2))
    with open_on(host1, size=(150, 60)) as app:
        since = len(app.written)
        app.type("\r")  # closes the detail
        app.until(lambda: "No packet selected" not in app.text, "the whole height for the log")
        send_in_batches(app, host2, hostile[: PAYLOADS * 6 // 10])
        app.resize(200, 50)  # the chat beside the log
        app.until_shown("CHAT 224.1.0.1:6666")
        send_in_batches(app, host2, hostile[PAYLOADS * 6 // 10 : PAYLOADS * 8 // 10])
        app.type("2")  # the chat alone
        app.until(lambda: "Info" not in app.text, "the chat alone")
        send_in_batches(app, host2, hostile[PAYLOADS * 8 // 10 :])
        drawn = set(re.findall(rb"~\d{5}~", app.since()))
        assert len(drawn) >= DRAWN_AT_LEAST
        go_to_input(app)
        app.enter("still here")
        app.until_shown("still here")
        quit_clean(app, since, own_forms)


def test_each_packet_s_detail_and_hex_are_as_safe(host1: Host, host2: Host, own_forms: Forms) -> None:
    with open_on(host1, size=(160, 60)) as app:
        since = len(app.written)
        hostile = list(payloads(STEPS, seed=3))
        send_from(host2, *hostile)
        app.until_written(marker(STEPS - 1))
        for number in range(STEPS, 0, -1):
            app.type("k")
            if number % 10 == 0:
                app.until_shown(f"Packet {number} ")
        app.until_shown("Packet 1 ")
        drawn = {int(each) for each in re.findall(rb"Packet (\d+) ", app.since())}
        assert len(drawn) > STEPS // 10
        quit_clean(app, since, own_forms)


TAGS = "[/nope] [@click=app.quit]QUIT[/] [link=http://x]LINK[/link] [bold red]RED[/]"


def test_markup_is_text_wherever_it_is_shown_and_clicking_on_it_does_nothing(
    host1: Host, host2: Host, own_forms: Forms
) -> None:
    with open_on(host1, size=(200, 50)) as app:
        since = len(app.written)
        send_from(
            host2, TAGS.encode() + b"\n", *[b"[@click=app.quit]QUIT%d[/]\n" % each for each in range(3)]
        )
        app.until_shown("[/nope] [@click=app.quit]QUIT[/]", "QUIT2[/]")
        for place in range(2):  # in the log, then in the chat
            rows = [(row.rfind("QUIT") if place else row.find("QUIT"), y) for y, row in enumerate(app.rows)]
            for column, line in [each for each in rows if each[0] >= 0]:
                app.click(column + 1, line)
        app.until_shown("▾ Packet")  # the click on the log selected
        app.click(*app.place_of("▾ Packet"))
        app.type("k")
        app.until_shown("Packet ")
        go_to_input(app)
        app.paste(TAGS)
        app.type("\r")
        app.until(lambda: "✓ looped" in app.text and app.text.count("[bold") >= 2, "our own line")
        app.enter("/join [@click=app.quit]QUIT[/]")
        until_told(app, "✗")
        app.click(*app.place_of("✗"))
        app.click(100, 48)  # the input line
        app.until(lambda: "tab complete" in app.rows[-1], "its keys")
        app.type("\x1b[F\x15")
        app.until(lambda: "message or /command" in input_line(app), "an empty line")
        app.enter("still here")
        app.until_shown("still here")
        assert b"\x1b]8;" not in app.since()
        quit_clean(app, since, own_forms)


WIDE = [
    "漢字仮名交じり文" * 9,
    "한국어 " * 15,
    "😀👍🚀" * 20,
    "\uff26\uff35\uff2c\uff2c" * 15,
    "a漢b字c仮d名" * 12,
    "e\u0301" * 60,
    "plain " * 15,
]


def test_wide_characters_leave_every_column_where_it_is(host1: Host, host2: Host) -> None:
    with open_on(host1, size=(200, 50)) as app:
        send_from(host2, *[f"{text}\n".encode() for text in WIDE * 2], b"the last\n")
        app.until(lambda: app.text.count("the last") == 2, "the last line, in log and chat")
        column = place_in_cells(app, "CHAT 224.1.0.1")[0]
        clocks = [cells(app, y)[column : column + 5] for y in range(3, 49)]
        assert sum(bool(re.fullmatch(r"\d\d:\d\d", clock)) for clock in clocks) >= 5
        assert all(re.fullmatch(r"\d\d:\d\d| {5}|EVENT|Anyon", clock) for clock in clocks[:30]), clocks
        quit_well(app)


def cells(app: PtyApp, line: int) -> str:
    """Return a row with one character for each cell: the right half of a wide one is a dot."""
    row = app.screen.buffer[line]
    return "".join((row[x].data or "·")[0] for x in range(app.screen.columns))


def place_in_cells(app: PtyApp, text: str) -> tuple[int, int]:
    lines = [cells(app, y) for y in range(app.screen.lines)]
    return next((line.find(text), y) for y, line in enumerate(lines) if text in line)


def test_hostile_text_of_our_own_is_cleaned_before_it_is_shown_or_sent(
    host1: Host, host2: Host, own_forms: Forms
) -> None:
    with open_on(host1, size=(160, 50)) as app, socat_peer(host2) as peer:
        since = len(app.written)
        go_to_input(app)
        for number, piece in enumerate(PIECES):
            if b"\r" in piece or b"\n" in piece:
                continue  # lines: asked about
            app.paste(b"<%d" % number + piece + b"%d>" % number)
            app.type("\r")
            assert peer.hears(f"<{number}")
            assert peer.hears(f"{number}>")
        assert [line for line in peer.lines if unsafe_in(line)] == []
        app.type("\x1b[A")
        quit_clean(app, since, own_forms)


@pytest.mark.parametrize("name", ["\x1b[2J\x1b[1m", "[no]\u202eX", "\u200b[red]"])
@pytest.mark.own_lab
def test_the_name_of_an_interface_is_others_text_too(
    host1: Host, host2: Host, own_forms: Forms, name: str
) -> None:
    for words in (["down"], ["name", name], ["up"]):
        host1.run(["ip", "link", "set", "eth0" if words[0] != "up" else name, *words])
    with PtyApp(host1) as app:  # its start page says where a join would go
        app.until_shown("Would join on")
        since = len(app.written)
        app.forget()
        app.type("\x0c")  # draw it all again
        app.until_shown("Would join on")
        quit_clean(app, since, own_forms)
    with open_on(host1, size=(200, 50)) as app:
        since = len(app.written)
        send_from(host2, b"shown with its interface\n")
        app.type("k")
        app.until_shown("shown with its interface")
        go_to_input(app)
        app.type("/if ")  # offers the names
        app.until_shown("127.0.0.1/8")
        app.enter("nowhere")
        until_told(app, "nowhere")
        quit_clean(app, since, own_forms)


HOLDER = """
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)  # PR_SET_NAME
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", 7777))
print(flush=True)
sys.stdin.read()
"""


def test_the_name_of_a_program_in_a_toast_is_others_text_too(host1: Host, own_forms: Forms) -> None:
    with (
        Program(host1, [sys.executable, "-c", HOLDER, "\x1b[2J[/x]\u202e"]) as holder,
        open_on(host1, size=(200, 50)) as app,
    ):
        holder.output.wait(lambda: holder.output.data, "a bound socket")
        since = len(app.written)
        go_to_input(app)
        app.enter("/join 224.1.0.1:7777")
        until_told(app, "␛[2J[/x]", "holds UDP port 7777")
        assert f"(process {holder.process.pid})" in toasts(app)
        quit_clean(app, since, own_forms)


def test_what_is_copied_is_as_safe_as_what_is_shown(host1: Host, host2: Host) -> None:
    with open_on(host1, size=(160, 50)) as app:
        send_from(host2, b"\x1b]52;c;cHduZWQ=\x07\xe2\x80\xae/bin/rm\n")
        app.until_shown("/bin/rm")
        app.type("k")
        app.until_shown("Packet 1 ")
        app.type("Y")
        app.until_written(b"\x1b]52;c;")
        app.until(lambda: re.search(rb"\x1b\]52;c;([^\a]*)\a", app.since()), "the end of the copy")
        [copied] = re.findall(rb"\x1b\]52;c;([^\a]*)\a", app.since())
        text = base64.b64decode(copied).decode()
        assert "/bin/rm" in text
        assert not unsafe_in(text)
        assert not any(token.is_control for token in tokens(text.replace("\n", "").encode()))
        quit_well(app)
