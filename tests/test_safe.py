"""Nothing that comes from others acts on the terminal; and what is harmless stays as it was."""

import tracemalloc
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.safe import (
    MAX_MARKS,
    NAMED,
    cell_width,
    clamp_cells,
    dots,
    hex_dump,
    is_text,
    safe_info,
    safe_text,
    show,
)

HOSTILE = [
    "\x1b",
    "\x07",
    "\x9b",
    "\u202e",
    "\u200d",
    "\u2028",
    "\u0301",
    "\ufe0f",
    "\ud800",
    "\udcff",
    "\xad",
    "\n",
]
texts = st.text(st.one_of(st.characters(), st.sampled_from(HOSTILE)))
payloads = st.one_of(st.binary(), texts.map(lambda text: text.encode("utf-8", "surrogatepass")))


def assert_harmless(text: str) -> None:
    """Only visible characters and plain spaces; marks only on a letter, and few."""
    assert text.isprintable(), ascii(text)
    marks = MAX_MARKS
    for character in text:
        if category(character)[0] == "M":
            marks += 1
            assert marks <= MAX_MARKS, ascii(text)
        else:
            marks = MAX_MARKS if character == " " else 0
        assert category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Me"}


@given(st.one_of(payloads, texts), st.none() | st.integers(0, 80))
def test_whatever_arrives_only_harmless_characters_come_out(data, limit):
    assert_harmless(safe_text(data, limit))


@given(payloads, st.integers(0, 80))
def test_the_log_shows_only_harmless_characters_and_no_more_than_asked(data, limit):
    info = safe_info(data, limit)
    assert_harmless(info)
    assert len(info) <= limit


@given(st.one_of(payloads, texts))
def test_safe_text_is_safe_already(data):
    once = safe_text(data)
    assert safe_text(once) == once
    assert not show(once).altered


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_printable_ascii_is_untouched(text):
    assert show(text.encode()) == (text, False, False, False)


@pytest.mark.parametrize(
    "text",
    [
        "grüße",
        "привет",
        "שלום",
        "مرحبا",
        "नमस्ते",
        "こんにちは",
        "안녕",
        "e\u0301",
        "☃ ✓ → █",
        "👨 😀",
        "[@click=app.quit]",
    ],
)
def test_the_languages_of_the_world_and_brackets_are_untouched(text):
    assert safe_text(text.encode()) == text
    assert not show(text).altered


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"\x1b]0;pwned\x07", "␛]0;pwned␇"),
        (b"a\x00b\tc\r\nd\x7f", "a␀b␉c␍␊d␡"),
        ("\x9b2J\x85".encode(), "<U+009B>2J<U+0085>"),
        ("\u202eabc\u2066".encode(), "<U+202E>abc<U+2066>"),
        (b"\xff\xfe caf\xe9", "·· caf·"),
        (b"\xed\xa0\x80", "···"),
        ("\u2028\u2029\ufeff\u200b", "<U+2028><U+2029><U+FEFF><U+200B>"),
        ("\ue000\U000e0041\U0010ffff", "<U+E000><U+E0041><U+10FFFF>"),
        ("a\u3164b\uffa0", "a<U+3164>b<U+FFA0>"),
        ("👨\u200d👩", "👨<U+200D>👩"),
        ("👍\U0001f3fd", "👍<U+1F3FD>"),
        ("name\udcff.pcap", "name·.pcap"),
        ("\ud83d", "<U+D83D>"),
    ],
)
def test_what_may_not_act_is_shown_in_its_place(data, shown):
    assert safe_text(data) == shown
    assert show(data).altered


def test_a_mark_without_a_letter_is_named():
    assert safe_text("\u0301a") == "<U+0301>a"
    assert safe_text(" \u0301") == " <U+0301>"
    assert safe_text("\x1b\u0301") == "␛<U+0301>"


def test_a_tower_of_marks_is_cut_down_and_counted():
    assert safe_text("a" + "\u0301" * 42 + "b") == "a" + "\u0301" * 4 + "<U+0301><+37 marks>b"
    assert len(safe_text(("a" + "\u0301" * 1000) * 60)) < 60 * 40


def test_the_selector_after_an_emoji_changes_nothing_but_elsewhere_it_is_named():
    assert show("❤\ufe0f") == ("❤", False, False, False)
    assert safe_text("❤\ufe0f\ufe0f") == "❤<U+FE0F>"
    assert safe_text("a\ufe00") == "a<U+FE00>"
    assert safe_text("a\U000e0100") == "a<U+E0100>"


def test_blanks_of_any_kind_are_plain_spaces_without_an_alarm():
    assert show("10\u00a0km\u3000\u2003x") == ("10 km  x", False, False, False)


def test_only_controls_are_called_controls():
    assert show(b"\x1b[31m").controls
    assert show("\x9b31m").controls
    assert not show("a\u202eb").controls
    assert not show(b"\xff").controls


