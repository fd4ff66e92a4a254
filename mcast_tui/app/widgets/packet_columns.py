"""The columns of the packet log: which fit a width, in how many cells, and their titles. Pure.

A column is dropped before the Info column becomes narrower than `INFO_CELLS`; `DROPS` holds the order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

INFO_CELLS: Final = 24
"""Info gets this much as long as any other column can be dropped for it."""

INFO_COMFORT: Final = 72
"""Addresses get room for a whole IPv6 address only when Info keeps this much."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The cells of each column at one width; 0 is a column that is not shown."""

    width: int
    number: int
    time: int = 15
    interface: int = 6
    direction: int = 0
    """In or out, and the VLAN: of tapped packets only."""
    vlan: int = 0
    source: int = 45
    source_port: bool = True
    destination: int = 47
    destination_port: bool = True
    length: int = 5
    hop_limit: int = 3

    @property
    def info(self) -> int:
        """Cells left for Info; may be negative while `fit_columns` looks for a fit."""
        columns = (
            self.number,
            self.time,
            self.interface,
            self.direction,
            self.vlan,
            self.source,
            self.length,
            self.hop_limit,
        )
        kind_and_destination = self.destination + 3 if self.destination else 0
        return self.width - 1 - sum(cells + 1 for cells in columns if cells) - kind_and_destination


DROPS: Final[tuple[tuple[int, dict[str, int | bool]], ...]] = (
    (INFO_COMFORT, {"source": 28, "destination": 28}),
    (INFO_COMFORT, {"source": 21, "destination": 21}),
    (INFO_CELLS, {"time": 12}),
    (INFO_CELLS, {"hop_limit": 0}),
    (INFO_CELLS, {"interface": 0}),
    (INFO_CELLS, {"source": 15, "source_port": False}),
    (INFO_CELLS, {"number": 0}),
    (INFO_CELLS, {"destination": 15, "destination_port": False}),
    (INFO_CELLS, {"direction": 0}),  # the mark at the left says "out"
    (INFO_CELLS, {"length": 0}),
    (INFO_CELLS, {"vlan": 0}),
    (INFO_CELLS, {"time": 8}),
    (INFO_CELLS, {"destination": 0}),
    (INFO_CELLS, {"time": 0}),
    (INFO_CELLS, {"source": 13}),
)
"""What gives way, in this order, while Info has fewer cells than the step asks for."""


@lru_cache(maxsize=64)
def fit_columns(width: int, digits: int, *, is_tapped: bool = False) -> Fit:
    """Return the columns that fit in `width` cells when the longest packet number has `digits` digits."""
    fit = Fit(width=width, number=max(4, digits))
    if is_tapped:
        fit = replace(fit, direction=3, vlan=4)
    for wanted, change in DROPS:
        if fit.info < wanted:
            fit = replace(fit, **change)  # type: ignore[arg-type]  # a dict of field values, by name
    return fit


def format_header(fit: Fit) -> str:
    """Return the column titles of `fit`, aligned as `format_row` aligns what stands below them."""
    parts = [" "]
    if fit.number:
        parts.append(f"{'No.':>{fit.number}} ")
    if fit.time:
        parts.append(f"{'Time':<{fit.time}} ")
    if fit.interface:
        parts.append(f"{'If':<{fit.interface}} ")
    if fit.direction:
        parts.append("Dir ")
    if fit.vlan:
        parts.append("VLAN ")
    parts.append(f"{'Source':<{fit.source}} ")
    if fit.destination:
        parts.append(f"  {'Destination':<{fit.destination}} ")
    if fit.length:
        parts.append(f"{'Len':>{fit.length}} ")
    if fit.hop_limit:
        parts.append("TTL ")
    return ("".join(parts) + "Info")[: fit.width].ljust(fit.width)
