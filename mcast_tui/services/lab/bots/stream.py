"""A steady stream: RTP (RFC 3550) with 16-bit linear audio (RFC 3551), as AES67 devices send it.

5 ms of 48 kHz mono in each packet make 200 packets a second. The tone is 500 Hz.
"""

from __future__ import annotations

import array
import math
import random
import struct
import sys
from typing import TYPE_CHECKING

from mcast_tui.services.lab.bots.life import Manner

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKETS_PER_S = 200
SAMPLE_RATE = 48_000
SAMPLES = SAMPLE_RATE // PACKETS_PER_S
TONE_HZ = 500
AMPLITUDE = 8_000
RTP_VERSION, DYNAMIC_PAYLOAD_TYPE = 2 << 6, 96
_HEADER = struct.Struct("!BBHII")


class Stream:
    """An audio encoder; `seed` decides its SSRC and first numbers, which RFC 3550 wants random."""

    manner = Manner("239.69.0.1", 5004, source_port=5004, maximum_rate=220)

    def __init__(self, seed: int | None = None) -> None:
        chance = random.Random(seed)  # identifiers, not secrets
        self._sequence, self._timestamp = chance.getrandbits(16), chance.getrandbits(32)
        self._ssrc = chance.getrandbits(32)
        # 240 samples are two and a half periods of 500 Hz: two payloads make the whole tone.
        self._audio = (_tone(0), _tone(SAMPLES))

    def talk(self) -> Iterator[tuple[float, bytes]]:
        turn = 0
        while True:
            header = _HEADER.pack(
                RTP_VERSION, DYNAMIC_PAYLOAD_TYPE, self._sequence, self._timestamp, self._ssrc
            )
            yield 1 / PACKETS_PER_S, header + self._audio[turn]
            turn ^= 1
            self._sequence = self._sequence + 1 & 0xFFFF
            self._timestamp = self._timestamp + SAMPLES & 0xFFFF_FFFF

    def answer(self, heard: bytes) -> None:
        """Stay silent."""


def _tone(first: int) -> bytes:
    """Return a packet's worth of the tone from sample `first` on, in network byte order."""
    samples = array.array(
        "h",
        (
            round(AMPLITUDE * math.sin(2 * math.pi * TONE_HZ * n / SAMPLE_RATE))
            for n in range(first, first + SAMPLES)
        ),
    )
    if sys.byteorder == "little":
        samples.byteswap()
    return samples.tobytes()
