"""Whose packets an interface lets in, where the kernel's tables do not tell: by what our own sockets hold.

RFC 3376 section 3.2: one member that takes any source makes the interface take any source. So a socket of
ours with EXCLUDE {} proves that whatever others hold, and where all members are ours their filters are all
there is. What only others hold stays unknown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from mcast_tui.wire.membership.source_filter import ANY_SOURCE, FilterMode, merge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.net.kernel import KernelView
    from mcast_tui.services.group import Group

BY_OUR_SOCKETS = "getsockopt MCAST_MSFILTER of our sockets"


def told_by_ours(view: KernelView, ours: Iterable[Group], *, is_kernel: bool = False) -> KernelView:
    """Return the view with the filter that our groups prove; `is_kernel`: the kernel holds it for itself."""
    if view.filter_mode is not None and view.sources is not None:
        return view
    held = [group.proven_filter for group in ours]
    known = [each for each in held if each is not None]
    if is_kernel or ANY_SOURCE in known:
        proven = ANY_SOURCE
    elif known and len(known) == len(held) == view.users:
        proven = merge(known)
    else:
        return view
    origin = view.origin if is_kernel else f"{view.origin}, {BY_OUR_SOCKETS}"
    mode: Literal["INCLUDE", "EXCLUDE"] = "INCLUDE" if proven.mode is FilterMode.INCLUDE else "EXCLUDE"
    return replace(view, filter_mode=mode, sources=proven.sources, origin=origin)
