"""What can be done to a LAN while it runs, as values: a lesson's lines and an app's keys become these.

`Pause` beside them is nothing that is done: whoever plays a lesson waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.live_lan import LiveLan
    from mcast_tui.services.lab.classroom.parts import Member, Sender


class Action(Protocol):
    """One thing to do."""

    @property
    def words(self) -> str:
        """What is done, as a phrase a learner reads."""

    def perform(self, lan: LiveLan) -> None:
        """Do it; blocks for milliseconds. Raises McastError."""


@dataclass(frozen=True, slots=True)
class Join:
    """A member joins."""

    member: Member

    @property
    def words(self) -> str:
        member = self.member
        verb = "joins" if member.group is not None else "listens to"
        return f"{member.name}, on host {member.host}, {verb} {member.words}{on_lan(member.lan)}"

    def perform(self, lan: LiveLan) -> None:
        lan.join(self.member)


@dataclass(frozen=True, slots=True)
class Leave:
    """A member leaves."""

    name: str

    @property
    def words(self) -> str:
        return f"{self.name} leaves"

    def perform(self, lan: LiveLan) -> None:
        lan.leave(self.name)


@dataclass(frozen=True, slots=True)
class Start:
    """A sender starts."""

    sender: Sender

    @property
    def words(self) -> str:
        sender = self.sender
        return f"{sender.name}, on host {sender.host}, sends{on_lan(sender.lan)} to {sender.words}"

    def perform(self, lan: LiveLan) -> None:
        lan.start(self.sender)


@dataclass(frozen=True, slots=True)
class Stop:
    """A sender stops."""

    name: str

    @property
    def words(self) -> str:
        return f"{self.name} stops sending"

    def perform(self, lan: LiveLan) -> None:
        lan.stop(self.name)


@dataclass(frozen=True, slots=True)
class Cut:
    """A cable is pulled."""

    host: int
    lan: int = 0

    @property
    def words(self) -> str:
        return f"the cable of host {self.host}{on_lan(self.lan)} is pulled"

    def perform(self, lan: LiveLan) -> None:
        lan.cut(self.host, self.lan)


@dataclass(frozen=True, slots=True)
class Plug:
    """A cable is plugged in again."""

    host: int
    lan: int = 0

    @property
    def words(self) -> str:
        return f"the cable of host {self.host}{on_lan(self.lan)} is plugged in"

    def perform(self, lan: LiveLan) -> None:
        lan.plug(self.host, self.lan)


@dataclass(frozen=True, slots=True)
class Lose:
    """The switch loses packets to a host; 0 % ends it."""

    host: int
    percent: int
    lan: int = 0

    @property
    def words(self) -> str:
        return f"the switch loses {self.percent} % of what it sends to host {self.host}{on_lan(self.lan)}"

    def perform(self, lan: LiveLan) -> None:
        lan.lose(self.host, self.percent, self.lan)


@dataclass(frozen=True, slots=True)
class SetSnooping:
    """The switches learn members, or flood."""

    on: bool

    @property
    def words(self) -> str:
        return "the switch snoops: it learns members" if self.on else "the switch snoops no more: it floods"

    def perform(self, lan: LiveLan) -> None:
        lan.set_snooping(on=self.on)


@dataclass(frozen=True, slots=True)
class SetQuerier:
    """The switches ask for members themselves, or do not."""

    on: bool
    version: int = 3

    @property
    def words(self) -> str:
        return f"the switch queries with IGMPv{self.version}" if self.on else "the switch queries no more"

    def perform(self, lan: LiveLan) -> None:
        lan.set_switch_querier(on=self.on, version=self.version)


@dataclass(frozen=True, slots=True)
class Ask:
    """A host becomes an IGMP querier, as a router is."""

    host: int
    version: int = 3
    interval_s: float = 1.0
    response_s: float = 0.5
    lan: int = 0

    @property
    def words(self) -> str:
        how = f"IGMPv{self.version} every {self.interval_s:g} s"
        return f"host {self.host} becomes the querier{on_lan(self.lan)}: {how}"

    def perform(self, lan: LiveLan) -> None:
        lan.ask(
            self.host,
            version=self.version,
            interval_s=self.interval_s,
            response_s=self.response_s,
            lan=self.lan,
        )


@dataclass(frozen=True, slots=True)
class StopAsking:
    """A host queries no more."""

    host: int

    @property
    def words(self) -> str:
        return f"host {self.host} queries no more"

    def perform(self, lan: LiveLan) -> None:
        lan.stop_asking(self.host)


@dataclass(frozen=True, slots=True)
class Route:
    """A host becomes a multicast router between its LANs."""

    host: int
    boundaries: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        but = f", but not {', '.join(self.boundaries)}" if self.boundaries else ""
        return f"host {self.host} forwards multicast between its LANs{but}"

    def perform(self, lan: LiveLan) -> None:
        lan.route(self.host, self.boundaries)


@dataclass(frozen=True, slots=True)
class StopRouting:
    """A host forwards nothing more."""

    host: int

    @property
    def words(self) -> str:
        return f"host {self.host} forwards nothing more"

    def perform(self, lan: LiveLan) -> None:
        lan.stop_routing(self.host)


@dataclass(frozen=True, slots=True)
class SetIgmpVersion:
    """A host speaks a fixed version of IGMP."""

    host: int
    version: int
    """0: what the querier speaks."""
    lan: int = 0

    @property
    def words(self) -> str:
        spoken = f"IGMPv{self.version}" if self.version else "what the querier speaks"
        return f"host {self.host} speaks {spoken}{on_lan(self.lan)}"

    def perform(self, lan: LiveLan) -> None:
        lan.set_igmp_version(self.host, self.version, self.lan)


@dataclass(frozen=True, slots=True)
class SetReversePathFilter:
    """The reverse path filter of an interface: 0 off, 1 strict, 2 loose."""

    host: int
    mode: int
    lan: int = 0

    @property
    def words(self) -> str:
        name = ("off", "strict", "loose")[self.mode]
        return f"rp_filter of host {self.host}{on_lan(self.lan)} is {self.mode}, {name}"

    def perform(self, lan: LiveLan) -> None:
        lan.set_rp_filter(self.host, self.mode, self.lan)


@dataclass(frozen=True, slots=True)
class Pause:
    """Time passes, and nothing changes by it."""

    seconds: float

    @property
    def words(self) -> str:
        return f"{self.seconds:g} s pass"


def on_lan(lan: int) -> str:
    """Return the words for a LAN that is not the first."""
    return f" on LAN {lan}" if lan else ""
