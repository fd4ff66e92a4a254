"""What is to be sent, read from words, lines, hexadecimal and files; and every way in which it is wrong."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.cli.sending.payloads import LINE_LIMIT, file_payload, hex_payload, line_payloads, text_payload
from mcast_tui.errors import EndpointError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("text", ["deadBEEF", "de ad be ef", "de:ad:be:ef", "DE-AD-BE-EF", " dead\tbeef "])
def test_hexadecimal_is_read_as_people_write_it(text: str) -> None:
    assert hex_payload(text) == b"\xde\xad\xbe\xef"


@given(st.binary(max_size=200), st.sampled_from(["", " ", ":", "-"]))
def test_every_payload_survives_its_hexadecimal(payload: bytes, between: str) -> None:
    assert hex_payload(payload.hex(between) if between else payload.hex()) == payload


@pytest.mark.parametrize(
    ("text", "column"), [("zz", 0), ("dexd", 2), ("de a", 4), ("d e", 1), ("0x41", 1), ("٣٣", 0), ("aé", 1)]
)
def test_the_column_of_what_is_no_hexadecimal_is_told(text: str, column: int) -> None:
    with pytest.raises(EndpointError) as refused:
        hex_payload(text)
    assert (refused.value.text, refused.value.column) == (text, column)
    assert f"at character {column + 1}" in refused.value.reason


def test_of_a_long_line_only_the_part_around_the_fault_is_repeated() -> None:
    with pytest.raises(EndpointError) as refused:
        hex_payload("ab" * 50_000 + "x" + "ab" * 50_000)
    assert len(refused.value.text) < 100
    assert refused.value.text[refused.value.column] == "x"
    assert "at character 100001" in refused.value.reason


def test_a_word_is_the_bytes_it_was_on_the_command_line() -> None:
    assert text_payload("gr\u00fc\udcff", b"\n") == "grü".encode() + b"\xff\n"


def test_lines_are_told_by_number_when_one_is_wrong() -> None:
    lines = line_payloads(io.BytesIO(b"41\r\n42\n4\n"), b"", is_hex=True)
    assert [next(lines), next(lines)] == [b"A", b"B"]
    with pytest.raises(EndpointError) as refused:
        next(lines)
    assert "line 3" in str(refused.value)


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    with pytest.raises(UsageError, match="no line end"):
        next(line_payloads(io.BytesIO(b"x" * (LINE_LIMIT + 1)), b"\n", is_hex=False))


def test_a_file_is_sent_as_it_is_up_to_what_fits(tmp_path: Path) -> None:
    path = tmp_path / "datagram"
    path.write_bytes(b"\0\n" * 5)
    assert file_payload(str(path), 10) == b"\0\n" * 5
    with pytest.raises(UsageError) as refused:
        file_payload(str(path), 9)
    assert "10 bytes" in refused.value.reason
    assert "at most 9" in refused.value.reason


def test_an_endless_file_is_read_no_further_than_what_fits() -> None:
    with pytest.raises(UsageError, match="more than 9 bytes"):
        file_payload("/dev/zero", 9)


@pytest.mark.parametrize(
    ("name", "reason"), [("missing", "No such file"), ("", "directory"), ("a\0b", "null byte")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        file_payload(f"{tmp_path}/{name}", 10)
    assert reason in str(refused.value)
    assert str(tmp_path) in str(refused.value)
