import math

import pytest

from mcast_tui.human import (
    BARS,
    GAP,
    counted,
    format_age,
    format_bit_rate,
    format_buffer,
    format_byte_rate,
    format_compact,
    format_count,
    format_duration,
    format_long,
    format_rate,
    sparkline,
)

FORMATS = [format_rate, format_bit_rate, format_byte_rate, format_buffer, format_compact, format_duration]


@pytest.mark.parametrize(
    ("per_second", "text"),
    [
        (0, "0/s"),
        (0.01, "<0.1/s"),
        (0.4, "0.4/s"),
        (4, "4/s"),
        (412, "412/s"),
        (999.4, "999/s"),
        (999.6, "1k/s"),
        (1284, "1.3k/s"),
        (12_345, "12.3k/s"),
        (265_000, "265k/s"),
        (999_960, "1M/s"),
        (3e15, "3000T/s"),
    ],
)
def test_rates_are_short_and_never_round_to_four_digits(per_second, text):
    assert format_rate(per_second) == text


def test_bits_and_bytes_are_in_thousands_and_buffers_in_1024():
    assert format_bit_rate(1_500_000) == "1.5 Mbit/s"
    assert format_byte_rate(188_000) == "188 kB/s"
    assert format_buffer(212_992) == "208 KiB"
    assert format_buffer(4 << 20) == "4 MiB"
    assert format_buffer(1023) == "1023 B"
    assert format_compact(1_000_000) == "1M"


@pytest.mark.parametrize("write", FORMATS)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -1])
def test_what_is_no_measurement_is_unknown_and_never_zero(write, value):
    assert write(value) == "-"


def test_something_small_is_not_nothing():
    assert format_rate(0.001) != format_rate(0)


def test_counts_are_whole_and_grouped():
    assert format_count(1284) == "1 284"
    assert format_count(1_000_000) == "1 000 000"
    assert format_count(0) == "0"
    assert format_count(None) == "-"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (2.9, "2s"), (59.9, "59s"), (60, "1m"), (240, "4m"), (3600, "1h"), (86_400 * 2, "2d")],
)
def test_durations_are_one_unit_rounded_down(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59, "0m 59s"), (125, "2m 05s"), (3599, "59m 59s"), (3600, "1h 00m"), (225_375, "62h 36m")],
)
def test_a_countdown_has_two_units_and_never_more_minutes_than_an_hour(seconds: int, text: str) -> None:
    assert format_long(seconds) == text


def test_ages_tell_how_long_ago():
    assert format_age(2.5) == "2s ago"
    assert format_age(0.9) == "now"
    assert format_age(-0.3) == "now"
    assert format_age(None) == "-"
    assert format_age(math.nan) == "-"


def test_a_sparkline_has_one_bar_a_value_and_its_top_is_the_highest():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == BARS
    assert sparkline([]) == ""


def test_silence_is_the_lowest_bar_and_the_unknown_a_gap():
    assert sparkline([0, 0, 0]) == BARS[0] * 3
    assert sparkline([None, math.nan, 5]) == GAP * 2 + BARS[-1]


def test_only_zero_looks_like_zero():
    assert sparkline([0, 1, 1_000_000]) == BARS[0] + BARS[1] + BARS[-1]


def test_a_given_ceiling_sets_the_scale_and_holds_what_exceeds_it():
    assert sparkline([5, 10, 20], ceiling=10) == BARS[4] + BARS[-1] + BARS[-1]
    assert sparkline([5], ceiling=0) == BARS[0]


def test_one_of_a_kind_is_not_many() -> None:
    assert counted(1, "answer") == "1 answer"
    assert counted(0, "answer") == "0 answers"
    assert counted(2, "reply", "replies") == "2 replies"
