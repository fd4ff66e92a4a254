"""What became of an interface between two looks at it, in words, and whether memberships must be renewed.

Pure: compares values. Of what was undone between the looks only the kernel's news tell.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.net.link_monitor import LinkChanged, LinkGone
from mcast_tui.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.net.link_monitor import News


@dataclass(frozen=True, slots=True)
class LinkChange:
    """One thing that became of an interface."""

    text: str
    origin: str
    """The netlink message that told it, or the dump that showed it."""
    renews: bool = False
    """Whether memberships on it may be gone, or forgotten by a switch, and are to be joined anew."""


@dataclass(frozen=True, slots=True)
class Impairment:
    """Why groups on an interface cannot do their work, and what would help."""

    hindered: str
    """What the groups named after it are kept from: ``receive``."""
    reason: str
    remedy: str
    command: str | None = None
    family: int | None = None
    """4 or 6: only groups of this IP version; None: all."""


def was_deleted(index: int, news: Sequence[News]) -> bool:
    """Tell whether the news say that the interface of this index was deleted, whatever has it now."""
    return any(isinstance(each, LinkGone) and each.index == index for each in news)


def changes(
    was: Interface, now: Interface | None, news: Sequence[News], *, is_another: bool, is_polled: bool
) -> list[LinkChange]:
    """Return what became of it, in an order that makes sense; `is_another`: `now` has only its name."""
    origin = "RTM_GETLINK" if is_polled else "RTM_NEWLINK"
    if now is None:
        return [LinkChange("gone, and its memberships with it", origin if is_polled else "RTM_DELLINK")]
    if is_another:
        same = now.index == was.index
        under = f"the same index {now.index}" if same else f"index {now.index}, formerly {was.index}"
        state = "" if now.is_up else ", and down"
        return [LinkChange(f"deleted and back under {under}{state}", origin, renews=True)]
    return [*_link_changes(was, now, news, origin), *_address_changes(was, now, is_polled=is_polled)]


def _link_changes(was: Interface, now: Interface, news: Sequence[News], origin: str) -> Iterator[LinkChange]:
    if now.name != was.name:
        yield LinkChange(f"renamed, formerly {safe_text(was.name)}", origin)
    if now.is_up != was.is_up:
        yield LinkChange("up" if now.is_up else "down: memberships are kept", origin)
    if now.has_carrier and not was.has_carrier:
        yield LinkChange("carrier is back", origin, renews=True)
    elif was.has_carrier and not now.has_carrier:
        if now.is_up:
            yield LinkChange("no carrier: memberships are kept, what is sent is lost", origin)
    elif now.has_carrier and any(
        isinstance(each, LinkChanged) and each.index == now.index and not each.has_carrier for each in news
    ):
        yield LinkChange("carrier was lost for a moment", origin, renews=True)


def _address_changes(was: Interface, now: Interface, *, is_polled: bool) -> Iterator[LinkChange]:
    for address in was.addresses:
        if address not in now.addresses:
            yield LinkChange(f"address {address} removed", "RTM_GETADDR" if is_polled else "RTM_DELADDR")
    for address in now.addresses:
        if address not in was.addresses:
            yield LinkChange(f"address {address} added", "RTM_GETADDR" if is_polled else "RTM_NEWADDR")


def impairment(was: Interface, now: Interface | None) -> Impairment | None:
    """Return what keeps groups on it from their work now and did not before; None when nothing does."""
    if now is None:
        return Impairment(
            "receive",
            f"{was.name} is gone",
            "They are joined again when an interface of that name is back.",
            "ip -brief link",
        )
    name = now.name
    if was.is_up and not now.is_up:
        return Impairment(
            "receive",
            f"{name} is down",
            "Bring it up; they come back with it.",
            f"sudo ip link set {shlex.quote(name)} up",
        )
    if was.has_carrier and now.is_up and not now.has_carrier:
        return Impairment("receive", f"{name} has no carrier", "Plug its cable in, or check the other end.")
    for family in (4, 6):
        if now.is_up and _has(was, family) and not _has(now, family):
            return _addressless(name, family)
    return None


def _addressless(name: str, family: int) -> Impairment:
    if family == 4:
        return Impairment(
            "give an address to what is sent to",
            f"{name} has no IPv4 address any more: it leaves from 0.0.0.0",
            "Give it one; receiving groups goes on meanwhile.",
            f"sudo ip address add ADDRESS/24 dev {shlex.quote(name)}",
            family,
        )
    return Impairment(
        "send to, or announce,",
        f"{name} has no IPv6 address any more",
        "Switch IPv6 on there.",
        f"sudo sysctl {shlex.quote(f'net/ipv6/conf/{name}/disable_ipv6=0')}",
        family,
    )


def no_broadcast_address(name: str) -> Impairment:
    """Return why a broadcast group is deaf when the addresses of its interface are others than they were."""
    return Impairment(
        "receive",
        f"it is not the broadcast address of {name} any more",
        f"Join that of its network now, or broadcast%{name}.",
        "ip -brief address",
    )


def _has(interface: Interface, family: int) -> bool:
    return any(address.version == family for address in interface.addresses)
