"""One group we take part in: its socket, its membership, and which packets are its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire.columns import Addressed, Columns, address_words, is_raw
from mcast_tui.wire.membership.source_filter import ANY_SOURCE, FilterMode, SourceFilter
from mcast_tui.wire.scope import Kind

if TYPE_CHECKING:
    from contextlib import ExitStack
    from ipaddress import IPv4Address, IPv6Address

    import numpy.typing as npt

    from mcast_tui.net.intake import Intake
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.net.membership import Membership
    from mcast_tui.services.open_ports import OpenPort
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.literal import Address


@dataclass(eq=False, slots=True)
class Group:
    """One group, broadcast address included, that we receive on one interface."""

    id: int
    """Unique in this process, from 1; 0 stands for all traffic."""
    endpoint: Endpoint
    """A single address, with the interface by name. Its source stays the one it was joined with."""
    kind: Kind
    interface: Interface | None
    """None only for the limited broadcast address on every interface."""
    port: OpenPort
    intake: Intake
    """Where its packets are read: its own socket, or the port's for broadcast."""
    membership: Membership | None
    joined_at: int
    """ns since the epoch."""
    resources: ExitStack = field(repr=False)
    former_indices: tuple[int, ...] = ()
    """Under which its interface was known before it was recreated: packets of then are the group's still."""
    shown_sources: tuple[Address, ...] | None = None
    """Whose packets are its own: those of every source it ever named, for what was shown stays. None: all."""
    _filter: SourceFilter | None = None

    @property
    def label(self) -> str:
        """The endpoint without its interface, as the sidebar shows it.

        A source that its filter lets in no longer gives way to the first that it does, or to none.
        """
        source, known = self.endpoint.source, self._filter
        if source is None or known is None or known.admits(source):
            return label_of(self.endpoint)
        sources = known.sources if known.mode is FilterMode.INCLUDE else ()
        return label_of(replace(self.endpoint, source=next(iter(sources), None)))

    @property
    def ifindex(self) -> int | None:
        return self.interface.index if self.interface else None

    @property
    def is_broadcast(self) -> bool:
        return self.membership is None

    @property
    def filter(self) -> SourceFilter | None:
        """Whom its socket hears, as the kernel said last; None for broadcast, which has no such filter.

        It is asked when somebody wants to know: ten thousand groups are joined without.
        """
        if self._filter is None and self.membership is not None:
            self._filter = self.membership.filter()
        return self._filter

    @property
    def proven_filter(self) -> SourceFilter | None:
        """The filter; of a group that was joined from any source and not changed, without asking again."""
        is_plain = self.membership is not None and self.membership.is_of_any_source
        return ANY_SOURCE if is_plain else self.filter

    @property
    def chosen_filter(self) -> SourceFilter | None:
        """The filter where the endpoint does not tell it: not any source, and not its own source alone."""
        source = self.endpoint.source
        own = (FilterMode.INCLUDE, (source,)) if source else (FilterMode.EXCLUDE, ())
        return None if self.filter in {None, SourceFilter(*own)} else self.filter

    def names(self, source: Address) -> bool:
        """Tell whether this is the group of that source: by its endpoint, or by its filter of now."""
        is_heard = self.filter is not None and self.filter.mode is FilterMode.INCLUDE
        return source == self.endpoint.source or (is_heard and self.hears(source))

    def hears(self, source: Address) -> bool:
        """Tell whether the filter lets in what `source` sends."""
        return self.filter is None or self.filter.admits(source)

    def take_filter(self, read: SourceFilter | None, *, is_new: bool = False) -> None:
        """Keep what the kernel said; whom it named stays among those whose packets are shown."""
        if read is None or read.mode is FilterMode.EXCLUDE:
            self.shown_sources = None
        elif is_new:
            self.shown_sources = read.sources
        elif self.shown_sources is not None:
            self.shown_sources = tuple(dict.fromkeys((*self.shown_sources, *read.sources)))
        self._filter = read

    def forget_filter(self) -> None:
        """Ask the kernel anew when somebody wants to know whom its socket hears: it was joined again."""
        self._filter = None

    def selects(self, columns: Columns) -> npt.NDArray[np.bool_]:
        """Return which rows are this group's: by header destination, port or protocol, interface and source.

        Needs the columns in `SELECTED_BY`. A broadcast group takes every kind of broadcast to its
        port when it is the limited address, else exactly its own address.
        """
        protocol = self.endpoint.protocol
        chosen: npt.NDArray[np.bool_] = is_raw(columns) == (protocol is not None)
        chosen &= columns["destination_port"] == (self.endpoint.port if protocol is None else protocol)
        if self.kind is Kind.LIMITED_BROADCAST:
            chosen &= columns["addressed"] == Addressed.BROADCAST
        else:
            chosen &= _equals(columns["destination"], self.endpoint.address)
        if self.interface is not None:
            arrived_here = columns["ifindex"] == self.interface.index
            for index in self.former_indices:
                arrived_here |= columns["ifindex"] == index
            chosen &= arrived_here
        if self.shown_sources is not None:
            shown = [_equals(columns["source"], source) for source in self.shown_sources]
            chosen &= np.logical_or.reduce(shown) if shown else False
        return chosen


SELECTED_BY = ("destination", "destination_port", "ifindex", "source", "addressed", "flags")
"""The columns `Group.selects` looks at."""


def _equals(words: npt.NDArray[np.uint64], address: IPv4Address | IPv6Address) -> npt.NDArray[np.bool_]:
    high, low = address_words(address)
    same: npt.NDArray[np.bool_] = (words[:, 1] == low) & (words[:, 0] == high)
    return same


def label_of(endpoint: Endpoint) -> str:
    """Return the endpoint without its interface."""
    return str(replace(endpoint, interface=None))
