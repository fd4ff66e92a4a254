"""Toasts: notices on screen for a while. All are kept in the `NoticeLog` to be read again.

Texts may hold words of others (a typed endpoint, the kernel's reason), so they go through
`safe` and are never parsed as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from mcast_tui.app.fit import MUTED, break_command
from mcast_tui.safe import safe_text
from mcast_tui.services.notice import Level, Notice

if TYPE_CHECKING:
    from mcast_tui.app.palette import Glyphs

SHOWN = 3
"""Toasts on screen at once; the oldest gives way, all stay in the log."""
LINE_WIDTH = 68
"""Cells of a toast's line: what main.tcss allows, less border and padding."""
SHOWN_FOR_S = 6.0
SHOWN_WITH_REMEDY_S = 12.0
"""Something to read, or to take back, stays longer."""


def describe(notice: Notice, glyphs: Glyphs, copy_key: str = "y") -> Content:
    """Return a notice as lines to show."""
    mark, style = {
        Level.DONE: (glyphs.ok, "$success"),
        Level.WARNING: (glyphs.warning, "$warning"),
        Level.ERROR: (glyphs.failed, "$error"),
    }[notice.level]
    sign = "x" if mark.isascii() else "\N{MULTIPLICATION SIGN}"
    times = f" ({sign}{notice.times})" if notice.times > 1 else ""
    lines = [Content.assemble((f"{mark} ", f"bold {style}"), safe_text(notice.what), (times, "bold"))]
    if notice.fix:
        lines.append(Content.styled(f"  {safe_text(notice.fix)}", MUTED))
    if notice.command:
        copies = f"  {copy_key} copies: "
        first, *others = break_command(safe_text(notice.command), LINE_WIDTH - len(copies))
        lines.append(Content.assemble((copies, "$primary"), (first, "bold")))
        lines += [Content.styled(f"    {other}", "bold") for other in others]
    if notice.key_hint:
        lines.append(Content.styled(f"  {notice.key_hint}", "$primary"))
    return Content("\n").join(lines)


class Toast(Static):
    """One notice on screen; a click takes it away."""

    def __init__(self, notice: Notice, glyphs: Glyphs) -> None:
        super().__init__(markup=False, classes=f"-{notice.level.value}")
        self.notice = notice
        self._glyphs = glyphs

    def show(self, notice: Notice, copy_key: str) -> None:
        self.notice = notice
        self.update(describe(notice, self._glyphs, copy_key))

    def on_click(self) -> None:
        self.post_message(Toasts.Dismissed(self))


class Toasts(Vertical):
    """The notices on screen, newest last."""

    class Dismissed(Message):
        """Somebody clicked a toast away."""

        def __init__(self, toast: Toast) -> None:
            super().__init__()
            self.toast = toast

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="toasts")
        self._glyphs = glyphs

    @property
    def shown(self) -> list[Toast]:
        """The toasts on screen, oldest first."""
        return [toast for toast in self.query(Toast) if not toast.has_class("-gone")]

    @property
    def command(self) -> str:
        """The newest command there is to copy; empty when none is shown."""
        return next((toast.notice.command for toast in reversed(self.shown) if toast.notice.command), "")

    def pop(self, notice: Notice, copy_key: str = "y") -> None:
        """Show a notice, in place of an earlier toast of the same cause."""
        for toast in self.shown:
            if toast.notice.cause == notice.cause:
                toast.show(notice, copy_key)
                self._time(toast)
                return
        for toast in self.shown[: 1 - SHOWN]:
            self._take_away(toast)
        toast = Toast(notice, self._glyphs)
        self.mount(toast)
        toast.show(notice, copy_key)
        self._time(toast)
        self.display = True

    def drop_newest(self) -> bool:
        """Take the newest toast away; tell whether there was one."""
        if shown := self.shown:
            self._take_away(shown[-1])
            return True
        return False

    def drop_undoable(self) -> None:
        """Take those away that offered a key: it was pressed."""
        for toast in self.shown:
            if toast.notice.key_hint:
                self._take_away(toast)

    def on_toasts_dismissed(self, event: Dismissed) -> None:
        event.stop()
        self._take_away(event.toast)

    def _time(self, toast: Toast) -> None:
        notice = toast.notice
        stay = SHOWN_WITH_REMEDY_S if notice.fix or notice.command or notice.key_hint else SHOWN_FOR_S

        def expire() -> None:
            if toast.notice is notice:
                self._take_away(toast)

        self.set_timer(stay, expire)

    def _take_away(self, toast: Toast) -> None:
        toast.add_class("-gone")
        toast.remove()
        self.display = bool(self.shown)
