"""The virtual LAN: hosts with their own network namespace, and a switch between them.

    host1 eth0 --+
    host2 eth0 --+-- br0, in a namespace of its own
    hostN eth0 --+

Host I owns 192.168.10.I/24, fd00:10::I/64, fe80::I and the name ``hostI``. No link leads out
of the lab: nothing sent inside it can reach a real interface. Nothing of it is on disk: each
namespace is that of a child process (`anchor`), and when the owner closes the lab, ends,
crashes or is killed, the children end everything that runs on the hosts, and themselves.

The owner needs the privilege to make namespaces: root's, or that of a user namespace
(`namespace.enter_private_network`). Its own threads stay where they are until they visit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self

from mcast_tui.errors import UsageError
from mcast_tui.services.lab import wiring
from mcast_tui.services.lab.host import Anchored, Host
from mcast_tui.services.lab.namespace import set_link

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import TracebackType

    from pyroute2 import IPRoute  # type: ignore[import-untyped]  # it ships no types

MAXIMUM_HOSTS = 250
"""Host numbers are the last byte of an address, and .254 is the switch."""


class Lab:
    """A LAN of `hosts` hosts, carrying packets when the constructor returns; a context manager.

    `lans` is how many Ethernets there are: eth0 on 192.168.10.0/24, eth1 on 192.168.11.0/24 and so on;
    each host is on all of them, or `attached` says, LAN by LAN, which hosts are on it. `routes` is
    what each host has for destinations off its subnets: ``multicast`` gives 224.0.0.0/4 and
    255.255.255.255, ``default`` a default route, ``none`` nothing. Without `snooping` the switch
    floods; with `querier` it also sends IGMP and MLD queries.
    Raises PermissionRefused and NetworkRefused, and then nothing is left.
    """

    def __init__(
        self,
        hosts: int = 3,
        *,
        lans: int = 1,
        attached: Sequence[Collection[int]] | None = None,
        routes: wiring.Routes = "multicast",
        snooping: bool = False,
        querier: bool = False,
        mtu: int = 1500,
    ) -> None:
        if not 1 <= hosts <= MAXIMUM_HOSTS:
            raise UsageError(f"build a LAN of {hosts} hosts", f"a LAN has 1 to {MAXIMUM_HOSTS}")
        self._mtu = mtu
        numbers = range(1, hosts + 1)
        on = [frozenset(numbers)] * lans if attached is None else [frozenset(lan) for lan in attached]
        self.lans = tuple(wiring.Lan(number) for number in range(len(on)))
        self.switch = Anchored("switch")
        self.hosts = tuple(
            Host(number, tuple(lan for lan in self.lans if number in on[lan.number])) for number in numbers
        )
        try:
            for anchored in (self.switch, *self.hosts):
                anchored.settle()
            self._wire(routes, mtu, snooping=snooping)
            self.set_querier(on=querier)
        except BaseException:
            self.close()
            raise

    def _wire(self, routes: wiring.Routes, mtu: int, *, snooping: bool) -> None:
        def lay(netlink: IPRoute) -> None:
            for lan in self.lans:
                wiring.lay_bridge(netlink, lan, mtu, snooping=snooping)
            for host in self.hosts:
                for lan in host.lans:
                    wiring.lay_cable(netlink, lan, host.number, host.pid, mtu)

        wiring.at(self.switch.place, lay)
        for host in self.hosts:
            wiring.at(
                host.place, partial(wiring.configure_host, lans=host.lans, host=host.number, routes=routes)
            )
        ports = {lan.port(host.number) for host in self.hosts for lan in host.lans}
        wiring.at(self.switch.place, partial(wiring.await_links, names=ports))
        for host in self.hosts:
            wiring.at(host.place, partial(wiring.await_links, names={lan.interface for lan in host.lans}))

    def host(self, number: int) -> Host:
        """Return host `number`, counted from 1."""
        if not 1 <= number <= len(self.hosts):
            raise IndexError(f"no host{number} in a lab of {len(self.hosts)}")
        return self.hosts[number - 1]

    def cut(self, number: int, lan: int = 0) -> None:
        """Pull the host's cable: its interface stays up and loses its carrier."""
        self._set_port(number, lan, up=False)

    def plug(self, number: int, lan: int = 0) -> None:
        """Plug the host's cable in again; it carries packets when this returns."""
        self._set_port(number, lan, up=True)
        self._await_cable(number, lan)

    def remove(self, number: int, lan: int = 0) -> None:
        """Take the host's network card out: its interface is gone."""
        wiring.at(self.host(number).place, partial(wiring.remove_interface, name=self.lans[lan].interface))

    def insert(self, number: int, lan: int = 0, *, ifindex: int | None = None) -> None:
        """Put a card in again, with the addresses it had and no routes; it carries packets when this returns.

        Its index is `ifindex`; the first free one when that is None.
        """
        chosen, host = self.lans[lan], self.host(number)

        def insert(netlink: IPRoute) -> None:
            wiring.insert_card(netlink, chosen, number, self.switch.pid, self._mtu, ifindex)

        wiring.at(host.place, insert)
        wiring.at(self.switch.place, partial(wiring.attach_port, lan=chosen, host=number))
        wiring.at(host.place, partial(wiring.configure_interface, lan=chosen, host=number))
        self._await_cable(number, lan)

    def _await_cable(self, number: int, lan: int) -> None:
        chosen, host = self.lans[lan], self.host(number)
        wiring.at(self.switch.place, partial(wiring.await_links, names={chosen.port(number)}))
        wiring.at(host.place, partial(wiring.await_links, names={chosen.interface}))

    def _set_port(self, number: int, lan: int, *, up: bool) -> None:
        with self.switch.entered():
            set_link(self.lans[lan].port(self.host(number).number), up=up)

    def set_snooping(self, *, on: bool) -> None:
        """Make the switches watch memberships, or flood."""
        self.set_bridges(br_mcast_snooping=int(on))

    def set_querier(self, *, on: bool) -> None:
        """Make the switches ask for memberships; they filter one response interval (1 s) later."""
        self.set_bridges(br_mcast_querier=int(on))

    def set_bridges(self, **options: int) -> None:
        """Set options of every switch, named as pyroute2 names those of a bridge."""

        def change(netlink: IPRoute) -> None:
            for lan in self.lans:
                index = wiring.index_of(netlink, lan.bridge)
                netlink.link("set", index=index, kind="bridge", **options)

        wiring.at(self.switch.place, change)

    def close(self) -> None:
        """Take the LAN down: every process on a host ends; again is harmless."""
        for anchored in (*self.hosts, self.switch):
            anchored.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
