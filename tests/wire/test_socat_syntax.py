"""How socat cuts an address into words; what is said here of socat was tried with 1.7.4.4."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.errors import EndpointError
from mcast_tui.wire.socat.syntax import ADDRESS, MAX_TEXT, VALUE, Word, lex, read_spoken, split
from tests.wire.cases import each_of


def words(text):
    spoken = read_spoken(text)
    options = [(each.name.text, each.value and each.value.text) for each in spoken.options]
    return spoken.kind.text, [each.text for each in spoken.parameters], options


def word(text):
    return Word(text, text, tuple(range(len(text) + 1)))


@each_of(
    ("text", "meant"),
    [
        ("STDIO", ("STDIO", [], [])),
        ("-", ("-", [], [])),
        ("A:b:c,d,e=f", ("A", ["b", "c"], [("d", None), ("e", "f")])),
        ("A:b,c=d:e=f", ("A", ["b"], [("c", "d:e=f")])),
        ("A:", ("A", [""], [])),
        ("A::b", ("A", ["", "b"], [])),
        ("A,b=", ("A", [], [("b", "")])),
        ("A:b,,c,", ("A", ["b"], [("c", None)])),
        ("A:[ff02::1%eth0]:7,b=[::1]:8", ("A", ["[ff02::1%eth0]", "7"], [("b", "[::1]:8")])),
        ("A:(b:c,d)e", ("A", ["(b:c,d)e"], [])),
        ("A:{b:(c,])}", ("A", ["{b:(c,])}"], [])),
        ("A:b]c)d}", ("A", ["b]c)d}"], [])),
        ("A:b\\:c\\,d\\\\", ("A", ["b:c,d\\"], [])),
        ("A:'b:c,d'e", ("A", ["b:c,de"], [])),
        ('A:"b:c,d"e', ("A", ["b:c,de"], [])),
        ("A:\"it is 'so, then'\"", ("A", ["it is 'so, then'"], [])),
        ("A:'say \"yes\" (or'", ("A", ['say "yes" (or'], [])),
        ("A:(\"b,c\" 'd')", ("A", ["(\"b,c\" 'd')"], [])),
        ("A:'b\\'c'", ("A", ["b'c"], [])),
        ("A:a\\nb\\tc\\qd", ("A", ["a\nb\tcqd"], [])),
        ('u"dp"4:b,o"pt"=\\v', ("udp4", ["b"], [("opt", "\v")])),
        ("A:b!c,d=e!f", ("A", ["b!c"], [("d", "e!f")])),
        ("A:'b!!c',d=\"e!!f\"", ("A", ["b!!c"], [("d", "e!!f")])),
        ("SYSTEM:echo grün 🙂", ("SYSTEM", ["echo grün 🙂"], [])),
    ],
)
def test_quotes_brackets_and_backslashes_are_read_as_socat_reads_them(text, meant):
    assert words(text) == meant


@each_of(
    ("text", "column", "reason"),
    [
        ("A:b'c", 3, "never closed"),
        ('A:b"c', 3, "never closed"),
        ('A:"b(c"', 6, "never closed"),
        ("A:b(c,d", 3, "never closed"),
        ("A:b([c)", 4, "never closed"),
        ("A:b,c={d", 6, "never closed"),
        ('A:"it\'s"', 5, "never closed"),
        ("A:b\\", 3, "nothing follows"),
        ("A:b\\0", 3, "NUL"),
        ("A:b\0c", 3, "NUL"),
        ("A:b,=c", 4, "name of an option is missing"),
        ("A:b,c=d,=", 8, "name of an option is missing"),
        ("A:b!!B:c", 3, "joined by !!"),
        ("A:b,c=d!!B:c", 7, "joined by !!"),
        ("A!!B", 1, "joined by !!"),
        ("A" * (MAX_TEXT + 1), MAX_TEXT, "longer"),
    ],
)
def test_what_socat_would_read_past_its_end_for_and_what_we_cannot_say_is_refused(text, column, reason):
    with pytest.raises(EndpointError) as caught:
        read_spoken(text)
    assert caught.value.column == column
    assert reason in str(caught.value)
    assert str(caught.value).startswith("Cannot read the socat address ")


def test_an_error_does_not_carry_a_pasted_megabyte():
    with pytest.raises(EndpointError) as caught:
        read_spoken("A:" + "b" * 1_000_000)
    assert len(caught.value.text) == MAX_TEXT


def test_every_character_knows_its_column_through_quotes_and_two_cuts():
    spoken = read_spoken("A:'b'\\:c,d=x\\\\\\:y:z")
    assert spoken.parameters[0].columns == (3, 5, 7, 8)
    first, second = split(spoken.options[0].value, ":", VALUE)
    assert (first.text, second.text) == ("x:y", "z")
    assert first.columns == (11, 12, 16, 17)
    assert second.columns == (18, 19)


def test_what_follows_the_last_cut_is_not_looked_into():
    assert [part.text for part in split(word("a:[b:c]:\\d:e"), ":", VALUE, 2)] == ["a", "[b:c]", "\\d:e"]
    assert [part.text for part in split(word("a"), ":", VALUE, 2)] == ["a"]
    assert [part.text for part in split(word(""), ":", VALUE)] == [""]


def test_a_value_that_is_cut_again_knows_neither_quotes_nor_c_escapes():
    assert [part.text for part in split(word("'a:b'\\n"), ":", VALUE)] == ["'a", "b'n"]


def attempt(text):
    """Return the words of the text and no column, or no words and the column of the fault."""
    try:
        return read_spoken(text), None
    except EndpointError as fault:
        return None, fault.column


@given(st.text("ab:,=!\\'\"()[]{} \n", max_size=40))
def test_cutting_either_gives_words_of_the_text_or_one_error_inside_it(text):
    spoken, column = attempt(text)
    if spoken is None:
        assert 0 <= column <= len(text)
        return
    given_words = [each for option in spoken.options for each in (option.name, option.value) if each]
    for each in (spoken.kind, *spoken.parameters, *given_words):
        assert len(each.columns) == len(each.text) + 1
        assert sorted(each.columns) == list(each.columns)
        assert 0 <= each.columns[0] <= each.columns[-1] <= len(text)


@given(st.text("ab:,!\\'\"()[]{} ", max_size=20))
def test_a_backslash_before_everything_gives_back_any_text(text):
    escaped = "".join(f"\\{each}" if not each.isalpha() else each for each in text)
    assert lex(word(escaped), 0, ("!!", ",", ":"), ADDRESS)[0].text == text


def test_the_longest_text_of_the_worst_kind_is_cut_at_once():
    for part in ("(", "[", "\"'", "()", "\\(", ",a", ":", "!!", "'\"'", "{[("):
        started = time.process_time()
        attempt(("A:" + part * MAX_TEXT)[:MAX_TEXT])
        assert time.process_time() - started < 1
