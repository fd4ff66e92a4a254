"""What matters of a group although the kernel does not say it: told when joining."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from mcast_tui.wire.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.group import Group
    from mcast_tui.wire.literal import Address


@dataclass(frozen=True, slots=True)
class Caution:
    """What is to be known of a membership that is held, and what would help."""

    what: str
    remedy: str
    command: str | None = None


PERMANENT = frozenset(map(ip_address, ("224.0.0.1", "ff01::1", "ff02::1")))
"""All hosts of the link: RFC 1112 section 4, RFC 4291 section 2.7.1."""


def cautions(group: Group) -> Iterator[Caution]:
    """Yield what is known at the moment of joining to keep this group's packets away."""
    interface = group.interface
    if interface is not None and not interface.is_up:
        yield Caution(
            f"{interface.name} is down: the join is noted, and nothing arrives before it is up.",
            "Bring it up; the membership then announces itself.",
            f"sudo ip link set {shlex.quote(interface.name)} up",
        )
    elif interface is not None and not interface.has_carrier:
        yield Caution(
            f"{interface.name} has no carrier: the join is noted, and nothing arrives.",
            "Plug its cable in, or check the other end.",
        )
    if interface is not None and group.endpoint.family == 6 and not _has_ipv6(group):
        yield Caution(
            f"{interface.name} has no IPv6 address, so the kernel does not announce the join.",
            "Switch IPv6 on there.",
            f"sudo sysctl {shlex.quote(f'net/ipv6/conf/{interface.name}/disable_ipv6=0')}",
        )
    if group.endpoint.address in PERMANENT:
        yield Caution(
            f"{group.endpoint.address} is permanent: every host is a member of it, and none can leave.",
            "To leave it here only ends that we hear it.",
        )
    if group.endpoint.source is None and is_source_specific(group.endpoint.address):
        scope = scope_of(group.endpoint.address)
        yield Caution(
            f"{group.endpoint.address} is source-specific ({scope.reference}), joined without a source.",
            "Routers deliver it only to joins that name a source.",
        )


def is_source_specific(address: Address) -> bool:
    """Tell whether an address lies in a source-specific range: 232.0.0.0/8 or ff3x::/32 (RFC 4607)."""
    return address.is_multicast and scope_of(address).name.startswith("SSM")


def _has_ipv6(group: Group) -> bool:
    return group.interface is not None and any(each.version == 6 for each in group.interface.addresses)
