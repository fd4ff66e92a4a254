"""What the keys of the classroom mean: each makes an action of the LAN as it is, or a question first.

A question is open when its method returns; what takes longer is handed on to be done meanwhile. A key
that can mean nothing here says why, and what would help.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcast_tui.app.classroom.ask_line import Question
from mcast_tui.app.classroom.host_words import MODES
from mcast_tui.errors import UsageError
from mcast_tui.services.lab.classroom import actions, answers
from mcast_tui.services.lab.classroom.parts import PORT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mcast_tui.services.lab.classroom.actions import Action
    from mcast_tui.services.lab.classroom.lectern import Lectern
    from mcast_tui.services.lab.classroom.picture import Picture

GROUP = "239.1.2.3"
"""What is offered to join while nobody sends; administratively scoped, RFC 2365."""
KNOWN_GROUPS = (
    (GROUP, "any group of 239.0.0.0/8, for one organisation"),
    ("232.1.1.1", "a group of the range for single sources, RFC 4607"),
    ("224.0.0.251:5353", "mDNS: link-local, never snooped"),
    ("broadcast", "255.255.255.255, heard without joining"),
)
LOSSES = (("30", "three in ten"), ("5", "a bad cable"), ("100", "nothing comes"), ("0", "nothing is dropped"))
VERSIONS = (0, 2, 1, 3)
"""In the order a key goes through them; 0 follows the querier."""
QUERIERS = ((False, 3), (True, 3), (True, 2))
"""Whether the switch asks, and in which IGMP, in the order a key goes through them."""
CABLES, MEMBERS, SENDERS = "which cable", "which membership", "which sender"


class Keys:
    """The keys of one lectern; `ask` puts a question to the person, `do` has something done meanwhile."""

    def __init__(
        self, lectern: Lectern, ask: Callable[[Question], None], do: Callable[[Awaitable[None]], None]
    ) -> None:
        self._lectern = lectern
        self._ask = ask
        self._do = do

    # -- members and senders ---------------------------------------------------------------------

    async def join(self) -> None:
        """Ask what the selected host is to join."""
        host, lans = self._host()
        offers = await self._groups()

        async def answer(text: str) -> None:
            member = answers.read_member(text, self._lectern.new_name("member"), host, lans)
            await self._lectern.perform(partial(_always, actions.Join(member)))

        self._ask(Question(f"host{host} joins", answers.JOIN_HINT, offers[0][0], offers, answer))

    async def leave(self) -> None:
        """Let the selected host leave what it joined; ask which when it is more than one."""
        host, _ = self._host()
        picture = await self._lectern.picture()
        names = {
            state.member.words: name for name, state in picture.members.items() if state.member.host == host
        }
        if not names:
            raise UsageError(f"leave a group on host{host}", "it is a member of none", remedy="j joins one.")
        await self._choose(
            f"host{host} leaves", MEMBERS, list(names), lambda words: actions.Leave(names[words])
        )

    async def send(self) -> None:
        """Stop the selected host's sender; ask where to send when it has none."""
        host, _ = self._host()
        picture = await self._lectern.picture()
        names = {
            state.sender.words: name for name, state in picture.senders.items() if state.sender.host == host
        }
        if not names:
            await self.send_more()
            return
        await self._choose(
            f"host{host} stops", SENDERS, list(names), lambda words: actions.Stop(names[words])
        )

    async def send_more(self) -> None:
        """Ask where the selected host is to send, whatever it sends already."""
        host, lans = self._host()
        members = (await self._lectern.picture()).members.values()
        joined = [str(state.member.group) for state in members if state.member.group]
        offers = [(f"{group} {answers.RATE:g}", "somebody is a member") for group in dict.fromkeys(joined)]
        offers += [
            (f"{group} {answers.RATE:g}", about) for group, about in KNOWN_GROUPS if group not in joined
        ]

        async def answer(text: str) -> None:
            sender = answers.read_sender(text, self._lectern.new_name("sender"), host, lans)
            await self._lectern.perform(partial(_always, actions.Start(sender)))

        self._ask(Question(f"host{host} sends to", answers.SEND_HINT, offers[0][0], offers, answer))

    async def _groups(self) -> list[tuple[str, str]]:
        """Return what is worth joining: what is sent to, of any source and of that one, then examples."""
        found: dict[str, str] = {}
        for state in (await self._lectern.picture()).senders.values():
            sender = state.sender
            if not sender.to.is_multicast:
                continue
            place = str(sender.to) if sender.port == PORT else f"{sender.to}:{sender.port}"
            found.setdefault(place, f"host{sender.host} sends to it")
            if sender.comes_from is not None:
                found.setdefault(f"{sender.comes_from},{place}", f"only what host{sender.host} sends to it")
        return [*found.items(), *(known for known in KNOWN_GROUPS if known[0] not in found)]

    # -- the switch ------------------------------------------------------------------------------

    async def snooping(self) -> None:
        """Let the switches snoop, or no more."""
        self._do(self._lectern.perform(lambda now: actions.SetSnooping(on=not now.switches[0].snooping)))

    async def querier(self) -> None:
        """Let the switches ask in IGMPv3, then in IGMPv2, then not at all."""

        def choose(now: Picture) -> Action:
            switch = now.switches[0]
            at = QUERIERS.index((switch.querier, switch.igmp_version)) if switch.querier else 0
            asks, version = QUERIERS[(at + 1) % len(QUERIERS)]
            return actions.SetQuerier(on=asks, version=version)

        self._do(self._lectern.perform(choose))

    # -- the selected host -----------------------------------------------------------------------

    async def version(self) -> None:
        """Have the selected host speak another IGMP."""
        await self._set("igmp", "force_igmp_version", VERSIONS, actions.SetIgmpVersion)

    async def reverse_path(self) -> None:
        """Set the selected host's reverse path filter to its next value."""
        modes = tuple(range(len(MODES)))
        await self._set("rp_filter", "rp_filter", modes, actions.SetReversePathFilter)

    async def _set(
        self, what: str, field: str, values: Sequence[int], make: Callable[[int, int, int], Action]
    ) -> None:
        def next_value(lan: int) -> Callable[[Picture], Action]:
            def choose(now: Picture) -> Action:
                value = getattr(now.host(host).settings[f"eth{lan}"], field)
                at = values.index(value) if value in values else -1
                return make(host, values[(at + 1) % len(values)], lan)

            return choose

        host, _ = self._host()
        await self._on_a_lan(f"{what} of host{host} on", next_value)

    async def cable(self) -> None:
        """Pull the selected host's cable, or plug it in again."""

        def toggle(lan: int) -> Callable[[Picture], Action]:
            def choose(now: Picture) -> Action:
                is_up = now.link(host, lan).counters.is_up
                return actions.Cut(host, lan) if is_up else actions.Plug(host, lan)

            return choose

        host, _ = self._host()
        await self._on_a_lan(f"host{host}'s cable of", toggle)

    async def drop(self) -> None:
        """Ask how much of what the switch sends to the selected host is to be lost."""
        host, lans = self._host()
        is_dropping = any(
            link.loss_percent for link in (await self._lectern.picture()).links if link.host == host
        )

        async def answer(text: str) -> None:
            percent = answers.read_percent(text)
            for lan in lans:
                await self._lectern.perform(partial(_always, actions.Lose(host, percent, lan)))

        start = "0" if is_dropping else LOSSES[0][0]
        self._ask(Question(f"drop on the way to host{host}", answers.DROP_HINT, start, LOSSES, answer))

    # -- for itself ------------------------------------------------------------------------------

    def _host(self) -> tuple[int, list[int]]:
        """Return the selected host and the LANs it is on."""
        lans = self._lectern.lans_of(self._lectern.selected)
        if not lans:
            raise UsageError("change the LAN", "there is none yet")
        return self._lectern.selected, lans

    async def _choose(self, asks: str, what: str, words: list[str], make: Callable[[str], Action]) -> None:
        """Do it to the only one there is; ask which when there are several."""

        async def answer(text: str) -> None:
            if text not in words:
                raise UsageError(
                    f"find {text!r}", f"it is none of {', '.join(words)}", remedy="Tab writes one."
                )
            await self._lectern.perform(partial(_always, make(text)))

        if len(words) == 1:
            self._do(answer(words[0]))
        else:
            offers = [(text, "") for text in reversed(words)]
            self._ask(Question(asks, f"{what}: Tab", offers[0][0], offers, answer))

    async def _on_a_lan(self, asks: str, make: Callable[[int], Callable[[Picture], Action]]) -> None:
        """Do it on the selected host's only LAN; ask for the interface when it is on several."""
        host, lans = self._host()
        names = {f"eth{lan}": lan for lan in lans}

        async def answer(text: str) -> None:
            if text not in names:
                raise UsageError(f"find {text!r} on host{host}", f"it has {', '.join(names)}")
            await self._lectern.perform(make(names[text]))

        if len(lans) == 1:
            self._do(answer(f"eth{lans[0]}"))
        else:
            offers = [(name, f"on LAN {lan}") for name, lan in names.items()]
            self._ask(Question(asks, f"{CABLES}: Tab", offers[0][0], offers, answer))


def _always(action: Action, _now: Picture) -> Action:
    """Return the action, however the LAN is."""
    return action
