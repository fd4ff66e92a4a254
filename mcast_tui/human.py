"""Numbers -> short text for people: rates, sizes, ages, counts, sparklines.

None, like any number that is no measurement, is unknown and reads ``-``: never 0. A rate is
in SI steps of 1000, a buffer in steps of 1024, as their units say.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Sequence

UNKNOWN = "-"

BARS = "▁▂▃▄▅▆▇█"
"""From the lowest to the highest."""
GAP = " "
"""In a sparkline: not measured."""

_SI = ("", "k", "M", "G", "T")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti")
_AGES = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))  # seconds in one, its letter


def format_rate(per_second: float | None) -> str:
    """Return events a second: ``412/s``, ``12.3k/s``."""
    return _with_unit(per_second, 1000, _SI, "/s", separator="")


def format_bit_rate(bits_per_second: float | None) -> str:
    """Return ``1.5 Mbit/s``."""
    return _with_unit(bits_per_second, 1000, _SI, "bit/s")


def format_byte_rate(bytes_per_second: float | None) -> str:
    """Return ``188 kB/s``."""
    return _with_unit(bytes_per_second, 1000, _SI, "B/s")


def format_buffer(size: float | None) -> str:
    """Return a size in bytes of memory: ``208 KiB``, ``4 MiB``."""
    return _with_unit(size, 1024, _BINARY, "B")


def format_compact(count: float | None) -> str:
    """Return a count where there is little room: ``1.3k``, ``1M``."""
    return _with_unit(count, 1000, _SI, "", separator="")


def format_count(count: int | None) -> str:
    """Return a count to the last one, in groups of three: ``1 284``."""
    return UNKNOWN if count is None else f"{count:,}".replace(",", " ")


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun in the right number: ``1 answer``, ``0 answers``."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or f'{noun}s'}"


def format_duration(seconds: float | None) -> str:
    """Return how long in one unit, rounded down: ``2s``, ``4m``, ``3h``, ``2d``."""
    if not _is_measured(seconds):
        return UNKNOWN
    length, letter = next((age for age in _AGES if seconds >= age[0]), _AGES[-1])
    return f"{int(seconds // length)}{letter}"


def format_long(seconds: int) -> str:
    """Return how long in two units: ``4m 20s``, ``62h 36m``."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m {rest:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def format_age(seconds: float | None) -> str:
    """Return how long ago: ``now`` within the second, else ``2s ago``; the future reads ``now`` too."""
    if seconds is not None and seconds < 1:
        return "now"
    duration = format_duration(seconds)
    return duration if duration == UNKNOWN else f"{duration} ago"


def sparkline(values: Sequence[float | None], ceiling: float | None = None) -> str:
    """Return one bar a value, oldest first; `ceiling` is the top of the scale, by default the highest value.

    Only zero gets the lowest bar of its own; a value that is not known leaves a gap.
    """
    measured = [value for value in values if _is_measured(value)]
    top = max(measured, default=0.0) if ceiling is None else ceiling
    return "".join(_bar(value, top) if _is_measured(value) else GAP for value in values)


def _bar(value: float, top: float) -> str:
    if value == 0 or top <= 0:
        return BARS[0]
    highest = len(BARS) - 1
    return BARS[min(highest, max(1, round(value / top * highest)))]


def _is_measured(value: float | None) -> TypeGuard[float]:
    """Tell a measurement from None, NaN, infinity and the negative that a counter set back gives."""
    return value is not None and isfinite(value) and value >= 0


def _with_unit(
    value: float | None, step: int, prefixes: tuple[str, ...], unit: str, *, separator: str = " "
) -> str:
    if not _is_measured(value):
        return UNKNOWN
    if 0 < value < 0.05:
        return f"<0.1{separator}{unit}"  # it is not nothing
    for prefix in prefixes:
        digits = 0 if value >= 99.95 else 1
        if round(value, digits) < step or prefix == prefixes[-1]:
            break
        value /= step
    number = f"{value:.{digits}f}".removesuffix(".0")
    return f"{number}{separator}{prefix}{unit}".rstrip()
