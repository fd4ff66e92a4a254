"""The parts of the frame that know no screen: fitting, targets, history, notices, chat layout."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mcast_tui.app.chat_layout import Measures, clock, label_of, measure, rows_of, sender_of, wrap
from mcast_tui.app.fit import sparkline
from mcast_tui.app.history import History
from mcast_tui.app.palette import ASCII, UNICODE
from mcast_tui.app.toasts import describe
from mcast_tui.app.widgets.header import HeaderFacts, header_line
from mcast_tui.app.widgets.line_input import printable
from mcast_tui.errors import NetworkRefused
from mcast_tui.net.interfaces import Interface
from mcast_tui.net.sender import SendOptions
from mcast_tui.services.chat import Line, LineState
from mcast_tui.services.desk import Desk
from mcast_tui.services.monitor import Snapshot
from mcast_tui.services.notice import FOLD_WITHIN_S, KEPT, Level, Notice, NoticeLog, notice_of
from mcast_tui.services.target import Manner, Size, Target, lines_of, payload_of
from mcast_tui.wire.address import Kind, parse_endpoint
from mcast_tui.wire.columns import Addressed

KNOWN = HeaderFacts(
    "eth0",
    "192.168.10.1/24",
    3,
    Snapshot(1284, 412.0, 188_000.0, (1.0,) * 60, dropped=7, evicted=0, refused=2),
    skipped=0,
)


@pytest.mark.parametrize("width", [0, 1, 5, 40, 80, 120, 200])
@pytest.mark.parametrize(
    "facts", [KNOWN, HeaderFacts("eth0", "", 0), replace(KNOWN, note="demo: no network")]
)
def test_the_header_fits_every_width(width: int, facts: HeaderFacts) -> None:
    assert header_line(facts, width, UNICODE).cell_length <= max(0, width - 1)


@pytest.mark.parametrize("width", [34, 60, 80, 120, 200])
def test_a_narrow_header_gives_up_everything_before_the_losses(width: int) -> None:
    line = header_line(KNOWN, width, UNICODE).plain
    assert [word in line for word in ("d", "e", "r", "s")] == [True] * 4
    assert "7" in line
    assert UNICODE.warning in line


def test_an_unknown_loss_is_a_dash_and_never_a_zero() -> None:
    line = header_line(HeaderFacts("eth0", "", 0), 120, UNICODE).plain
    assert "dropped -  evicted -  refused -  skipped -" in line
    assert "- pkt/s" in line
    assert "0 B/s" not in line


def test_each_loss_has_its_own_word() -> None:
    line = header_line(KNOWN, 140, ASCII).plain
    assert line.endswith("!dropped 7  evicted 0  !refused 2  skipped 0")


def test_a_sparkline_is_as_wide_as_asked_and_newest_at_the_right() -> None:
    assert sparkline((0.0, None, 8.0), 5, UNICODE.spark) == "  ▁ ▆"
    assert sparkline((1.0,) * 60, 4, ASCII.spark) == ASCII.spark[5] * 4
    assert sparkline((1.0,), 0, UNICODE.spark) == ""


def target(destination: str = "224.1.0.1:6666", kind: Kind = Kind.MULTICAST, **values: object) -> Target:
    options = values.pop("options", SendOptions())
    return Target(parse_endpoint(destination), kind, options, "eth0", 1500, **values)  # type: ignore[arg-type]  # test values


@pytest.mark.parametrize(
    ("where", "length", "size"),
    [
        (target(), 1472, Size.FITS),
        (target(), 1473, Size.FRAGMENTS),
        (target(), 65_507, Size.FRAGMENTS),
        (target(), 65_508, Size.TOO_LONG),
        (target("[ff02::1]:6666"), 1452, Size.FITS),
        (target("[ff02::1]:6666"), 1453, Size.FRAGMENTS),
        (target("[ff02::1]:6666"), 65_527, Size.FRAGMENTS),
        (target("[ff02::1]:6666"), 65_528, Size.TOO_LONG),
        (replace(target(), mtu=None), 60_000, Size.FITS),
        (replace(target(), mtu=65_536), 65_507, Size.FITS),
    ],
)
def test_a_length_fits_fragments_or_is_too_long_by_the_headers_of_its_ip_version(where, length, size) -> None:
    assert where.size(length) is size


@pytest.mark.parametrize(
    ("where", "manner"),
    [
        (target(), Manner.PLAIN),
        (target(options=SendOptions(hop_limit=2)), Manner.CAUTION),
        (target("broadcast", Kind.LIMITED_BROADCAST), Manner.CAUTION),
        (target("192.168.10.255", Kind.DIRECTED_BROADCAST), Manner.CAUTION),
        (target("192.168.10.3", Kind.UNICAST), Manner.REPLY),
    ],
)
def test_a_target_that_reaches_further_than_the_group_on_this_link_is_cautioned_about(where, manner) -> None:
    assert where.manner is manner


def test_a_target_says_interface_ttl_and_loop() -> None:
    assert target().details() == ("eth0", "ttl 1", "loop")
    assert target(options=SendOptions(loop=False, hop_limit=4)).details() == ("eth0", "ttl 4", "no loop")
    assert target("[ff02::1]:6666").details() == ("eth0", "hops 1", "loop")
    assert target("192.168.10.3", Kind.UNICAST).details() == ("eth0",)
    assert target("[fe80::1]:7", Kind.UNICAST).place == "[fe80::1]:7"


def test_a_line_on_the_wire_is_its_text_and_one_newline() -> None:
    assert payload_of("grüße") == "grüße\n".encode()


@pytest.mark.parametrize("text", ["a\nb\nc", "a\r\nb\r\nc", "a\rb\rc", "a\nb\nc\n", "a\rb\rc\r"])
def test_a_paste_has_its_lines_whatever_line_end_the_terminal_sends(text: str) -> None:
    assert lines_of(text) == ["a", "b", "c"]


def test_an_empty_line_within_a_paste_is_a_line() -> None:
    assert lines_of("a\n\nb\n\n") == ["a", "", "b"]


def test_history_goes_back_forth_and_keeps_what_was_being_typed() -> None:
    history = History()
    for line in ("one", "two", "two", ""):
        history.add(line)
    assert history.older("draft") == "two"
    assert history.older("two") == "one"
    assert history.older("one") is None
    assert history.newer() == "two"
    assert history.newer() == "draft"
    assert history.newer() is None


def test_history_is_searched_newest_first_and_each_line_once() -> None:
    history = History()
    for line in ("Join us", "/join x", "hello", "Join us"):
        history.add(line)
    assert history.search("JOIN") == ["Join us", "/join x"]


def test_history_is_bounded() -> None:
    history = History()
    for number in range(5000):
        history.add(str(number))
    assert len(history.search("")) == 1000


def test_the_same_cause_within_ten_seconds_is_counted_and_later_told_again() -> None:
    log = NoticeLog()
    notice = Notice(Level.ERROR, "Cannot send: no route.")
    assert [log.add(notice, now).times for now in (0.0, 1.0, 2.0)] == [1, 2, 3]
    assert log.add(Notice(Level.ERROR, "Something else."), 3.0).times == 1
    assert log.add(notice, 4.0).times == 4
    assert log.add(notice, 4.1 + FOLD_WITHIN_S).times == 1
    assert [each.times for each in log] == [1, 4, 1]
    assert "(×4)" in describe(list(log)[1], UNICODE).plain  # noqa: RUF001  # the sign is meant
    assert "(x4)" in describe(list(log)[1], ASCII).plain


def test_the_notices_kept_are_bounded() -> None:
    log = NoticeLog()
    for number in range(2 * KEPT):
        log.add(Notice(Level.DONE, str(number)), float(number))
    assert len(log) == KEPT


def test_an_error_says_what_why_and_the_fix_and_nothing_in_it_is_run() -> None:
    error = NetworkRefused(
        "send to \x1b[2J", "[@click=app.quit]no route[/nope]", remedy="Add one.", command="ip route add x"
    )
    said = describe(notice_of(error), UNICODE).plain
    assert said.splitlines() == [
        "✗ Cannot send to ␛[2J: [@click=app.quit]no route[/nope].",
        "  Add one.",
        "  y copies: ip route add x",
    ]


def line_of(text: str = "hello", **values: object) -> Line:
    base = Line(
        at=0,
        source=ip_address("192.168.10.3"),
        source_port=6666,
        destination=ip_address("224.1.0.1"),
        destination_port=6666,
        text=text,
        state=LineState.RECEIVED,
        addressed=Addressed.MULTICAST,
    )
    return replace(base, **values)  # type: ignore[arg-type]  # test values


def test_the_sender_s_port_is_shown_only_where_it_is_not_the_group_s() -> None:
    assert sender_of(line_of()) == "192.168.10.3"
    assert sender_of(line_of(source_port=40_000)) == "192.168.10.3:40000"
    assert sender_of(line_of(state=LineState.SENT, source=None)) == "you"
    long = sender_of(line_of(source=ip_address("2001:db8:1111:2222:3333:4444:5555:6666")))
    assert len(long) <= 22
    assert long.startswith("2001:db8:")
    assert long.endswith("5555:6666")


def test_what_was_not_sent_to_a_group_is_labelled() -> None:
    assert label_of(line_of()) == ""
    assert label_of(line_of(addressed=Addressed.BROADCAST)) == "broadcast"
    assert label_of(line_of(addressed=Addressed.UNICAST)) == "to you only"
    own = line_of(addressed=Addressed.UNICAST, state=LineState.SENT, destination=ip_address("192.0.2.1"))
    assert label_of(own) == "to 192.0.2.1:6666 only"


def test_a_failed_line_says_why_with_the_name_of_the_error() -> None:
    error = NetworkRefused("send", "Network is unreachable", errno=101)
    rows = list(rows_of(line_of(state=LineState.FAILED, error=error), 0, Measures(100, 16), UNICODE))
    assert rows[1].text == "✗ not sent: Network is unreachable (ENETUNREACH)"


@pytest.mark.parametrize("number", [None, 100])
def test_a_failed_line_may_name_any_interface(number: int | None) -> None:
    error = NetworkRefused("send", "the interface e\x1b[2J is down", errno=number)
    rows = list(rows_of(line_of(state=LineState.FAILED, error=error), 0, Measures(100, 16), UNICODE))
    assert rows[1].text.startswith("✗ not sent: the interface e␛[2J is down")


def test_a_peer_behind_an_interface_that_cannot_be_typed_is_written_to_by_its_number() -> None:
    odd = Interface(7, "e\x1b[2J", True, True, True, False, 1500, ())
    desk = Desk(SimpleNamespace(interfaces=(odd,)))
    peer = desk.endpoint_of(ip_address("fe80::1"), 6666, odd.index)
    assert str(peer) == "[fe80::1%7]:6666"
    assert desk.target_of(peer, SendOptions()).interface == odd.name


def test_a_line_that_could_have_acted_says_that_it_did_not() -> None:
    rows = list(rows_of(line_of(altered=True), 0, Measures(100, 16), UNICODE))
    assert rows[-1].text == "▲ escapes shown, not run"


def test_the_sender_s_column_has_few_widths_so_that_strangers_do_not_move_everybody_s_lines() -> None:
    addresses = [f"10.{'1' * size}.0.1" for size in (1, 2, 3)] + ["1.2.3.4", "fd00::1", "fd00:1:2:3:4:5:6:7"]
    sources = [replace(line_of(), source=ip_address(each)) for each in addresses]
    assert {measure([line], 100).sender for line in sources} == {10, 16, 23}


def test_a_narrow_conversation_gives_the_sender_a_row_of_his_own() -> None:
    measures = measure([line_of()], 30)
    rows = list(rows_of(line_of("x" * 50), 0, measures, UNICODE))
    assert rows[0].heads
    assert all(cell_len(row.text) <= 28 for row in rows)


@given(st.text(), st.integers(min_value=2, max_value=40))
def test_wrapping_loses_no_character_but_spaces_and_fits(text: str, width: int) -> None:
    parts = wrap(text, width)
    assert all(cell_len(part) <= width for part in parts)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")


@given(st.text())
def test_a_cleaned_paste_holds_nothing_a_terminal_obeys(text: str) -> None:
    assert all(character.isprintable() or character == " " for character in printable(text))


def test_a_cleaned_paste_keeps_text_and_turns_tabs_into_spaces() -> None:
    assert printable("grüße\t世界 ✓") == "grüße 世界 ✓"
    assert printable("a\x1b[2J\x00b\u202ec") == "a[2Jbc"


def test_the_clock_is_hours_and_minutes() -> None:
    assert len(clock(1_700_000_000_000_000_000)) == 5


def test_a_long_command_is_broken_where_it_may_be_and_loses_nothing() -> None:
    line = "socat STDIO UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,ip-add-membership=224.1.0.1:OWN_ADDRESS"
    said = describe(Notice(Level.DONE, "A peer.", "", line), UNICODE).plain
    first, *others = said.split(" copies: ")[1].splitlines()
    assert first + "".join(other.strip() for other in others) == line
    assert all(len(each) <= 68 for each in said.splitlines())
    assert "OWN_ADDRESS" in others[-1]
