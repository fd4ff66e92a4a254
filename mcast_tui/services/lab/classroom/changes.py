"""What became different on the LAN between two pictures, in words: what the switch decided, what kernels did.

Pure. Only what the kernels tell is told; who asked for it is told by whoever asked. The groups of IPv6
itself are left out: they come and go with the interfaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui import human
from mcast_tui.services.lab.classroom.switch_state import is_own_use, port_number
from mcast_tui.services.notice import Level, Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.classroom.picture import HostState, Picture
    from mcast_tui.services.lab.classroom.switch_state import SwitchState
    from mcast_tui.wire.literal import Address

MOST = 20
"""Changes told of one picture: more than that is a flood that nobody reads."""


def changes(before: Picture, now: Picture) -> list[Notice]:
    """Return what to tell, the switches first; nothing of what was there from the beginning."""
    told = [*_switches(before, now), *_hosts(before, now)]
    if len(told) > MOST:
        told[MOST:] = [Notice(Level.DONE, f"and {len(told) - MOST} more changes at once")]
    return told


def _switches(before: Picture, now: Picture) -> Iterator[Notice]:
    several = len(now.switches) > 1
    for old, new in zip(before.switches, now.switches, strict=True):
        name = f"switch br{new.lan}" if several else "switch"
        listed, was_listed = _listed(new), _listed(old)
        for entry in sorted(listed - was_listed, key=str):
            yield Notice(Level.DONE, f"{name}: lists {_words(entry)}")
        for entry in sorted(was_listed - listed, key=str):
            yield _unlisted(name, entry, now, new.lan)
        yield from _querier(name, old, new)


Listed = tuple["Address", "Address | None", str]
"""Group, source and port of an entry."""


def _listed(switch: SwitchState) -> set[Listed]:
    return {(one.group, one.source, one.port) for one in switch.entries if not is_own_use(one.group)}


def _unlisted(name: str, entry: Listed, now: Picture, lan: int) -> Notice:
    """Tell that an entry went: what there is to worry about is a member that stays."""
    group, _, port = entry
    what = f"{name}: forgets {_words(entry)}"
    number = port_number(port)
    if number.isdigit() and now.host(int(number)).users(group, f"eth{lan}"):
        return Notice(Level.WARNING, f"{what}, but host{number} is a member")
    return Notice(Level.DONE, what)


def _words(entry: Listed) -> str:
    group, source, port = entry
    return f"({'*' if source is None else source},{group}) at port {port_number(port)}"


def _querier(name: str, old: SwitchState, new: SwitchState) -> Iterator[Notice]:
    if old.querier_address == new.querier_address:
        return
    if new.querier_address is None:
        yield Notice(Level.WARNING, f"{name}: the querier {old.querier_address} counts as gone")
    else:
        where = f" at port {port_number(new.querier_port)}" if new.querier_port else ", which is itself"
        yield Notice(Level.DONE, f"{name}: the querier is {new.querier_address}{where}")


def _hosts(before: Picture, now: Picture) -> Iterator[Notice]:
    for old, new in zip(before.hosts, now.hosts, strict=True):
        users, earlier = _users(new), _users(old)
        for key in sorted(users.keys() | earlier.keys(), key=str):
            count, was = users.get(key, 0), earlier.get(key, 0)
            if count != was:
                group, interface = key
                where = f"{group} on {interface}"
                if not was:
                    what = f"is a member of {where}"
                elif not count:
                    what = f"has left {where}"
                else:
                    what = f"counts {human.counted(count, 'user')} of {where}, {was} before"
                yield Notice(Level.DONE, f"host{new.number}: its kernel {what}")


def _users(host: HostState) -> dict[tuple[Address, str], int]:
    return {(row.group, row.interface): row.users for row in host.memberships if not is_own_use(row.group)}
