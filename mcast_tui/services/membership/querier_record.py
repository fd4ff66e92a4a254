"""One querier, and what its own general queries say of when the next is due and what depends on it."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import TYPE_CHECKING

from mcast_tui.services.membership.facts import QuerierFacts

if TYPE_CHECKING:
    from ipaddress import IPv4Interface, IPv6Interface

    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import Heard, Query

SECOND = 1_000_000_000
"""In nanoseconds."""

ROBUSTNESS, INTERVAL_S, RESPONSE_S = 2, 125.0, 10.0
"""The defaults of RFC 3376 sections 8.1 to 8.3 and RFC 3810 sections 9.1 to 9.3."""
MEMBERSHIP_S = ROBUSTNESS * INTERVAL_S + RESPONSE_S
"""How long a member that nobody hears is remembered by default: 260 s."""

_GAPS_KEPT, _GAPS_NEEDED = 5, 3
"""A querier that starts asks a few times at a quarter of its interval (RFC 3376 section 8.6), and one query
may be lost: of this many gaps the one in the middle is neither."""
_SHORTEST_S = 1.0
"""No querier can announce less, and a flood of queries is no interval."""
_LEAST_MARGIN_S = 2.0
"""We are told of queries and look at the clock once a second each: less than two is not late."""


class QuerierRecord:
    """What one address on one link said in its general queries."""

    def __init__(
        self, heard: Heard, query: Query, networks: tuple[IPv4Interface | IPv6Interface, ...]
    ) -> None:
        self.ifindex, self.address = heard.ifindex, heard.source
        self.first_heard_at = self.last_heard_at = heard.received_at
        self.mac, self.query = heard.source_mac, query
        self.is_off_subnet: bool | None = None
        self.doubt: str | None = None
        """Why hosts may not believe it, for its address; None: nothing is known to speak against it."""
        self.is_doubt_told = False
        self.compare(networks)
        self.is_lost = False
        """It was found overdue, and that was told."""
        self.is_stubborn = False
        """It asks on although one that wins the election was heard meanwhile, and that was told."""
        self._gaps_s: deque[float] = deque(maxlen=_GAPS_KEPT)

    def compare(self, networks: tuple[IPv4Interface | IPv6Interface, ...]) -> None:
        """Find out whether its address is in the interface's networks."""
        self.is_off_subnet = _is_off_subnet(self.address, networks)
        self.doubt = None
        if self.is_off_subnet:
            self.doubt = "its address is in none of this interface's networks"
        elif _is_no_host(self.address, networks):
            self.doubt = "no host has its address, the first or last of a network (RFC 1122 section 3.2.1.3)"

    def hear(self, heard: Heard, query: Query) -> None:
        """Take in a further general query."""
        if self.is_lost:
            self._gaps_s.clear()  # it was not asking all the time
        else:
            self._gaps_s.append(max(_SHORTEST_S, (heard.received_at - self.last_heard_at) / SECOND))
        self.last_heard_at, self.mac, self.query = heard.received_at, heard.source_mac, query
        self.is_lost = False

    @property
    def interval(self) -> tuple[float, str]:
        """Seconds between its general queries, and how that is known."""
        if self.query.interval_s:
            return float(self.query.interval_s), "announced (QQIC)"
        if len(self._gaps_s) >= _GAPS_NEEDED:
            return median(self._gaps_s), "measured"
        return INTERVAL_S, "RFC default"

    @property
    def robustness(self) -> int:
        return self.query.robustness or ROBUSTNESS

    @property
    def max_response_s(self) -> float:
        return RESPONSE_S if self.query.max_response_s is None else self.query.max_response_s

    @property
    def other_querier_present_s(self) -> float:
        """How long another querier waits before it takes over: RFC 3376 section 8.5, RFC 3810 section 9.5."""
        return self.robustness * self.interval[0] + self.max_response_s / 2

    @property
    def answered_within(self) -> int:
        """How long after a query its answers have come, and were told to us, in ns."""
        return round((self.max_response_s + _LEAST_MARGIN_S) * SECOND)

    def overdue_at(self, awake_since: int) -> int:
        """Return when its silence is more than lateness; what was before `awake_since` does not count.

        It is given as long as members have to answer, which is far more than a timer is late. A member that
        answered at once is remembered from then on for `robustness` intervals and one response: of what is
        left of that after the query was due, at most half is waited, so that the alarm comes before the end.
        """
        interval_s, _ = self.interval
        left_s = (self.robustness - 1) * interval_s + self.max_response_s
        margin_s = min(max(min(self.max_response_s, interval_s), _LEAST_MARGIN_S), left_s / 2)
        return max(self.last_heard_at, awake_since) + round((interval_s + margin_s) * SECOND)

    def facts(self, *, is_elected: bool) -> QuerierFacts:
        """Return what is known of it, as a value to show."""
        interval_s, origin = self.interval
        return QuerierFacts(
            ifindex=self.ifindex,
            family=self.address.version,
            address=self.address,
            mac=self.mac,
            protocol=self.query.protocol,
            first_heard_at=self.first_heard_at,
            last_heard_at=self.last_heard_at,
            interval_s=interval_s,
            interval_origin=origin,
            robustness=self.robustness,
            max_response_s=self.max_response_s,
            is_elected=is_elected,
            is_off_subnet=self.is_off_subnet,
            is_robustness_told=self.query.robustness is not None,
            is_response_told=self.query.max_response_s is not None,
        )


def election_rank(address: Address) -> tuple[bool, int]:
    """Return what the lowest of wins the election: RFC 3376 section 6.6.2, RFC 3810 section 7.6.2.

    0.0.0.0 is numerically the lowest and wins against nobody: it is a switch that asks without an address of
    its own (RFC 4541 section 2.1.1), and yields to whoever has one.
    """
    return address.is_unspecified, int(address)


def _is_no_host(address: Address, networks: tuple[IPv4Interface | IPv6Interface, ...]) -> bool:
    """Whether it stands for a network, or for all hosts in it, where a prefix leaves room for both."""
    of_hosts = (each.network for each in networks if each.version == 4 and each.network.prefixlen < 31)
    return any(address in {network.network_address, network.broadcast_address} for network in of_hosts)


def _is_off_subnet(address: Address, networks: tuple[IPv4Interface | IPv6Interface, ...]) -> bool | None:
    same_family = [each.network for each in networks if each.version == address.version]
    if address.is_unspecified or address.is_link_local or not same_family:
        return None
    return not any(address in network for network in same_family)
