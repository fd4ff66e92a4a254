"""Help: the keys that work here and now, the commands, and everything the app has told so far.

Built from the live bindings and the registry, so it cannot promise what is not there.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mcast_tui.app.fit import MUTED
from mcast_tui.app.toasts import describe
from mcast_tui.services.command import COMMANDS, Command, find_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import App, ComposeResult
    from textual.binding import ActiveBinding
    from textual.widget import Widget

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.notice import Notice

KEY_WIDTH = 18
USAGE_WIDTH = 52


class HelpScreen(ModalScreen[None]):
    """One page to scroll; any way out closes it."""

    NAME: ClassVar[str] = "help"

    DEFAULT_CSS = Path(__file__).with_name("help.tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,question_mark", "close", "Close", id="help.close"),
        Binding("up,k", "scroll(-1)", "Up", show=False, id="help.up"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="help.down"),
    ]

    def __init__(
        self,
        keys: Sequence[tuple[str, str]],
        about: str,
        notices: Iterable[Notice],
        glyphs: Glyphs,
        topic: Command | None = None,
        *,
        further: Sequence[Content] | None = None,
    ) -> None:
        """`further` stands between keys and notices; by default the commands and the counters."""
        super().__init__()
        self._further = (commands_help(), losses_help()) if further is None else further
        self._keys = keys
        self._about = about
        self._notices = list(notices)
        self._glyphs = glyphs
        self._topic = topic

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            if self._topic is not None:
                yield Static(command_help(self._topic), markup=False)
                return
            yield Static(self._keys_help(), markup=False)
            for each in self._further:
                yield Static(each, markup=False)
            yield Static(self._events_help(), markup=False)

    def on_mount(self) -> None:
        frame = self.query_one("#help")
        frame.border_title = Content(self.NAME)
        frame.border_subtitle = Content("Esc closes")
        frame.focus()

    def _keys_help(self) -> Content:
        lines = [_title("KEYS THAT WORK HERE")]
        if self._about:
            lines += [Content(self._about), Content()]
        lines += [
            Content.assemble((f"{key:<{KEY_WIDTH}}", "bold $primary"), what) for key, what in self._keys
        ]
        return Content("\n").join([*lines, Content()])

    def _events_help(self) -> Content:
        lines = [_title("WHAT HAPPENED, newest first")]
        for notice in reversed(self._notices):
            clock = time.strftime("%H:%M:%S", time.localtime(notice.at))
            lines.append(Content.assemble((clock, MUTED), "  ", describe(notice, self._glyphs, "     ")))
        if not self._notices:
            lines.append(Content.styled("Nothing worth telling yet.", MUTED))
        return Content("\n").join(lines)

    def action_close(self) -> None:
        self.dismiss()

    def action_scroll(self, rows: int) -> None:
        self.query_one("#help").scroll_relative(y=rows, animate=False)


def _title(text: str) -> Content:
    return Content.styled(text, f"bold {MUTED}")


LOSSES = (
    ("dropped", "by the kernel on our sockets: receive buffer full, wrong checksum or a socket filter"),
    ("evicted", "no longer whole in the ring: newer packets took the place of the row or its payload"),
    ("refused", "by --range or --source-port: they arrived; x shows them in the log"),
    ("skipped", "came faster than lines can be read: not in the chat; in the log, unless evicted"),
)
TAP_LOSSES = (
    ("dropped", "by the kernel: the tap's ring of frames was full"),
    ("refused", "frames that claim to be IP and contradict themselves, or are cut within their headers"),
    ("not fed", "kept from us by the privileged tap, for we read too slowly"),
    (
        "skipped",
        "IGMP and MLD messages that came too many at once to be told one by one; they are in the log",
    ),
)


def losses_help() -> Content:
    """Return what the four counters at the top right mean."""
    return Content("\n").join(
        [
            _title("THE COUNTERS, at the top right"),
            *_explained(LOSSES),
            Content(),
            _title("THE COUNTERS of the tap, while On the wire is selected"),
            *_explained(TAP_LOSSES),
            Content(),
        ]
    )


def _explained(losses: Iterable[tuple[str, str]]) -> list[Content]:
    return [Content.assemble((f"{word:<{KEY_WIDTH}}", "bold"), what) for word, what in losses]


def commands_help() -> Content:
    """Return every command with its usage and what it does."""
    lines = [
        _title("COMMANDS, typed in the input line"),
        *(
            Content.assemble((f"{command.usage:<{USAGE_WIDTH}}", "bold"), f"  {command.help}")
            for command in COMMANDS
        ),
        Content.styled("A text that begins with a slash is typed with two: //etc/motd", MUTED),
        Content(),
    ]
    return Content("\n").join(lines)


def command_help(command: Command) -> Content:
    """Return one command in full."""
    names = ", ".join(f"/{alias}" for alias in command.aliases)
    lines = [
        Content.styled(command.usage, "bold $primary"),
        Content(f"{command.help}."),
        Content(),
        Content.assemble(("Example   ", MUTED), (command.example, "bold")),
    ]
    if names:
        lines.append(Content.assemble(("Also      ", MUTED), names))
    return Content("\n").join(lines)


def topic_of(name: str | None) -> Command | None:
    """Return the command help is wanted on; None for the whole page."""
    return find_command(name) if name else None


def about_focus(focused: Widget | None) -> str:
    """Return what the widget that has the keys says of itself: its HELP, or that of the nearest around it."""
    around = focused.ancestors_with_self if focused is not None else []
    said = (getattr(node, "HELP", None) for node in around)
    return next((text for text in said if isinstance(text, str) and text), "")


def keys_help(active: Iterable[ActiveBinding], app: App[object]) -> list[tuple[str, str]]:
    """Return (keys, what they do) of the bindings that work now, those of one meaning together."""
    keys: dict[str, list[str]] = {}
    for each in active:
        if each.enabled and each.binding.description:
            keys.setdefault(each.binding.description, []).append(app.get_key_display(each.binding))
    return [(" ".join(dict.fromkeys(names)), what) for what, names in keys.items()]
