"""The chat without a screen: one line in, one line out; the same requests and answers as the app's.

``12:34:55 192.168.10.3 to 224.1.0.1:6666: hello`` on stdout, newest last; no clock, no
redrawing. Our own lines are not repeated. What was done or refused is said on stderr.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from mcast_tui.cli.explaining import explanation_lines, topic_lines
from mcast_tui.cli.printing.packet_format import NANOSECONDS
from mcast_tui.cli.prose import terminal_width
from mcast_tui.cli.running import announce, input_lines, tell_interfaces
from mcast_tui.cli.talk import talk
from mcast_tui.errors import UsageError
from mcast_tui.services.actions import Actions
from mcast_tui.services.chat import DIRECT, Line
from mcast_tui.services.command import COMMANDS, find_command
from mcast_tui.services.desk import Desk
from mcast_tui.services.events import DatagramRefused, Event
from mcast_tui.services.joining import join_place
from mcast_tui.services.notice import Level, Notice
from mcast_tui.services.saying import PACE_S
from mcast_tui.wire.address import address_and_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.services.membership.facts import Explanation
    from mcast_tui.services.membership.topic_texts.topic import Topic
    from mcast_tui.services.node import Node
    from mcast_tui.wire.place import Place

NOT_OBEYED = 2


class PlainChat:
    """Reads standard input and prints the conversation: the `Frame` of `services.actions` in plain lines."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._desk = Desk(node)
        self._actions = Actions(node, self._desk, self)
        self._printed: dict[int, int] = {}
        self._skipped = 0
        self._is_over = False
        self._status = 0

    async def talk(self, places: Sequence[Place], linger_s: float) -> int:
        """Join, talk until the person or the input ends, and return the exit status.

        It is that of the last line that could not be sent or obeyed, 0 when all could.
        """
        self._node.subscribe(self._note_refusal)
        tell_interfaces(self._node)
        for place in places:
            groups = await join_place(self._node, self._desk, place)
            self._desk.select(groups[0])
            announce(self._node, groups)
        tasks = asyncio.create_task(self._read(linger_s)), asyncio.create_task(self._print())
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self._print_new()
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._status

    def _note_refusal(self, event: Event) -> None:
        if isinstance(event, DatagramRefused):
            self._status = event.error.exit_status

    async def _read(self, linger_s: float) -> None:
        async for line in input_lines():
            wanted = self._actions.understand(line.decode("utf-8", "surrogateescape").removesuffix("\r"))
            if wanted is None:
                self._status = NOT_OBEYED
            elif not await self._actions.perform(wanted):
                self._status = self._status_of_failure()
            if self._is_over:
                return
            # A file never makes us wait: without this, neither a signal nor the lines of others get through.
            await asyncio.sleep(PACE_S)
        if not os.isatty(0):
            await asyncio.sleep(linger_s)

    def _status_of_failure(self) -> int:
        """Return the status of the request that just failed."""
        error = self._actions.last_error
        return error.exit_status if error else self._status or NOT_OBEYED

    async def _print(self) -> None:
        head = self._node.ring.head
        while True:
            self._print_new()
            head = await self._node.wait_beyond(head)

    def _print_new(self) -> None:
        """Print the lines of others that came since the last call, pane by pane."""
        self._node.chat.poll()
        for group_id in (DIRECT, *(group.id for group in self._node.groups)):
            pane = self._node.chat.pane(group_id)
            if pane is None:
                continue
            missing = pane.added - self._printed.get(group_id, 0)
            self._printed[group_id] = pane.added
            for line in list(pane.lines)[-missing:] if missing else ():
                if not line.own:
                    print(_line_as_text(line), flush=True)
        self._tell_skipped()

    def _tell_skipped(self) -> None:
        """Say how many datagrams came too fast to become lines."""
        skipped = self._node.chat.skipped()
        if skipped > self._skipped:
            talk(f"{skipped - self._skipped} datagrams skipped: more came at once than can be read")
        self._skipped = skipped

    # -- the frame ----------------------------------------------------------------------------------

    def announce(self, notice: Notice) -> None:
        parts = [notice.what, notice.fix, notice.command and f"Try: {notice.command}"]
        mark = {Level.DONE: "", Level.WARNING: "warning: ", Level.ERROR: "error: "}[notice.level]
        talk(mark + " ".join(filter(None, parts)))

    def show_selection(self) -> None:
        self.show_target()

    def show_target(self) -> None:
        target = self._desk.target()
        if target is None:
            talk("no group is selected; /join one")
        else:
            talk(f"your lines go to {target.place} ({', '.join(target.details()) or 'by the routes'})")

    def point_at(self, column: int) -> None:
        """Say where the fault is; the line itself was typed, and stands above on a terminal."""
        talk(f"  at character {column + 1}")

    def offer_line(self, line: str) -> None:
        talk(f"  for example: {line}...")

    def show_progress(self, done: int, total: int) -> None:
        """Lines are sent one by one here: there is no batch to follow."""

    def ask_again(self, text: str) -> None:
        """A line that was not sent is in the terminal's or the script's own memory."""

    def clear_view(self, *, undo: bool) -> int:
        del undo
        raise UsageError("clear the view", "plain lines cannot be taken back", remedy="The app can.")

    def show_wire(self) -> None:
        raise UsageError("show the wire", "plain lines show no packets", remedy="The app does.")

    def toggle_pause(self) -> None:
        raise UsageError(
            "pause", "plain lines have no display to freeze", remedy="The app has; or stop the pipe."
        )

    def follow(self) -> None:
        talk("plain lines always follow")

    def show_help(self, topic: str | None) -> None:
        chosen = find_command(topic) if topic else None
        for command in (chosen,) if chosen else COMMANDS:
            talk(command.usage)
            talk(f"    {command.help}. For example: {command.example}")

    def show_explanation(self, explanation: Explanation) -> None:
        for line in explanation_lines(explanation, terminal_width()):
            talk(line)

    def show_topic(self, topic: Topic) -> None:
        for line in topic_lines(topic, terminal_width()):
            talk(line)

    def quit(self) -> None:
        self._is_over = True


def _line_as_text(line: Line) -> str:
    """Return ``12:34:55 SOURCE to DESTINATION: text``, with a word for what the text alone would hide."""
    at = time.strftime("%H:%M:%S", time.localtime(line.at // NANOSECONDS))
    destination = address_and_port(str(line.destination), line.destination_port, line.protocol)
    text = line.text if line.is_text else f"({line.text})"
    note = " [escapes shown, not run]" if line.altered else ""
    return f"{at} {line.source} to {destination}: {text}{note}"
