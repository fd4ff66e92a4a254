"""Who asks for reports, when the next question is due, what its absence ends; and what others report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mcast_tui import human
from mcast_tui.app.fit import MUTED, cut, shorten, wrap_words
from mcast_tui.app.widgets.membership_columns import left_of
from mcast_tui.app.widgets.rows import Rows
from mcast_tui.app.widgets.tap_words import NOT_KNOWN, tap_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.membership.facts import HeardGroup, PruneCountdown, QuerierFacts
    from mcast_tui.services.membership.view import MembershipView
    from mcast_tui.services.tap.tap import Closed

UNHEARD = "no querier heard so far"
BY_DEFAULT = " by default"
"""Behind a value that a querier does not say, so that the standard's stands in for it."""
LATE_S = 2.0
"""A query is told of, and the clock looked at, once a second each: one that much late may have come."""
MEMBERS_NAMED = 8
"""Of a group of others: more do not fit a line, and there may be thousands."""


class QuerierView(Rows, can_focus=True):
    """The queriers, the countdown of each group, others' groups; without a tap, what is missing and why."""

    HELP = (
        "A switch that snoops forgets members it hears nothing of, and they speak only when a querier asks.\n"
        "Here is who asks, when it should ask next, and what is left for each group if it does not. Below:\n"
        "groups that other hosts reported and this host is no member of; there may be more, unheard."
    )

    def __init__(self, interface_name: Callable[[int], str | None], glyphs: Glyphs) -> None:
        super().__init__(self.row, id="queriers")
        self._interface_name = interface_name
        self._glyphs = glyphs
        self._view: MembershipView | None = None
        self._head: list[Content] = []
        self._prunes: Sequence[PruneCountdown] = ()
        self._elsewhere: Sequence[HeardGroup] = ()
        self._others_head: list[Content] = []

    def show(self, view: MembershipView, elsewhere: Sequence[HeardGroup]) -> None:
        """Draw `view`; `elsewhere` are the groups of it that this host is no member of."""
        if self._view is None or self._view.prunes is not view.prunes:
            self._prunes = sorted(view.prunes, key=lambda prune: prune.expires_at)
        self._view, self._elsewhere = view, elsewhere
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        view = self._view
        if view is None:
            return
        self._head = []
        if (closed := view.tap.closed) is not None:
            self._head += tap_lines(closed, self.row_width, self._glyphs)
        for querier in view.queriers:
            self._head += self._querier_lines(querier, view.at)
        if view.tap.is_open and not view.queriers:
            self._head.append(Content.styled(f" {self._glyphs.inferred} {UNHEARD}", MUTED))
        if self._prunes:
            self._head += _heading("A snooping switch stops forwarding to us, unless a query comes")
        self._others_head = _heading("Groups of other hosts, as far as heard") if self._elsewhere else []
        parts = (self._head, self._prunes, self._others_head, self._elsewhere)
        self.set_row_count(sum(map(len, parts)))

    def row(self, y: int) -> Content:
        if y < len(self._head):
            return self._head[y]
        y -= len(self._head)
        if y < len(self._prunes):
            return self._prune_line(self._prunes[y])
        y -= len(self._prunes)
        if y < len(self._others_head):
            return self._others_head[y]
        return self._group_line(self._elsewhere[y - len(self._others_head)])

    def _querier_lines(self, querier: QuerierFacts, now: int) -> Iterator[Content]:
        """Yield a querier: who, how it asks, when it should ask next, what is wrong with it."""
        glyphs, where = self._glyphs, self._where(querier.ifindex)
        role = "elected" if querier.is_elected else "not elected"
        yield cut(
            Content.assemble(
                (f" {glyphs.seen} ", "$success"),
                (f"{where} IPv{querier.family} ", MUTED),
                (str(querier.address), "bold"),
                f"  {querier.protocol.value}  ",
                (role, "" if querier.is_elected else MUTED),
            ),
            self.row_width,
            glyphs.ellipsis,
        )
        robustness = f"{querier.robustness}{'' if querier.is_robustness_told else BY_DEFAULT}"
        response = f"{_seconds(querier.max_response_s)}{'' if querier.is_response_told else BY_DEFAULT}"
        asks = (
            f"asks every {_seconds(querier.interval_s)} [{querier.interval_origin}], "
            f"robustness {robustness}, answers within {response}: "
            f"members are kept {_seconds(querier.membership_interval_s)}"
        )
        yield from self._wrapped(asks, MUTED)
        yield from self._due(querier, now)
        if querier.is_off_subnet:
            text = (
                f"off-subnet: {querier.address} is in no network of {where}. With rp_filter its queries are"
            )
            yield from self._wrapped(
                f"{text} dropped here, and nothing is reported.", "$warning", glyphs.warning
            )

    def _due(self, querier: QuerierFacts, now: int) -> Iterator[Content]:
        heard = f"heard {human.format_age((now - querier.last_heard_at) / 1e9)}"
        wait = (querier.next_expected_at - now) / 1e9
        if not querier.is_elected:
            yield from self._wrapped(f"{heard}; another one is elected", MUTED)
        elif wait >= -LATE_S:
            when = f"in {_seconds(wait)}" if wait >= 0 else "now"
            yield from self._wrapped(f"{heard}, next expected {when}", "", self._glyphs.ok)
        else:
            text = f"{heard}, the next query is overdue by {_seconds(-wait)}"
            yield from self._wrapped(text, "bold $warning", self._glyphs.warning)

    def _prune_line(self, prune: PruneCountdown) -> Content:
        glyphs = self._glyphs
        now = self._view.at if self._view else 0
        left, style = left_of(prune, now, glyphs)
        mark = glyphs.seen if prune.is_report_seen else glyphs.inferred
        words = "overdue, " if prune.is_overdue else ""
        if prune.expires_at <= now:
            words = "expired, "
        age_s = (now - prune.last_reported_at) / 1e9
        reported = f"reported {human.format_age(age_s)}"
        if not prune.is_report_seen:
            reported = f"no report heard for {human.format_duration(age_s)}"
        line = Content.assemble(
            (f" {left:<10}", style),
            (f"{shorten(str(prune.group), 18, glyphs.ellipsis):<18} ", "bold"),
            (f"{self._where(prune.ifindex)}  ", MUTED),
            (f"{mark} ", "$success" if prune.is_report_seen else "$warning"),
            f"{words}{reported}",
        )
        if line.cell_length + 2 + len(prune.origin) <= self.row_width:
            line = line.append(Content.styled(f"  {prune.origin}", MUTED))
        return cut(line, self.row_width, glyphs.ellipsis)

    def _group_line(self, heard: HeardGroup) -> Content:
        """Return a group of others: how many reported it, when last, and who."""
        glyphs, members = self._glyphs, heard.members
        named = ", ".join(str(member.address) for member in members[:MEMBERS_NAMED])
        last_at = max(member.last_reported_at for member in members)
        age = human.format_age(((self._view.at if self._view else 0) - last_at) / 1e9)
        line = Content.assemble(
            (f" {glyphs.seen} ", "$success"),
            (f"{shorten(str(heard.group), 18, glyphs.ellipsis):<18} ", "bold"),
            (f"{self._where(heard.ifindex)}  ", MUTED),
            f"{human.counted(len(members), 'member')}, {age}: ",
            (named, MUTED),
        )
        return cut(line, self.row_width, glyphs.ellipsis)

    def _wrapped(self, text: str, style: str, mark: str = " ") -> Iterator[Content]:
        return wrapped(text, self.row_width, style, mark)

    def _where(self, ifindex: int) -> str:
        return self._interface_name(ifindex) or f"interface {ifindex}"


