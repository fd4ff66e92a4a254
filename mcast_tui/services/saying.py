"""How something is said: one line or many, to the group aimed at, to a host, or to any address.

What would surprise whoever types it is refused before a datagram leaves: a line too long for one, a host's
address that is read by many, a broadcast that was not asked for, a paste that would take minutes.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from mcast_tui import human
from mcast_tui.errors import McastError, UsageError
from mcast_tui.services.notice import Level, Notice, notice_of
from mcast_tui.services.target import MOST_LINES, Size, payload_of
from mcast_tui.wire.address import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.net.sender import SendOptions
    from mcast_tui.services import request
    from mcast_tui.services.desk import Aim, Desk
    from mcast_tui.services.node import Node
    from mcast_tui.services.target import Target

PACE_S = 0.002
"""Between the datagrams of a paste: 500 a second, which a socat at the other end can read."""
BROADCAST = frozenset({Kind.LIMITED_BROADCAST, Kind.DIRECTED_BROADCAST})


class SpeakerFrame(Protocol):
    """What a speaker needs of the screen."""

    def announce(self, notice: Notice) -> None: ...
    def show_progress(self, done: int, total: int) -> None: ...
    def ask_again(self, text: str) -> None: ...


class Speaker:
    """Sends what a person says; every method raises `McastError` unless it says otherwise."""

    def __init__(self, node: Node, desk: Desk, frame: SpeakerFrame) -> None:
        self._node = node
        self._desk = desk
        self._frame = frame
        self._is_sending = False

    async def say(self, text: str, aim: Aim) -> None:
        """Send one line to what is aimed at."""
        target = self._need_target(aim)
        payload = payload_of(text)
        if target.size(len(payload)) is Size.TOO_LONG:
            raise UsageError(
                f"send {human.format_count(len(payload))} bytes",
                f"one datagram over IPv{target.destination.family} carries at most "
                f"{human.format_count(target.largest)}",
                remedy="Shorten it; it stays in the input line.",
            )
        await self._send(target, payload)
        if target.is_reply:
            self._tell_sent(target)

    async def say_bytes(self, payload: bytes, aim: Aim) -> None:
        """Send exactly these bytes to what is aimed at."""
        await self._send(self._need_target(aim), payload)

    async def message(self, wanted: request.Message) -> None:
        """Send a line to one host, and to nobody else."""
        kind = self._desk.kind_of(wanted.destination)
        if kind is Kind.MULTICAST or kind in BROADCAST:
            raise UsageError(
                f"message {wanted.destination}",
                f"it is a {kind.value} address, read by many",
                remedy="Use /send for a group and /send -b for broadcast.",
            )
        target = self._desk.target_of(wanted.destination, self._unicast_options())
        await self._send(target, payload_of(wanted.text))
        self._tell_sent(target)

    async def send(self, wanted: request.Send) -> None:
        """Send a line to any address, joined or not."""
        kind = self._desk.kind_of(wanted.destination)
        if kind in BROADCAST and not wanted.broadcast:
            raise UsageError(
                f"send to {wanted.destination}",
                f"it is a {kind.value} address: every host of the link would read it",
                remedy="Say so with -b: /send -b ...",
            )
        group = self._node.groups.find(wanted.destination, self._node.interfaces)
        is_shared = kind is Kind.MULTICAST or kind in BROADCAST
        options = self._desk.options(group) if is_shared else self._unicast_options()
        target = self._desk.target_of(wanted.destination, options, group)
        await self._send(target, payload_of(wanted.text))
        if group is None or group is not self._desk.selected:
            self._tell_sent(target)

    async def say_lines(self, lines: Sequence[str], aim: Aim) -> McastError | None:
        """Send each line as a datagram, paced; return what ended that early, which the frame was told.

        Refuses more than `MOST_LINES`. What was not sent is asked about again.
        """
        self._is_sending = True
        sent = 0
        failure: McastError | None = None
        try:
            _refuse_too_many(lines)
            target = self._need_target(aim)
            while sent < len(lines) and self._is_sending:
                await self._send(target, payload_of(lines[sent]))
                sent += 1
                self._frame.show_progress(sent, len(lines))
                await asyncio.sleep(PACE_S)
        except McastError as error:
            failure = error
        self._is_sending = False
        self._frame.show_progress(len(lines), len(lines))
        self._tell_lines(sent, lines, failure)
        return failure

    def stop(self) -> bool:
        """End `say_lines` after the datagram it is at; tell whether it was under way."""
        was_sending, self._is_sending = self._is_sending, False
        return was_sending

    async def _send(self, target: Target, payload: bytes) -> None:
        await self._node.send(target.destination, payload, target.options)

    def _need_target(self, aim: Aim) -> Target:
        if aim.reply_to is None:
            self._desk.need_group("send", aim)
        target = self._desk.target(aim)
        assert target is not None  # a group and a sender to reply to are targets
        return target

    def _unicast_options(self) -> SendOptions:
        return replace(self._desk.options(None), hop_limit=None)

    def _tell_sent(self, target: Target) -> None:
        """Say that a line left which the selected conversation does not show."""
        where = "" if target.kind is Kind.MULTICAST else " It and its answers are under All traffic, Chat."
        self._frame.announce(Notice(Level.DONE, f"Sent to {target.place}.{where}"))

    def _tell_lines(self, sent: int, lines: Sequence[str], failure: McastError | None) -> None:
        of_all = f"{human.format_count(sent)} of {human.format_count(len(lines))} datagrams sent"
        if sent == len(lines):
            self._frame.announce(Notice(Level.DONE, f"{of_all}."))
            return
        if failure is None:
            self._frame.announce(Notice(Level.WARNING, f"Stopped, {of_all}."))
        else:
            notice = notice_of(failure)
            self._frame.announce(replace(notice, what=f"{notice.what} {of_all}."))
        self._frame.ask_again("\n".join(lines[sent:]))


def _refuse_too_many(lines: Sequence[str]) -> None:
    if len(lines) > MOST_LINES:
        raise UsageError(
            f"send {human.format_count(len(lines))} lines",
            f"one by one at most {human.format_count(MOST_LINES)} are sent",
            remedy="Paste fewer, or pipe the file: mcast-tui chat GROUP < FILE.",
        )