def test_the_names_of_hidden_characters_can_be_found_to_set_them_apart():
    shown = safe_text("a\u202eb" + "\u0301" * 9)
    assert NAMED.findall(shown) == ["<U+202E>", "<U+0301>", "<+4 marks>"]


def test_a_limit_is_said_and_a_character_cut_by_it_is_not_called_broken():
    assert show("ééééé".encode(), 3) == ("ééé…", False, False, True)
    assert show("€" * 3 + "x" * 9, 3).text == "€€€…"
    assert show("€€€".encode(), 3) == ("€€€", False, False, False)
    assert show(b"x" * 5, 0).text == "…"
    assert show("😀".encode() * 5 + b"\xf0\x9f", 5).text == "😀" * 5 + "…"


@pytest.mark.parametrize("show_some", [safe_text, safe_info])
@pytest.mark.parametrize("payload", [b"\xff" * 65_507, b"x" * 65_507, "€".encode() * 21_835])
def test_a_large_payload_costs_no_more_than_what_is_shown_of_it(show_some, payload):
    show_some(payload, 10)  # what is remembered of characters is not counted
    tracemalloc.start()
    try:
        shown = show_some(payload, 10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(shown) in (10, 11)
    assert peak < 16_384


@pytest.mark.parametrize(
    ("data", "info"),
    [
        (b"alice: who is on 6666?\n", "alice: who is on 6666?"),
        (b"hello\r\n", "hello"),
        ("bob: ✓ got it\n".encode(), "bob: ✓ got it"),
        (b"two\nlines\n", "two␊lines"),
        (b"\x1b]0;pwned\x07 (escapes!)", "␛]0;pwned␇ (escapes!)"),
        (b"mct1\x00\x11bob\x00hello", "mct1··bob·hello"),
        (b"\x80\x60\x12\x34RTP", "·`·4RTP"),
        (b"", ""),
        (b"\n", ""),
    ],
)
def test_the_log_shows_text_as_text_and_the_rest_with_dots(data, info):
    assert safe_info(data, 60) == info


def test_text_cut_in_the_middle_of_a_character_is_still_text():
    assert safe_info("€".encode() * 100, 10) == ("€" * 10)
    assert is_text("€".encode()[:2])
    assert not is_text(b"\xe2\x82x")
    assert not is_text(b"a\x00")
    assert is_text(b"tab\tand\x1b[1m")


@given(st.binary(max_size=200))
def test_dots_have_one_character_a_byte(data):
    assert len(dots(data)) == len(data)
    assert_harmless(dots(data))


@given(st.binary(max_size=200), st.sampled_from([8, 16, 24]))
def test_a_hex_dump_gives_every_byte_back(data, per_row):
    rows = list(hex_dump(data, per_row))
    assert bytes.fromhex("".join(row.hexadecimal for row in rows)) == data
    assert "".join(row.ascii for row in rows) == dots(data)
    assert [row.offset for row in rows] == list(range(0, len(data), per_row))
    assert len({len(row.hexadecimal) for row in rows}) <= 1


def test_a_hex_dump_looks_as_everywhere():
    rows = [str(row) for row in hex_dump(b"mct1\x00\x11bob\x00hello, lan")]
    assert rows[0] == "0000  6d 63 74 31 00 11 62 6f  62 00 68 65 6c 6c 6f 2c  mct1··bob·hello,"
    assert rows[1] == "0010  20 6c 61 6e                                        lan"


def test_a_hex_dump_begins_where_asked_and_makes_no_row_unasked():
    rows = hex_dump(bytes(65_507), first=65_488)
    assert next(rows).offset == 65_488
    assert len(list(rows)) == 1


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("abc", 3),
        ("漢字", 4),
        ("e\u0301", 1),
        ("😀", 2),
        ("␛", 1),
        ("\u1112\u1161\u11ab", 2),
        ("", 0),
        ("कि", 1),
    ],
)
def test_width_is_in_terminal_cells(text, cells):
    assert cell_width(text) == cells


def test_our_widths_are_those_the_screen_is_laid_out_with():
    from rich.cells import get_character_cell_size

    alphabet = [chr(code) for code in range(0x20, 0x30000)]
    shown = [character for character in alphabet if safe_text("a" + character) == "a" + character]
    differing = [
        character for character in shown if cell_width(character) != get_character_cell_size(character)
    ]
    # Symbols that became wide in a later Unicode than this Python's: trigrams, counting rods, tai xuan jing.
    assert all(category(character) in ("So", "No") for character in differing)
    assert len(differing) < 200


@given(texts, st.integers(0, 20))
def test_clamped_text_fits_its_cells(text, cells):
    shown = safe_text(text)
    clamped = clamp_cells(shown, cells)
    assert cell_width(clamped) <= cells
    assert clamped == shown or cells == 0 or clamped.endswith("…")
    assert clamped == shown if cell_width(shown) <= cells else True


def test_marks_of_a_run_that_was_cut_are_not_counted() -> None:
    pile = b"a" + "\u0301".encode() * 500
    assert "<+495 marks>" in safe_text(pile)
    assert "<+ more marks>" in safe_info(pile, 40)
