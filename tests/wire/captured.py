"""The control buffers in ``control_buffers.txt``, as values."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from mcast_tui.wire.columns import Addressed, address_words

if TYPE_CHECKING:
    from mcast_tui.wire.batch import Batch


@dataclass(frozen=True)
class Captured:
    """One message as the kernel wrote it, and what it says; None is unknown."""

    name: str
    received_at: int | None
    destination: tuple[int, int] | None
    local_address: int | None
    ifindex: int | None
    hop_limit: int | None
    traffic_class: int | None
    addressed: Addressed
    family: int
    flags: int
    source: bytes
    control: bytes

    def load(self, batch: Batch, row: int, length: int = 1) -> None:
        """Leave in `row` what the kernel would have left there."""
        batch.control[row, : len(self.control)] = list(self.control)
        batch.names[row, : len(self.source)] = list(self.source)
        header = batch.headers[row]
        header["namelen"], header["controllen"] = len(self.source), len(self.control)
        header["flags"], header["len"] = self.flags, length


def _read(line: str) -> Captured:
    name, said, origin, control = (part.strip() for part in line.split(";"))
    at, destination, local, *numbers, addressed = said.split()
    family, _, flags, source = origin.split()
    return Captured(
        name,
        None if at == "-" else int(at),
        None if destination == "-" else address_words(ip_address(destination)),
        None if local == "-" else int(ip_address(local)),
        *(None if number == "-" else int(number) for number in numbers),
        Addressed[addressed.upper()],
        int(family.removeprefix("IPv")),
        int(flags),
        bytes.fromhex(source),
        bytes.fromhex(control),
    )


_LINES = (Path(__file__).parent / "control_buffers.txt").read_text().splitlines()
CAPTURED = [_read(line) for line in _LINES if not line.startswith("#")]
BY_NAME = {captured.name: captured for captured in CAPTURED}
