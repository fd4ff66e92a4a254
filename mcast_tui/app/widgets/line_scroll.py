"""A scroll view whose number of lines changes many times a second without the screen's layout."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView


class LineScroll(ScrollView, inherit_bindings=False):
    """Lets a subclass say where it is in how many lines, as often as it likes.

    Assigning `virtual_size` or `scroll_y` lays out the whole screen and draws the scrollbar anew,
    each time. `place` does neither, but when the scrollbar's thumb would look different.
    """

    _thumb = (-1, -1)

    def place(self, lines: int, y: int) -> bool:
        """Have `lines` lines, with line `y` at the top or as near as they allow; return if the top moved.

        What is drawn is up to the caller: nothing but the scrollbar is refreshed.
        """
        height = max(1, self.size.height)
        y = min(max(0, y), max(0, lines - self.size.height))
        has_moved = y != self.scroll_offset.y
        size = Size(self.size.width, lines)
        self.set_reactive(LineScroll.virtual_size, size)
        self.set_reactive(LineScroll.scroll_y, float(y))
        self.set_reactive(LineScroll.scroll_target_y, float(y))
        # The thumb is drawn in eighths of a cell: a smaller change would not show.
        whole = max(height, lines)
        thumb = (8 * height * height // whole, 8 * height * y // whole)
        if thumb != self._thumb and self.show_vertical_scrollbar:
            self._thumb = thumb
            self._scroll_update(size)
            self.vertical_scrollbar.position = y
        return has_moved
