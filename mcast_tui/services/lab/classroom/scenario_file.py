"""Reads a described LAN from TOML. Strict: an unknown key is refused, with what would be right.

Every error names the file, the place in it and the remedy. Nothing is built here.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from difflib import get_close_matches
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from mcast_tui.errors import McastError, UsageError
from mcast_tui.services.lab.classroom import parts
from mcast_tui.services.lab.classroom.cast import Cast
from mcast_tui.services.lab.classroom.expectations import read_expectation
from mcast_tui.services.lab.classroom.live_lan import LanPlan, SwitchTimes
from mcast_tui.services.lab.classroom.orders import ORDERS
from mcast_tui.services.lab.classroom.parts import Member, Sender
from mcast_tui.services.lab.classroom.scenario import PATIENCE_S, Scenario, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAXIMUM_HOSTS, MAXIMUM_LANS, MAXIMUM_PARTS, MAXIMUM_STEPS = 16, 4, 64, 64
"""More than can be drawn and followed; every host of a lesson is two processes."""
LARGEST_FILE = 1 << 20
LONGEST_TEXT = 4000
"""Characters of one text."""
REQUIRED = object()


def read_scenario(path: Path) -> Scenario:
    """Read and check a file; raises UsageError, which names the file and the place in it."""
    attempted = f"read {path}"
    try:
        with path.open("rb") as file:
            source = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(attempted, error.strerror or "it cannot be read", errno=error.errno) from error
    if len(source) > LARGEST_FILE:
        raise UsageError(attempted, f"it is larger than {LARGEST_FILE} bytes")
    try:
        table = tomllib.loads(source.decode())
    except RecursionError as error:
        raise UsageError(attempted, "it is nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits is one, too
        raise UsageError(attempted, f"it is no TOML: {error}") from error
    return _scenario(Table(table, path, ""), path.stem)


class Table:
    """A table of the file: takes its values by kind, and refuses what nobody took."""

    def __init__(self, values: dict[str, Any], path: Path, place: str) -> None:
        self.path, self.place = path, place
        self._values = values

    def wrong(self, key: str, reason: str, remedy: str | None = None) -> UsageError:
        """Return the error about one key."""
        where = f"{self.place}.{key}" if self.place and key else self.place or key
        return UsageError(f"use {where} of {self.path.name}", reason, remedy=remedy)

    def only(self, *known: str) -> None:
        """Refuse keys that mean nothing here."""
        for key in self._values:
            if key not in known:
                nearest = get_close_matches(key, known, 1)
                meant = f"Did you mean {nearest[0]}?" if nearest else f"Known here: {', '.join(known)}."
                raise self.wrong(key, "there is no such key", meant)

    def take(self, key: str, kind: type | tuple[type, ...], what: str, default: Any = REQUIRED) -> Any:
        """Return the value of a key if it is of this kind, the default where there is none."""
        if key not in self._values:
            if default is REQUIRED:
                raise self.wrong(key, "it is missing", f"It is {what}.")
            return default
        value = self._values[key]
        # A bool is an int to Python, not to the person who wrote it.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(key, f"{value!r} is not {what}", f"It is {what}.")
        return value

    def text(self, key: str, default: Any = REQUIRED) -> str:
        value: str = self.take(key, str, "a text", default)
        if len(value) > LONGEST_TEXT or any(ord(one) < 32 and one != "\n" for one in value):
            raise self.wrong(key, f"it is longer than {LONGEST_TEXT} characters, or has control characters")
        return value.strip()

    def flag(self, key: str) -> bool:
        value: bool = self.take(key, bool, "true or false", default=False)
        return value

    def whole(self, key: str, least: int, most: int, default: Any = REQUIRED) -> int:
        return int(self._number(key, int, least, most, default, "a whole number"))

    def number(self, key: str, least: float, most: float, default: Any = REQUIRED) -> float:
        return float(self._number(key, (int, float), least, most, default, "a number"))

    def _number(self, key: str, kind: Any, least: float, most: float, default: Any, noun: str) -> float:
        what = f"{noun} from {least:g} to {most:g}"
        value: float = self.take(key, kind, what, default)
        if not least <= value <= most:
            raise self.wrong(key, f"{value!r} is not {what}", f"It is {what}.")
        return value

    def address(self, key: str) -> IPv4Address | IPv6Address | None:
        """Return an address, None where there is none."""
        text = self.take(key, str, "an address", None)
        try:
            found = None if text is None else ip_address(text)
        except ValueError as error:
            raise self.wrong(key, f"{text!r} is not an address", "For example: 239.1.1.1") from error
        if isinstance(found, IPv6Address) and found.scope_id is not None:
            raise self.wrong(key, f"{text!r} names an interface", "It is an address alone; see host and lan.")
        return found

    def tables(self, key: str, most: int) -> Iterator[Table]:
        """Yield the tables of an array, each with its place."""
        values = self.take(key, list, f"an array of tables: [[{key}]]", [])
        if len(values) > most:
            raise self.wrong(key, f"there are {len(values)}", f"There may be {most}.")
        for number, value in enumerate(values, 1):
            if not isinstance(value, dict):
                raise self.wrong(key, "it is no array of tables", f"Each begins with [[{key}]].")
            yield Table(value, self.path, f"{key} {number}")

    def sentences(self, key: str, read: Callable[[str], Any]) -> tuple[Any, ...]:
        """Read each sentence of a list; what is wrong with one is told with its place."""
        values = self.take(key, list, "a list of sentences", [])
        if not all(isinstance(value, str) for value in values) or len(values) > MAXIMUM_PARTS:
            raise self.wrong(key, f"it is no list of at most {MAXIMUM_PARTS} sentences")
        found = []
        for value in values:
            try:
                found.append(read(value))
            except McastError as error:
                reason = f"cannot {error.attempted}: {error.reason}"
                raise self.wrong(key, reason, error.remedy) from error
        return tuple(found)


def _scenario(table: Table, name: str) -> Scenario:
    table.only("title", "text", "scale", "lan", "member", "sender", "step")
    plan = _plan(Table(table.take("lan", dict, "a table: [lan]", {}), table.path, "lan"))
    lans = plan.lans or (tuple(range(1, plan.hosts + 1)),)
    nobody = Cast({}, {}, lans)
    members = _by_name(_member(one, nobody) for one in table.tables("member", MAXIMUM_PARTS))
    senders = _by_name(_sender(one, nobody) for one in table.tables("sender", MAXIMUM_PARTS))
    cast = Cast(members, senders, lans)
    steps = tuple(_step(one, cast) for one in table.tables("step", MAXIMUM_STEPS))
    if not steps:
        raise table.wrong("step", "there is none", "A step begins with [[step]].")
    return Scenario(
        name, table.text("title"), table.text("text", ""), table.text("scale", ""), plan, cast, steps
    )


def _plan(table: Table) -> LanPlan:
    times = [field.name for field in fields(SwitchTimes)]
    table.only("hosts", "lans", "snooping", "querier", *times)
    hosts = table.whole("hosts", 1, MAXIMUM_HOSTS, 3)
    lans = table.take("lans", list, "a list of lists of host numbers, one a LAN", [])
    numbers = range(1, hosts + 1)
    for lan in lans:
        if not isinstance(lan, list) or not all(type(host) is int and host in numbers for host in lan):
            raise table.wrong("lans", f"{lan!r} is no list of host numbers from 1 to {hosts}")
        if not lan:
            raise table.wrong("lans", "a LAN has one host at least")
    if len(lans) > MAXIMUM_LANS or (lans and set(numbers) - {host for lan in lans for host in lan}):
        raise table.wrong("lans", f"there are 1 to {MAXIMUM_LANS} LANs, and every host is on one of them")
    usual = SwitchTimes()
    chosen = {name: table.number(name, 0.1, 600, getattr(usual, name)) for name in times}
    return LanPlan(
        hosts,
        tuple(tuple(lan) for lan in lans),
        table.flag("snooping"),
        table.flag("querier"),
        SwitchTimes(**chosen),
    )


def _member(table: Table, cast: Cast) -> tuple[Table, Member]:
    table.only("name", "host", "lan", "group", "port", "source", "bind", "hears_all_groups")
    host, lan = _place(table, cast)
    group, source = table.address("group"), table.address("source")
    if group is not None and not group.is_multicast:
        raise table.wrong("group", f"{group} is no multicast group", "For example: 239.1.1.1")
    if source is not None and (group is None or source.version != group.version):
        raise table.wrong("source", "a source goes with a group of the same IP version")
    bind = table.take("bind", str, "group or any", "group")
    if bind not in {"group", "any"}:
        raise table.wrong("bind", f"{bind!r} is neither group nor any")
    member = Member(
        _name(table),
        host,
        group,
        table.whole("port", 1, 65535, parts.PORT),
        source,
        lan,
        bound_to_group=bind == "group",
        hears_all_groups=table.flag("hears_all_groups"),
    )
    return table, member


def _sender(table: Table, cast: Cast) -> tuple[Table, Sender]:
    table.only("name", "host", "lan", "to", "port", "rate", "ttl", "payload", "source_port", "source")
    host, lan = _place(table, cast)
    to = table.address("to")
    if to is None:
        raise table.wrong("to", "it is missing", "It is a group, or 255.255.255.255.")
    source = table.address("source")
    if source is not None and source.version != to.version:
        raise table.wrong("source", "a sender's source and destination are of the same IP version")
    sender = Sender(
        _name(table),
        host,
        to,
        table.whole("port", 1, 65535, parts.PORT),
        table.number("rate", 1, parts.MAXIMUM_RATE, 100.0),
        table.whole("ttl", 0, 255, 1),
        table.whole("payload", parts.SMALLEST_PAYLOAD, parts.LARGEST_PAYLOAD, 1000),
        table.whole("source_port", 0, 65535, 0),
        source,
        lan,
    )
    return table, sender


def _name(table: Table) -> str:
    name = table.text("name")
    if not parts.NAME.fullmatch(name):
        raise table.wrong("name", f"{name!r} is no name", "A small letter, then up to 19 of a-z, 0-9 and -.")
    return name


def _place(table: Table, cast: Cast) -> tuple[int, int]:
    host, lan = table.whole("host", 1, MAXIMUM_HOSTS), table.take("lan", int, "the number of a LAN", None)
    try:
        return cast.place(str(host), None if lan is None else str(lan))
    except UsageError as error:
        raise table.wrong("host", error.reason) from error


def _by_name(parts: Iterator[tuple[Table, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for table, part in parts:
        if part.name in found:
            raise table.wrong("name", f"there are two of the name {part.name}")
        found[part.name] = part
    return found


def _step(table: Table, cast: Cast) -> Step:
    table.only("title", "do", "see", "why", "reference", "expect", "patience_s")
    return Step(
        table.text("title"),
        table.sentences("do", lambda text: ORDERS.read(text, cast)),
        table.text("see", ""),
        table.text("why", ""),
        table.text("reference", ""),
        table.sentences("expect", lambda text: read_expectation(text, cast)),
        table.number("patience_s", 0.1, 600, PATIENCE_S),
    )
