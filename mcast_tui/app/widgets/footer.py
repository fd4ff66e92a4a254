"""The last line: the keys that do something here, each of them clickable.

Taken from the bindings that are active now, so a key in it that does nothing cannot be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mcast_tui.app.fit import MUTED
from mcast_tui.app.widgets.bar import Bar, Item

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from textual.binding import ActiveBinding
    from textual.screen import Screen

OTHERWISE = {
    "packets.detail": "close detail",
    "membership.detail": "close detail",
    "membership.only": "all groups",
}
"""The word of a key that takes back what it did, while that stands."""
BINDING = "binding:"
"""How the action of an item begins that stands for the binding of this id."""

SHOWN: tuple[tuple[str, str, int], ...] = (
    # (binding id, word, when it gives way on a narrow screen: the highest first)
    ("paste.lines", "each line", 0),
    ("paste.one", "one datagram", 0),
    ("paste.no", "nothing", 0),
    ("start.join", "join", 0),
    ("start.interface", "interface", 0),
    ("main.memberships", "memberships", 3),
    ("input.complete", "complete", 1),
    ("input.older", "history", 4),
    ("answer.other", "other", 2),
    ("input.search", "search", 6),
    ("input.escape", "leave the line", 1),
    ("main.type", "type", 0),
    ("log.pause", "pause", 2),
    ("packets.detail", "detail", 1),
    ("log.follow", "follow", 4),
    ("chat.follow", "follow", 4),
    ("packets.streams", "streams", 3),
    ("streams.join", "join it", 2),
    ("packets.reply", "reply", 9),
    ("membership.detail", "detail", 1),
    ("membership.explain", "explain", 1),
    ("membership.part", "next part", 1),
    ("membership.block", "block", 5),
    ("membership.source", "sources", 5),
    ("membership.only", "only this group", 5),
    ("membership.join", "join it", 4),
    ("timeline.follow", "follow", 4),
    ("main.join", "join", 6),
    ("main.leave", "leave", 7),
    ("main.groups", "groups", 3),
    ("lab.next", "next step", 0),
    ("lab.play", "play", 1),
    ("lab.join", "join", 1),
    ("lab.leave", "leave", 4),
    ("lab.send", "send", 1),
    ("lab.snooping", "snoop", 2),
    ("lab.querier", "querier", 2),
    ("lab.cable", "cable", 5),
    ("lab.drop", "drop", 6),
    ("lab.version", "IGMP", 7),
    ("lab.rp_filter", "rp_filter", 8),
    ("lab.auto", "run", 3),
    ("lab.pick", "lessons", 1),
    ("lab.restart", "anew", 5),
    ("lab.free", "free play", 6),
    ("app.help", "keys", 0),
    ("app.palette", "palette", 8),
    ("app.quit", "quit", 0),
)


class FooterBar(Bar):
    """Shows `SHOWN` as far as it is active and there is room."""

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._all: list[tuple[Item, int]] = []

    def refresh_keys(self, screen: Screen[None], undoing: Collection[str] = ()) -> None:
        """Show the keys that are active now; see `items`."""
        self._all = list(items(screen.active_bindings.values(), screen, undoing))
        self._fit()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """Leave out what gives way first until the rest fits."""
        chosen = list(self._all)
        while chosen and self.width_of([item for item, _ in chosen]) > self.content_size.width:
            chosen.remove(max(reversed(chosen), key=lambda each: each[1]))
        self.show([item for item, _ in chosen])


async def run_item(screen: Screen[None], action: str) -> None:
    """Do what a clicked item stands for: its own action, or the binding it shows."""
    if not action.startswith(BINDING):
        await screen.run_action(action)
        return
    binding_id = action.removeprefix(BINDING)
    for active in screen.active_bindings.values():
        if active.enabled and active.binding.id == binding_id:
            await screen.app.run_action(active.binding.action, active.node)
            return


def items(
    active: Iterable[ActiveBinding], screen: Screen[None], undoing: Collection[str] = ()
) -> Iterable[tuple[Item, int]]:
    """Yield the keys of the active bindings in the order of `SHOWN`, each with when it gives way.

    `undoing` are the ids of those that would take back what they did.
    """
    known = {each.binding.id: each for each in reversed(list(active)) if each.enabled and each.binding.id}
    for binding_id, word, gives_way in SHOWN:
        if found := known.get(binding_id):
            said = OTHERWISE[binding_id] if binding_id in undoing else word
            key = screen.app.get_key_display(found.binding)
            content = Content.assemble((key, "bold $primary"), (f" {said}", MUTED))
            yield Item(content, f"{BINDING}{binding_id}"), gives_way
