"""The program on a host: obeys lines of JSON on standard input, answers each with one, ends with it.

An answer is ``{"answer": ...}`` or ``{"errno": N}``. One thread, one selector: what is heard is
counted, what is due is sent, and the kernel's tables of this host are read when asked for.
"""

from __future__ import annotations

import json
import os
import selectors
import time
from pathlib import Path
from typing import Any

from mcast_tui.services.lab.classroom.resident.member import Member
from mcast_tui.services.lab.classroom.resident.querier import Querier
from mcast_tui.services.lab.classroom.resident.router import Router
from mcast_tui.services.lab.classroom.resident.sender import Sender

TABLES = ("igmp", "igmp6", "mcfilter", "snmp", "netstat")
"""Of /proc/net: what the kernel of this host says."""


class Resident:
    """Everything of ours on one host."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.senders: dict[str, Sender] = {}
        self.querier: Querier | None = None
        self.router: Router | None = None
        self.selector = selectors.DefaultSelector()
        self._pending = b""
        self._is_ended = False

    def live(self) -> None:
        """Obey until standard input ends."""
        self.selector.register(0, selectors.EVENT_READ, self.read_orders)
        while not self._is_ended:
            for key, _ in self.selector.select(self._until_due(time.monotonic())):
                key.data()
            now = time.monotonic()
            for timed in self._timed():
                if timed.due <= now:
                    timed.send(now)

    def _timed(self) -> list[Sender | Querier]:
        return [*self.senders.values(), *([self.querier] if self.querier else [])]

    def _until_due(self, now: float) -> float | None:
        return min((max(timed.due - now, 0.0) for timed in self._timed()), default=None)

    def read_orders(self) -> None:
        """Carry out every whole line that has come."""
        chunk = os.read(0, 1 << 16)
        self._is_ended = not chunk
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        for line in lines:
            order = json.loads(line)
            try:
                told: dict[str, Any] = {"answer": getattr(self, f"order_{order.pop('order')}")(**order)}
            except OSError as error:
                told = {"errno": error.errno or 0}
            os.write(1, json.dumps(told).encode() + b"\n")

    def order_join(self, name: str, **how: Any) -> None:
        self.order_leave(name)
        member = Member(**how)
        self.members[name] = member
        self.selector.register(member.sock, selectors.EVENT_READ, member.read)

    def order_leave(self, name: str) -> None:
        if member := self.members.pop(name, None):
            self.selector.unregister(member.sock)
            member.close()

    def order_start(self, name: str, **how: Any) -> None:
        self.order_stop(name)
        self.senders[name] = Sender(name=name, **how)

    def order_stop(self, name: str) -> None:
        if sender := self.senders.pop(name, None):
            sender.close()

    def order_query(self, **how: Any) -> None:
        self.order_hush()
        self.querier = Querier(**how)

    def order_hush(self) -> None:
        if self.querier:
            self.querier.close()
            self.querier = None

    def order_route(self, **how: Any) -> None:
        self.order_unroute()
        self.router = Router(**how)
        self.selector.register(self.router.sock, selectors.EVENT_READ, self.router.read)

    def order_unroute(self) -> None:
        if self.router:
            self.selector.unregister(self.router.sock)
            self.router.close()
            self.router = None

    def order_sent(self) -> dict[str, dict[str, int]]:
        """Return what senders have sent."""
        return {name: sender.told() for name, sender in self.senders.items()}

    def order_tell(self) -> dict[str, Any]:
        """Return what members heard, and the kernel's tables."""
        for member in self.members.values():
            member.read()
        return {
            "members": {name: member.told() for name, member in self.members.items()},
            "queries": self.querier.sent if self.querier else None,
            "routes": self.router.entries if self.router else None,
            "tables": {name: _table(name) for name in TABLES},
        }


def _table(name: str) -> str:
    try:
        return Path(f"/proc/net/{name}").read_text("ascii", "replace")
    except FileNotFoundError:  # a kernel without IPv6
        return ""


def live() -> None:
    """Live on this host until the owner goes."""
    Resident().live()
