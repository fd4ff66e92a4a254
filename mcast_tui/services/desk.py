"""What the person has in front of him: the selected group, how he sends to it, whom he replies to.

One selection drives everything: the log's scope, the peers, the chat and where a line goes.
This keeps it and works out the target from it; it draws, joins and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.net.interfaces import name_by_index, preferred_interface, resolve_interface, typeable
from mcast_tui.net.sender import SendOptions
from mcast_tui.services.target import Target
from mcast_tui.wire.address import DEFAULT_PORT, Endpoint, Kind, classify
from mcast_tui.wire.place import Place

if TYPE_CHECKING:
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.group import Group
    from mcast_tui.services.node import Node
    from mcast_tui.wire.address import Address
    from mcast_tui.wire.columns import Packet

LAN_CHAT = Endpoint(IPv4Address("224.1.0.1"))
"""The tutorial's group; also what the choice of an interface is tried with."""

ALL_TRAFFIC, ON_THE_WIRE = 0, -1
"""What can be selected and is no group: everything received, and what a tap sees pass."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What the person had in front of him when he asked for something; it may be done much later."""

    group: Group | None
    reply_to: Endpoint | None


class Desk:
    """The person's choices over one `Node`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._options: dict[int, SendOptions] = {}
        self._interface: str | None = None
        self.selected: Group | None = None
        """None stands for all traffic, or for the wire."""
        self.is_on_wire = False
        """Whether what a tap sees is selected, in place of what is received."""
        self.reply_to: Endpoint | None = None
        self.last_left: Place | None = None

    # -- the selection -------------------------------------------------------------------

    @property
    def selected_id(self) -> int:
        if self.is_on_wire:
            return ON_THE_WIRE
        return self.selected.id if self.selected else ALL_TRAFFIC

    def select(self, group: Group | None) -> None:
        self.selected = group
        self.is_on_wire = False
        self.reply_to = None

    def select_wire(self) -> None:
        """Select what passes the interfaces; nothing can be sent there."""
        self.select(None)
        self.is_on_wire = True

    def select_id(self, number: int) -> None:
        """Select the group of this id, or what one of the other numbers stands for."""
        if number == ON_THE_WIRE:
            self.select_wire()
        else:
            self.select(self._node.groups.by_id(number))

    def aim(self) -> Aim:
        """Return what a request made now is about, whatever will be selected when it is carried out."""
        return Aim(self.selected, self.reply_to)

    def need_group(self, attempted: str, aim: Aim) -> Group:
        """Return the group aimed at; raise `UsageError` when it was all traffic, or was left meanwhile."""
        if aim.group is None:
            raise UsageError(
                attempted,
                "no group is selected",
                remedy="Select one in the sidebar, or join one with /join.",
            )
        if self._node.groups.by_id(aim.group.id) is None:
            raise UsageError(attempted, f"{aim.group.label} was left meanwhile")
        return aim.group

    def neighbour(self, step: int) -> int:
        """Return the id `step` places on in the list, all traffic being its first entry; it goes round."""
        entries = [ALL_TRAFFIC, *([ON_THE_WIRE] if self.has_wire else []), *self._node.groups.ids()]
        here = entries.index(self.selected_id) if self.selected_id in entries else 0
        return entries[(here + step) % len(entries)]

    @property
    def has_wire(self) -> bool:
        """Whether somebody asked for the tap, so that it can be selected though it may be refused."""
        return self._node.memberships.has_tap

    def next_unread(self) -> Group | None:
        """Return the next group with unread lines, from the selected one on; None when there is none."""
        groups = list(self._node.groups)
        here = groups.index(self.selected) + 1 if self.selected in groups else 0
        order = groups[here:] + groups[:here]
        return next((group for group in order if self._node.chat.unread(group.id)), None)

    # -- the interface -------------------------------------------------------------------

    @property
    def join_interface(self) -> Interface | None:
        """The interface a join would use: the chosen one, else the one that owns the route."""
        interfaces = self._node.interfaces
        chosen = self._interface or self._node.settings.interface
        if chosen is not None:
            return next((each for each in interfaces if chosen in {each.name, str(each.index)}), None)
        return preferred_interface(interfaces, LAN_CHAT.family)

    def choose_interface(self, text: str) -> Interface:
        """Join by this interface from now on; raises `McastError` when there is no such."""
        interface = resolve_interface(text, self._node.interfaces)
        self._interface = interface.name
        return interface

    def next_interface(self) -> Interface | None:
        """Choose the next interface that is up; None when there is none."""
        usable = [each for each in self._node.interfaces if each.is_up and each.addresses]
        if not usable:
            return None
        here = self.join_interface
        at = usable.index(here) + 1 if here in usable else 0
        return self.choose_interface(usable[at % len(usable)].name)

    def placed(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint on the chosen interface, if it names none and one was chosen."""
        if endpoint.interface is None and self._interface is not None and not endpoint.is_limited_broadcast:
            return replace(endpoint, interface=self._interface)
        return endpoint

    # -- sending -------------------------------------------------------------------------

    @property
    def default_port(self) -> int:
        """The port of an address written without one."""
        return (self.selected.endpoint.port if self.selected else 0) or DEFAULT_PORT  # raw IP: 0

    def options(self, group: Group | None) -> SendOptions:
        """Return how the group is sent to; None: how anything else is."""
        settings = self._node.settings
        ready = SendOptions(hop_limit=settings.hop_limit, loop=settings.loop)
        return ready if group is None else self._options.get(group.id, ready)

    def set_options(self, group: Group, options: SendOptions) -> None:
        self._options[group.id] = options

    def reply_to_packet(self, packet: Packet) -> None:
        """Make the sender of this packet the target of the next line."""
        self.reply_to = self.endpoint_of(packet.source, packet.source_port, packet.ifindex, packet.protocol)

    def endpoint_of(
        self, address: Address, port: int | None, ifindex: int | None, protocol: int | None = None
    ) -> Endpoint:
        """Return where to answer somebody heard on that interface: it matters for a link-local address.

        It can be typed as it is written.
        """
        interface = self._interface_word(ifindex) if address.is_link_local else None
        return Endpoint(address, port or 0, interface, protocol=protocol)

    def target(self, aim: Aim | None = None) -> Target | None:
        """Return where a line aimed so (None: one entered now) goes; None when it would go nowhere."""
        aim = aim or self.aim()
        if aim.reply_to is not None:
            return self.target_of(aim.reply_to, SendOptions())
        if aim.group is None:
            return None
        return self.target_of(aim.group.endpoint, self.options(aim.group), aim.group)

    def target_of(self, destination: Endpoint, options: SendOptions, group: Group | None = None) -> Target:
        """Return what is known of sending there."""
        interface = self._interface_towards(destination, options)
        return Target(
            destination,
            group.kind if group else self.kind_of(destination),
            options,
            interface.name if interface else None,
            interface.mtu if interface else None,
            is_reply=group is None,
        )

    def kind_of(self, destination: Endpoint) -> Kind:
        networks = [network for each in self._node.interfaces for network in each.networks]
        return classify(destination.address, networks)

    def forget(self, group: Group) -> None:
        """Drop what was chosen for a group that was left, but for the way back."""
        options = self.options(group)
        self._options.pop(group.id, None)
        admission = group.intake.admission
        self.last_left = Place(
            group.endpoint,
            ranges=admission.networks,
            source_port=admission.source_port,
            hop_limit=options.hop_limit,
            loop=options.loop,
            outgoing=None if options.ifindex is None else str(options.ifindex),
            traffic_class=options.traffic_class,
            sources=group.chosen_filter,
        )

    def _interface_towards(self, destination: Endpoint, options: SendOptions) -> Interface | None:
        if options.ifindex is not None:
            return next((each for each in self._node.interfaces if each.index == options.ifindex), None)
        if not destination.interface:
            return None
        try:
            return resolve_interface(destination.interface, self._node.interfaces)
        except UsageError:  # it is gone, and a line to it will be refused
            return None

    def _interface_word(self, ifindex: int | None) -> str | None:
        name = name_by_index(self._node.interfaces, ifindex)
        return None if name is None or ifindex is None else typeable(name, ifindex)
