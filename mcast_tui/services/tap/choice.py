"""Which interfaces a tap is to be on: those a user named, or all that are worth it; also what comes later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, NetworkRefused
from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.packet_socket import tappable
from mcast_tui.net.tap import MOST_INTERFACES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.net.tap import Tap

LOOK_S = 1.0
"""How often it is looked for interfaces that have come: two dumps by netlink."""


def choose_interfaces(names: Sequence[str]) -> tuple[Interface, ...]:
    """Return the interfaces a user named, or all that are up and can multicast, which may be none.

    Raises `McastError` where one that is named cannot be had.
    """
    return _wanted(names)[:MOST_INTERFACES]


def _wanted(names: Sequence[str]) -> tuple[Interface, ...]:
    known = list_interfaces()
    if not names:
        return tappable(known)
    found = {each.index: each for each in (resolve_interface(name, known) for name in names)}
    if len(found) > MOST_INTERFACES:
        raise NetworkRefused("tap that many interfaces", f"{MOST_INTERFACES} are the most at once")
    return tuple(found.values())


def follow_interfaces(tap: Tap, names: Sequence[str]) -> McastError | None:
    """Tap what was to be tapped and has come since; return what hinders, None where nothing does."""
    try:
        wanted = _wanted(names)
        tap.follow(wanted[:MOST_INTERFACES])
    except McastError as error:
        return error
    if len(wanted) > MOST_INTERFACES:
        reason = f"{MOST_INTERFACES} of {len(wanted)} are, which are the most at once"
        return NetworkRefused("tap all interfaces", reason, remedy="Name those you mean.")
    return None if wanted else refuse_none()


def refuse_none() -> NetworkRefused:
    """Say that there is nothing to tap."""
    return NetworkRefused(
        "tap an interface",
        "none is up and able to multicast",
        remedy="Name one, or switch one on.",
        command="ip -brief link",
    )
