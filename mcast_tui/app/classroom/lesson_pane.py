"""The pane beside the picture: lessons to choose from, or the one that is played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from mcast_tui.app.classroom.lesson_words import lesson_rows, menu
from mcast_tui.app.widgets.rows import Rows

if TYPE_CHECKING:
    from textual.content import Content

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.lectern import Lectern, Lesson
    from mcast_tui.services.lab.classroom.scenario import Scenario


class LessonPane(Rows):
    """Draws what the lectern says of its lesson; it scrolls, and without a lesson it is a list."""

    class Chosen(Message):
        """Somebody chose a lesson."""

        def __init__(self, scenario: Scenario) -> None:
            super().__init__()
            self.scenario = scenario

    def __init__(self, lectern: Lectern, glyphs: Glyphs) -> None:
        super().__init__(self.row, id="lesson")
        self._lectern = lectern
        self._glyphs = glyphs
        self._rows: list[Content] = []
        self._places: dict[int, int] = {}
        self._shown: tuple[object, ...] = ()
        self._cursor = 0
        self._is_picking = False

    @property
    def is_menu(self) -> bool:
        """Whether the list of lessons is shown."""
        return self._is_picking or self._lectern.lesson is None

    @property
    def chosen(self) -> Scenario | None:
        """The marked lesson of the list; None while a lesson is shown."""
        lessons = self._lectern.lessons
        return lessons[self._cursor] if self.is_menu and lessons else None

    def pick(self, *, on: bool) -> None:
        """Show the list instead of the lesson, or the lesson again."""
        self._is_picking = on
        self.show()

    def show(self) -> None:
        """Draw what there is now; what is new is shown from its beginning."""
        lesson = self._lectern.lesson
        state = (self.is_menu, id(lesson), lesson and (len(lesson.results), lesson.running))
        is_new, self._shown = state != self._shown, state
        self._lay_out(lesson)
        if is_new:
            self.scroll_to(y=0, animate=False)

    def on_resize(self) -> None:
        self._lay_out(self._lectern.lesson)

    def _lay_out(self, lesson: Lesson | None) -> None:
        width = self.row_width - 1
        if width <= 0:
            return
        self._places = {}
        if lesson is None or self._is_picking:
            self._rows, self._places = menu(self._lectern.lessons, self._cursor, width, self._glyphs)
        else:
            self._rows = lesson_rows(lesson, self._title(lesson), width, self._glyphs)
        self.set_row_count(len(self._rows))

    def _title(self, lesson: Lesson) -> str:
        known = self._lectern.lessons
        return (
            f"LESSON {known.index(lesson.scenario) + 1} of {len(known)}"
            if lesson.scenario in known
            else "LESSON"
        )

    def row(self, y: int) -> Content:
        return self._rows[y]

    def move(self, step: int) -> None:
        """Mark another lesson of the list; scroll a lesson, and the list beyond its lessons."""
        last = len(self._lectern.lessons) - 1
        if not self.is_menu or (step > 0 and self._cursor == last):
            self.scroll_relative(y=step, animate=False)
            return
        self._cursor = max(0, min(last, self._cursor + step))
        self._lay_out(self._lectern.lesson)
        marked = [y for y, at in self._places.items() if at == self._cursor]
        if marked and not self.scroll_offset.y <= marked[0] < self.scroll_offset.y + self.size.height:
            self.scroll_to(y=marked[0], animate=False)

    def on_rows_row_clicked(self, event: Rows.RowClicked) -> None:
        event.stop()
        at = self._places.get(event.y)
        if at is None:
            return
        if at == self._cursor and (scenario := self.chosen):
            self.post_message(self.Chosen(scenario))
        else:
            self.move(at - self._cursor)
