"""Zeroed arrays whose memory becomes resident page by page, where something is written.

numpy asks the kernel for pages of 2 MiB where an array is large. One datagram then makes 2 MiB
resident, and the thread that received it waits until all of that is found and zeroed: 0.2 ms as
a rule, at times 5 to 9 ms though nothing else wanted the core, and the same for each page that
follows. Small pages take more time in all, but never more than 0.5 ms for a batch.
"""

from __future__ import annotations

import math
import mmap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from mcast_tui.wire.columns import Column


def untouched(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Column:
    """Return zeros of that shape, which has at least one item."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype).reshape(shape)
