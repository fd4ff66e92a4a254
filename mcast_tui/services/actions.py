"""What the commands do: requests of the registry carried out on the node, told to the frame.

Every front of the app comes through here - slash commands, keys, the palette, the mouse - so
that they do the same and fail with the same words.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, assert_never

from mcast_tui import human
from mcast_tui.errors import McastError, UsageError
from mcast_tui.net.interfaces import resolve_interface
from mcast_tui.services import request
from mcast_tui.services.caution import cautions, is_source_specific
from mcast_tui.services.command import CommandError, find_command, nearest_command, parse_line
from mcast_tui.services.joining import join_place
from mcast_tui.services.membership.topics import need_topic, topic_names
from mcast_tui.services.notice import Level, Notice, notice_of
from mcast_tui.services.saying import Speaker, SpeakerFrame
from mcast_tui.wire.socat.line import INTERFACE, OWN_ADDRESS, peer_command

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from mcast_tui.services.desk import Aim, Desk
    from mcast_tui.services.group import Group
    from mcast_tui.services.membership.facts import Explanation
    from mcast_tui.services.membership.topic_texts.topic import Topic
    from mcast_tui.services.node import Node
    from mcast_tui.services.source_change import SourceChange
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.place import Place


class Frame(SpeakerFrame, Protocol):
    """What the actions need of the screen."""

    def show_selection(self) -> None: ...
    def show_target(self) -> None: ...
    def point_at(self, column: int) -> None: ...
    def offer_line(self, line: str) -> None: ...
    def clear_view(self, *, undo: bool) -> int: ...
    def show_wire(self) -> None: ...
    def toggle_pause(self) -> None: ...
    def follow(self) -> None: ...
    def show_help(self, topic: str | None) -> None: ...
    def show_explanation(self, explanation: Explanation) -> None: ...
    def show_topic(self, topic: Topic) -> None: ...
    def quit(self) -> None: ...


class Actions:
    """Carries requests out, one after the other, in the order they were made.

    What a request is about is what was selected when it was made: its turn may come much later.
    """

    def __init__(self, node: Node, desk: Desk, frame: Frame) -> None:
        self._node = node
        node.explainer.is_on = True  # whoever asks for one thing after the other may want to know what it did
        self._desk = desk
        self._frame = frame
        self._in_order = asyncio.Lock()
        self._speaker = Speaker(node, desk, frame)
        self.last_error: McastError | None = None
        """Why the latest request was not understood or not carried out; None when it was."""

    def understand(self, line: str, offset: int = 0) -> request.Request | None:
        """Read a typed line; None, a notice and the cursor at the fault when it cannot be read.

        `offset` is how many characters of `line` the person did not type himself.
        """
        self.last_error = None
        try:
            return parse_line(line, self._desk.default_port)
        except CommandError as error:
            self.last_error = error
            self._frame.announce(notice_of(error, "Not done"))
            self._frame.point_at(max(0, error.column - offset))
            return None

    def perform(self, wanted: request.Request) -> Coroutine[Any, Any, bool]:
        """Carry one request out; tell whether it could be. Failures become notices.

        It is about what is selected now, at the call; the rest is done when it is awaited.
        """
        return self._perform_in_order(wanted, self._desk.aim())

    async def _perform_in_order(self, wanted: request.Request, aim: Aim) -> bool:
        async with self._in_order:
            self.last_error = None
            try:
                await self._perform(wanted, aim)
            except McastError as error:
                self.last_error = error
                self._frame.announce(notice_of(error))
                return False
        return True

    async def _perform(self, wanted: request.Request, aim: Aim) -> None:  # a table: one line a request
        match wanted:
            case request.Say():
                await self._speaker.say(wanted.text, aim)
            case request.Join():
                await self._join(wanted.places)
            case request.Leave():
                await self._leave(self._group_to_leave(wanted.endpoint, aim))
            case request.Message():
                await self._speaker.message(wanted)
            case request.Send():
                await self._speaker.send(wanted)
            case request.SendBytes():
                await self._speaker.say_bytes(wanted.payload, aim)
            case request.SetHopLimit():
                self._set_hop_limit(wanted.hop_limit, aim)
            case request.SetLoop():
                self._set_loop(aim, on=wanted.on)
            case request.SetInterface():
                self._set_interface(wanted.interface, aim)
            case request.ShowSocat():
                self._show_socat(wanted.endpoint, aim)
            case request.ChangeSources():
                await self._change_sources(wanted.change, aim)
            case request.Explain():
                self._explain(wanted.topic)
            case request.Tap():
                self._tap()
            case request.Clear():
                self._clear(undo=wanted.undo)
            case request.Pause():
                self._frame.toggle_pause()
            case request.Follow():
                self._frame.follow()
            case request.Help():
                self._help(wanted.topic)
            case request.Quit():
                self._frame.quit()
            case _:
                assert_never(wanted)

    # -- joining and leaving -------------------------------------------------------------

    async def _join(self, places: Sequence[Place]) -> None:
        for place in places:
            joined = await join_place(self._node, self._desk, place)
            endpoint = place.endpoint
            self._desk.select(joined[0])
            self._frame.show_selection()
            self._announce_joined(joined)
            for caution in cautions(joined[0]):
                self._frame.announce(
                    Notice(Level.WARNING, caution.what, caution.remedy, caution.command or "")
                )
            if endpoint.source is None and is_source_specific(endpoint.address):
                self._frame.offer_line(f"/join {endpoint} from ")

    def _announce_joined(self, joined: Sequence[Group]) -> None:
        first = joined[0]
        where = f" on {first.interface.name}" if first.interface else " on every interface"
        more = f" and {len(joined) - 1} more" if len(joined) > 1 else ""
        verb = "Listening to" if first.is_broadcast else "Joined"
        self._frame.announce(Notice(Level.DONE, f"{verb} {first.label}{more}{where}."))

    def _group_to_leave(self, endpoint: Endpoint | None, aim: Aim) -> Group:
        if endpoint is None:
            return self._desk.need_group("leave", aim)
        group = self._node.groups.find(endpoint, self._node.interfaces)
        if group is None:
            joined = ", ".join(group.label for group in list(self._node.groups)[:5])
            raise UsageError(
                f"leave {endpoint}", "it is not joined", remedy=f"Joined: {joined}." if joined else None
            )
        return group

    async def _leave(self, group: Group) -> None:
        if self._desk.selected is group:
            others = [each for each in self._node.groups if each is not group]
            self._desk.select(others[0] if others else None)
        await self._node.leave(group)
        self._desk.forget(group)
        self._frame.show_selection()
        self._frame.announce(left_notice(group))

    async def _change_sources(self, change: SourceChange, aim: Aim) -> None:
        group = self._desk.need_group("change the sources", aim)
        read = await self._node.change_sources(group, change)
        self._frame.show_target()
        self._frame.announce(
            Notice(
                Level.DONE, f"{group.label} now has {read}.", "As the kernel says it. /explain tells more."
            )
        )

    async def undo_leave(self) -> None:
        """Join again what was left last."""
        place, self._desk.last_left = self._desk.last_left, None
        if place is not None:
            await self.perform(request.Join((place,)))

    # -- sending -------------------------------------------------------------------------

    def send_lines(self, lines: Sequence[str]) -> Coroutine[Any, Any, None]:
        """Send each line as a datagram to what is selected now; see `Speaker.say_lines`."""
        return self._send_lines(lines, self._desk.aim())

    async def _send_lines(self, lines: Sequence[str], aim: Aim) -> None:
        async with self._in_order:
            self.last_error = await self._speaker.say_lines(lines, aim)

    def stop_batch(self) -> bool:
        """End `send_lines` after the datagram it is at; tell whether it was under way."""
        return self._speaker.stop()

    # -- options and the view ------------------------------------------------------------

    def _set_hop_limit(self, hop_limit: int, aim: Aim) -> None:
        group = self._desk.need_group("set the TTL", aim)
        if group.is_broadcast and hop_limit == 0:
            raise UsageError(
                f"set the TTL of {group.label} to 0",
                "the kernel sends a broadcast with 1 at the least",
                remedy="/ttl 1 stays on this link, as every broadcast does.",
            )
        self._desk.set_options(group, replace(self._desk.options(group), hop_limit=hop_limit))
        self._frame.show_target()
        self._frame.announce(
            Notice(
                Level.WARNING if hop_limit > 1 else Level.DONE,
                f"TTL {hop_limit} to {group.label}.",
                _reach(hop_limit),
            )
        )

    def _set_loop(self, aim: Aim, *, on: bool) -> None:
        group = self._desk.need_group("set the loop", aim)
        if group.is_broadcast:
            raise UsageError(
                f"set the loop of {group.label}", "the kernel returns every broadcast to the sending host"
            )
        self._desk.set_options(group, replace(self._desk.options(group), loop=on))
        self._frame.show_target()
        fix = "" if on else "No program on this host hears what you send, this one included."
        self._frame.announce(Notice(Level.DONE, f"Loop {'on' if on else 'off'} for {group.label}.", fix))

    def _set_interface(self, name: str, aim: Aim) -> None:
        if aim.group is None:
            interface = self._desk.choose_interface(name)
            self._frame.show_target()
            self._frame.announce(Notice(Level.DONE, f"Groups are joined on {interface.name} from now on."))
            return
        group = self._desk.need_group("choose the interface", aim)
        interface = resolve_interface(name, self._node.interfaces)
        self._desk.set_options(group, replace(self._desk.options(group), ifindex=interface.index))
        self._frame.show_target()
        self._frame.announce(
            Notice(Level.DONE, f"What you send to {group.label} leaves by {interface.name}.")
        )

    def _show_socat(self, endpoint: Endpoint | None, aim: Aim) -> None:
        """Show a peer's line; the interface is his to write, for ours means nothing on his machine."""
        end = endpoint or self._desk.need_group("show a socat line", aim).endpoint
        line = peer_command(replace(end, interface=None))
        own = [word for word in (OWN_ADDRESS, INTERFACE) if word in line]
        fix = f"For {' and '.join(own)} it writes its own." if own else ""
        self._frame.announce(Notice(Level.DONE, f"A peer talks with {end} by this line.", fix, line))

    def _clear(self, *, undo: bool) -> None:
        count = self._frame.clear_view(undo=undo)
        said = f"{human.format_count(count)} {'shown again' if undo else 'hidden'}."
        self._frame.announce(
            Notice(Level.DONE, said, "" if undo else "Nothing is lost: /clear undo shows them.")
        )

    def _explain(self, topic: str | None) -> None:
        if topic is not None:
            self._frame.show_topic(need_topic(topic))
        elif self._node.explainer.explanation is not None:
            self._frame.show_explanation(self._node.explainer.explanation)
        else:
            what = "Nothing was joined, left or changed here yet."
            self._frame.announce(Notice(Level.DONE, what, f"/explain TOPIC explains: {topic_names()}."))

    def _tap(self) -> None:
        """Open the tap and go to it; where it is refused that is said, and it is looked for from now on."""
        self._frame.show_wire()
        tap = self._node.memberships.tap
        if tap.is_open:
            self._frame.announce(Notice(Level.DONE, f"The tap is open {tap.where}."))
        if tap.error is not None:
            self._frame.announce(replace(notice_of(tap.error), level=Level.WARNING))

    def _help(self, topic: str | None) -> None:
        if topic is not None and find_command(topic) is None:
            nearest = nearest_command(topic)
            raise UsageError(
                f"help with {topic!r}",
                "there is no such command",
                remedy=f"Did you mean /help {nearest.name}?" if nearest else "/help lists them.",
            )
        self._frame.show_help(topic)


def left_notice(group: Group) -> Notice:
    """Return what is said of a group that was left, with the way back."""
    return Notice(Level.DONE, f"Left {group.label}.", key_hint="u joins it again")


def _reach(hop_limit: int) -> str:
    if hop_limit == 0:
        return "It stays in this host."
    if hop_limit == 1:
        return "It stays on this link."
    return f"It may pass {hop_limit - 1} router{'s' * (hop_limit > 2)}, where they forward the group."
