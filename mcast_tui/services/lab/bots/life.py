"""What a bot is, and the loop that lets it live: says what it wants to say, never faster than allowed.

The bots themselves are pure: they yield pauses and payloads and are told what was heard.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN = 0
LONGEST_PAYLOAD = 65507  # of UDP over IPv4
LATE_S = 0.5
"""A bot that is later than this (its machine slept) does not catch up: it goes on from now."""


@dataclass(frozen=True)
class Manner:
    """How a bot speaks: where to, from which port, how far and how often at most."""

    destination: str
    port: int
    source_port: int
    maximum_rate: float
    """Datagrams a second, answers included."""
    hop_limit: int = 1
    listens: bool = False


class Bot(Protocol):
    """Someone on the LAN."""

    @property
    def manner(self) -> Manner: ...

    def talk(self) -> Iterator[tuple[float, bytes]]:
        """Yield, without end, how many seconds to wait and what to say then."""

    def answer(self, heard: bytes) -> tuple[float, bytes] | None:
        """Return how many seconds to think and what to reply to this; None to say nothing."""


def live(bot: Bot, address: str, interface: str) -> None:
    """Let the bot speak from `address` on `interface` until standard input ends."""
    manner = bot.manner
    with open_voice(manner, address, interface) as voice, open_ear(manner, interface) as ear:
        watched: list[int | socket.socket] = [STDIN, ear]
        script = bot.talk()
        pause, payload = next(script)
        spoken, due = 0.0, time.monotonic() + pause
        reply: tuple[float, bytes] | None = None
        while True:
            next_due = min(due, reply[0]) if reply else due
            wait = max(next_due, spoken + 1 / manner.maximum_rate) - time.monotonic()
            ready, _, _ = select.select(watched, [], [], max(0.0, wait))
            now = time.monotonic()
            if STDIN in ready and not os.read(STDIN, 64):
                return
            if ear in ready:
                reply = reply or heard(bot, ear, address, now)
            if now < max(next_due, spoken + 1 / manner.maximum_rate):
                continue
            spoken = now
            if reply and reply[0] <= now:
                say(voice, reply[1], manner)
                reply = None
                continue
            say(voice, payload, manner)
            pause, payload = next(script)
            due = due + pause if now - due < LATE_S else now + pause


def heard(bot: Bot, ear: socket.socket, address: str, now: float) -> tuple[float, bytes] | None:
    """Read one datagram and return when to answer what; our own are not answered."""
    payload, (sender, _) = ear.recvfrom(LONGEST_PAYLOAD)
    answer = None if sender == address else bot.answer(payload)
    return (now + answer[0], answer[1]) if answer else None


def say(voice: socket.socket, payload: bytes, manner: Manner) -> None:
    """Send one datagram; what cannot be sent now (a pulled cable) is lost, as on any LAN."""
    with suppress(OSError):
        voice.sendto(payload, (manner.destination, manner.port))


def open_voice(manner: Manner, address: str, interface: str) -> socket.socket:
    """Open the socket that speaks from `address`, and leaves by `interface` only."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _ip_mreqn("0.0.0.0", interface))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, manner.hop_limit)
    sock.bind((address, manner.source_port))
    return sock


def open_ear(manner: Manner, interface: str) -> socket.socket:
    """Open the socket that hears the group; one that hears nothing when the bot does not listen.

    Bound to the group, so that no unicast or broadcast, nor another group, gets in.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if manner.listens:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((manner.destination, manner.port))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _ip_mreqn(manner.destination, interface))
    return sock


def _ip_mreqn(group: str, interface: str) -> bytes:
    """Name an interface by its index, `ip(7)`."""
    return struct.pack(
        "@4s4si", socket.inet_aton(group), socket.inet_aton("0.0.0.0"), socket.if_nametoindex(interface)
    )
