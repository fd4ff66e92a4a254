"""Memberships that heal: what becomes of groups when their interface changes, goes, or comes back.

What the kernel does by itself was measured (Linux 6.18): a membership survives a pulled cable, an interface
that is down, another name and other addresses; it does not survive that the interface is deleted. After a
cable is plugged in again IPv4 memberships are not announced, nor IPv6 ones of chosen sources, so a switch
that forgot them meanwhile stays deaf. So: when an interface has its carrier back, or is there again, under
whichever index, every group on it is left and joined anew, and what the kernel's tables then say is told. No
route is needed, and nothing waits. Of what then does not arrive the switch port may have lost the reports: it
is announced some more times.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, NetworkRefused
from mcast_tui.net import kernel
from mcast_tui.net.link_monitor import Overrun
from mcast_tui.services.kernel_views import read_views
from mcast_tui.services.membership.facts import TimelineEntry, What
from mcast_tui.services.membership.link_changes import (
    changes,
    impairment,
    no_broadcast_address,
    was_deleted,
)
from mcast_tui.services.placement import broadcasts_to
from mcast_tui.wire.scope import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.net.kernel import KernelView, MembershipTables
    from mcast_tui.net.link_monitor import News
    from mcast_tui.services.group import Group
    from mcast_tui.services.groups import Groups
    from mcast_tui.services.membership.announcing import Announcer
    from mcast_tui.services.membership.link_changes import Impairment
    from mcast_tui.services.membership.timeline import Timeline
    from mcast_tui.wire.literal import Address

TOLD_SINGLY = 20
"""Groups that are healed together and told each; of more only how many they are, or they would be all there
is on the timeline."""
SUSPENDED_S = 1.0
"""How far the clock that counts suspended time gains on the one that does not, when the machine slept."""
REMEMBERED = 64
"""Interfaces that went and may come back; a host that makes containers all day has no end of them."""


class Healer:
    """Keeps the groups true to how the interfaces are.

    What it finds goes on the timeline; `impaired` is called with groups that cannot do their work, and why,
    when that begins.
    """

    def __init__(
        self,
        groups: Groups,
        timeline: Timeline,
        impaired: Callable[[tuple[Group, ...], McastError], None],
        announcer: Announcer,
    ) -> None:
        self._groups = groups
        self._announcer = announcer
        self._timeline = timeline
        self._impaired = impaired
        self._known: dict[int, Interface] = {}
        self._gone: dict[int, Interface] = {}
        self._suspended_s: float | None = None
        self._stranded: set[Group] = set()
        self.moved: dict[int, int] = {}
        """Former index -> index, of interfaces that were deleted and came back as another."""
        self.unhealed: dict[Group, McastError] = {}
        """Groups that could not be joined again, and why; tried again whenever something changes."""

    def begin(self, interfaces: Iterable[Interface]) -> None:
        """Take note of how the interfaces are while nothing is wrong."""
        self._known = {interface.index: interface for interface in interfaces}

    # -- something changed ---------------------------------------------------------------

    def take(self, news: Sequence[News], interfaces: Iterable[Interface], *, is_polled: bool = False) -> None:
        """Heal what changed: `news` as the kernel told it, `interfaces` as they are now.

        Polled, there is no news, and what went and came back alike is not noticed here: see `verify`.
        """
        before, now = self._known, {interface.index: interface for interface in interfaces}
        self._known = now
        self.unhealed = {group: why for group, why in self.unhealed.items() if self._is_joined(group)}
        self._stranded = {group for group in self._stranded if self._is_joined(group)}
        to_renew = set(self.unhealed)
        if any(isinstance(each, Overrun) for each in news):
            to_renew.update(self._groups)  # nobody can say what happened
        for index, groups in self._by_interface().items():
            was = before.get(index) or self._gone.get(index) or groups[0].interface
            if was is not None and self._follow(was, self._successor(was, news), groups, news, is_polled):
                to_renew.update(groups)
        self._remember(before, now, news)
        self._renew(sorted(to_renew, key=lambda group: group.id))

    def _is_joined(self, group: Group) -> bool:
        return self._groups.by_id(group.id) is group

    def _by_interface(self) -> dict[int, list[Group]]:
        found: dict[int, list[Group]] = {}
        for group in self._groups:
            if group.interface is not None:
                found.setdefault(group.interface.index, []).append(group)
        return found

    def _successor(self, was: Interface, news: Sequence[News]) -> Interface | None:
        """Return the interface as it is now; of one that was deleted, the one that has its name."""
        now = self._known.get(was.index)
        if now is not None and (now.name == was.name or not self._was_gone(was, news)):
            return now
        return next((each for each in self._known.values() if each.name == was.name), None)

    def _was_gone(self, was: Interface, news: Sequence[News]) -> bool:
        return was.index in self._gone or was_deleted(was.index, news)

    def _follow(
        self,
        was: Interface,
        now: Interface | None,
        groups: list[Group],
        news: Sequence[News],
        is_polled: bool,  # noqa: FBT001  # its one caller has it at hand
    ) -> bool:
        """Let the groups of one interface follow it; tell what became of it, and whether to renew them."""
        if now is None and was.index in self._gone:
            return False  # told when it went
        is_another = now is not None and (now.index != was.index or self._was_gone(was, news))
        told = changes(was, now, news, is_another=is_another, is_polled=is_polled)
        for change in told:
            self._tell(What.LINK, now or was, change.text, change.origin)
        if now is not None and now != was:  # a wireless interface tells often that nothing is new
            for group in groups:
                self._groups.follow(group, now)
            self._check_broadcast(groups, now)
        if not is_another:  # what is new again gets its addresses in a moment
            self._tell_impaired(groups, impairment(was, now))
        return any(change.renews for change in told)

    def _check_broadcast(self, groups: list[Group], now: Interface) -> None:
        """Warn of groups whose address is no broadcast address of their interface, once that has any."""
        for group in groups if now.networks else ():
            if group.kind is not Kind.DIRECTED_BROADCAST or broadcasts_to(now, group.endpoint):
                self._stranded.discard(group)
            elif group not in self._stranded:
                self._stranded.add(group)
                self._tell_impaired([group], no_broadcast_address(now.name))

    def _tell_impaired(self, groups: list[Group], found: Impairment | None) -> None:
        concerned = tuple(
            group for group in groups if found and found.family in {None, group.endpoint.family}
        )
        if found is not None and concerned:
            attempted = f"{found.hindered} {_named(concerned)}"
            self._impaired(
                concerned,
                NetworkRefused(attempted, found.reason, remedy=found.remedy, command=found.command),
            )

    def _remember(
        self, before: dict[int, Interface], now: dict[int, Interface], news: Sequence[News]
    ) -> None:
        """Keep in mind what is gone, and where it is again."""
        for index, was in before.items():
            if index not in now or was_deleted(index, news):
                self._gone[index] = was
        for index, was in tuple(self._gone.items()):
            back = next((each for each in now.values() if each.name == was.name), None)
            if back is not None:
                del self._gone[index]
            if back is not None and back.index != index:
                former = [old for old, new in self.moved.items() if new == index]
                self.moved.update(dict.fromkeys((*former, index), back.index))
        for index in tuple(self._gone)[:-REMEMBERED]:
            del self._gone[index]
        for index in tuple(self.moved)[:-REMEMBERED]:
            del self.moved[index]

    # -- nothing was told ------------------------------------------------------------------

    def check_sleep(self, suspended_s: float) -> None:
        """Join everything anew after the machine slept; `suspended_s` is CLOCK_BOOTTIME - CLOCK_MONOTONIC."""
        before, self._suspended_s = self._suspended_s, suspended_s
        if before is None or suspended_s - before < SUSPENDED_S or not len(self._groups):
            return
        text = f"the machine slept for {suspended_s - before:.0f} s"
        self._tell(What.LINK, None, text, "CLOCK_BOOTTIME")
        self._renew(list(self._groups))

    def verify(self) -> None:
        """Join again what the kernel's tables do not list any more though its interface is there."""
        tables = _read_tables()
        if tables is None:
            return
        lost = [
            group
            for group in self._groups
            if group.membership is not None
            and group.ifindex in self._known
            and tables.view(group.endpoint.address, group.ifindex or 0) is None
        ]
        if lost:
            self._renew(lost)

    # -- joining again -----------------------------------------------------------------------

    def _renew(self, groups: list[Group]) -> None:
        """Join these again, and tell what the kernel's tables say of each afterwards."""
        members = [group for group in groups if group.membership is not None and group.ifindex in self._known]
        if not members:
            return
        refused = self._groups.renew(members)
        views = read_views(self._groups, members)
        healed: list[tuple[Group, KernelView | None]] = []
        for group in members:
            view = views.get(group.id)
            if group not in refused and views and view is None:
                refused[group] = NetworkRefused(
                    f"join {group.endpoint} again",
                    "the kernel does not list it",
                    remedy="Leave it and join it again.",
                )
            if group not in refused:
                healed.append((group, view))
                self.unhealed.pop(group, None)
        self._tell_healed(healed)
        self._tell_refused(refused)
        announced = [group for group, view in healed if not self._is_held_by_others(group, view)]
        self._announcer.watch(announced, time.monotonic())

    def announce_again(self, now: float) -> None:
        """Announce what was joined again and does not arrive, where that is due at monotonic time `now`."""
        self._tell_refused(self._announcer.announce(now, self._known))

    def _tell_refused(self, refused: dict[Group, McastError]) -> None:
        """Tell what cannot be joined again, once for each reason; of many groups only how many they are."""
        alike: dict[tuple[int | None, str], list[Group]] = {}
        for group, error in refused.items():
            known = self.unhealed.get(group)
            if known is None or known.reason != error.reason:
                alike.setdefault((group.ifindex, error.reason), []).append(group)
            self.unhealed[group] = error
        for (_, reason), groups in alike.items():
            first, text = groups[0], f"not joined again: {reason}"
            if len(groups) > TOLD_SINGLY:
                text = f"{len(groups)} memberships not joined again, {first.label} the first: {reason}"
                self._tell(What.ALARM, first.interface, text, "setsockopt")
            else:
                for group in groups:
                    self._tell(What.ALARM, group.interface, text, "setsockopt", group)
            self._impaired(tuple(groups), _of_all(groups, refused[first]))

    def _tell_healed(self, healed: list[tuple[Group, KernelView | None]]) -> None:
        if len(healed) > TOLD_SINGLY:
            first, view = healed[0]
            text = f"{len(healed)} memberships joined again, {first.label} the first"
            self._tell(What.HEALED, first.interface, text, view.origin if view else "setsockopt")
            return
        for group, view in healed:
            said = f": {view}" if view else "; the kernel's tables could not be read"
            if self._is_held_by_others(group, view):
                said += "; another program holds it too, so it is not announced anew"
            self._tell(
                What.HEALED,
                group.interface,
                f"joined again{said}",
                view.origin if view else "setsockopt",
                group,
            )

    def _is_held_by_others(self, group: Group, view: KernelView | None) -> bool:
        """Tell whether another program holds it too, so that the kernel has nothing to announce."""
        return view is not None and view.users > len(
            self._groups.holding(group.endpoint.address, group.ifindex)
        )

    def _tell(
        self, what: What, interface: Interface | None, text: str, origin: str, group: Group | None = None
    ) -> None:
        address: Address | None = group.endpoint.address if group else None
        self._timeline.add(
            TimelineEntry(
                at=time.time_ns(),
                what=what,
                is_seen=True,
                ifindex=interface.index if interface else None,
                interface=interface.name if interface else None,
                group=address,
                who="this host" if what is What.LINK else "this app",
                text=text,
                origin=origin,
            )
        )


def _read_tables() -> MembershipTables | None:
    try:
        return kernel.read_memberships()
    except OSError:
        return None


def _of_all(groups: Sequence[Group], error: McastError) -> McastError:
    """Return an error about the first of these as one about all."""
    if len(groups) == 1:
        return error
    attempted = f"join {_named(groups)} again"
    return NetworkRefused(
        attempted, error.reason, errno=error.errno, remedy=error.remedy, command=error.command
    )


def _named(groups: Sequence[Group]) -> str:
    first = groups[0].label
    return first if len(groups) == 1 else f"{first} and {len(groups) - 1} more"