def _heading(title: str) -> list[Content]:
    return [Content(), Content.styled(f" {title}:", f"bold {MUTED}")]


def wrapped(text: str, width: int, style: str, mark: str = " ") -> Iterator[Content]:
    """Yield words of our own, indented below a mark, in lines of at most `width` cells."""
    for number, line in enumerate(wrap_words(text, width - 6)):
        yield Content.styled(f"   {mark if number == 0 else ' '} {line}", style)


def tap_lines(closed: Closed, width: int, glyphs: Glyphs) -> Iterator[Content]:
    """Yield what cannot be seen without a tap, why there is none, and what would help."""
    words = tap_words(closed)
    yield Content.styled(f" {glyphs.inferred} {NOT_KNOWN}", "bold $warning")
    missing = "What queriers ask and what other hosts report is invisible without a tap."
    yield from wrapped(missing, width, MUTED)
    for sentence in words.why:
        yield from wrapped(sentence, width, "")
    if words.command:
        yield from wrapped(f"{words.lead}:", width, MUTED)
        copies = (("   y", "bold $primary"), (" copies it", MUTED))
        yield Content.assemble("     ", (words.command, "bold"), *copies)


def _seconds(seconds: float) -> str:
    if seconds < 10 and seconds != round(seconds):
        return f"{seconds:.1f}s"
    whole = round(seconds)
    return f"{whole}s" if whole < 120 else human.format_long(whole)
