"""A base for banks whose sums and formulas are compiled: many formulas over sliding windows, one call per block.

A kernel is a plain function over arrays, written as loops; Numba makes machine code of it when the first bank that
needs it is built, and keeps that beside the file. A streamed bar is a block of one bar, so stream and batch are one
code. What several kernels share is in the files ``compiled*.py``: machine code is stored for each state of these.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tuiconsole.domain.machine_code import Kernel, machine_code
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.features.contract import Bank, Request
from tuiconsole.features.rolling_sums import PRESENCE

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_CHUNK = 8
"""Bars that a kernel takes at once: their values stay in the processor's second cache."""

Windows = tuple[FloatArray, FloatArray, FloatArray, FloatArray, IntArray, BoolArray]
"""What :func:`slide` needs: rows kept ``[longest, channels, n_symbols]``, the newest row ``[channels, n_symbols]``,
sums ``[n_windows, channels, n_symbols]``, observations ``[n_presences, n_windows, n_symbols]``, the windows' lengths,
and which sums are wanted ``[n_windows, channels]``."""


def slide(windows: Windows, count: int) -> None:
    """Add the newest row to every window and take out what leaves; ``count`` rows came before.

    Once per window its sum is computed afresh, so that rounding errors live for one window at most.
    """
    kept, row, sums, _, lengths, wanted = windows
    size, channels, n_symbols = kept.shape
    slot = count % size
    for w in range(len(lengths)):
        length = lengths[w]
        old = (count - length) % size
        for c in range(channels):
            if not wanted[w, c]:
                continue
            total = sums[w, c]
            if (count + 1) % length:
                new, leaving = row[c], kept[old, c]
                for s in range(n_symbols):
                    total[s] = total[s] + new[s] - leaving[s]
            else:
                for s in range(n_symbols):
                    total[s] = 0.0
                for bar in range(count + 1 - length, count):
                    some = kept[bar % size, c]
                    for s in range(n_symbols):
                        total[s] += some[s]
                new = row[c]
                for s in range(n_symbols):
                    total[s] += new[s]
    for c in range(channels):
        kept_row, new = kept[slot, c], row[c]
        for s in range(n_symbols):
            kept_row[s] = new[s]


def observe_windows(windows: Windows, count: int, presence: int, channel: int) -> None:
    """Observations of every window, NaN where it speaks of nothing; ``count`` rows came, with the newest.

    See :meth:`~tuiconsole.features.rolling_sums.RollingSums.observations`. ``channel`` holds 1 where there is an
    observation; the result goes to place ``presence``.
    """
    _, row, sums, observed, lengths, _ = windows
    here = row[channel]
    for w in range(len(lengths)):
        found, seen = observed[presence, w], sums[w, channel]
        least = np.ceil(PRESENCE * lengths[w])
        if count < lengths[w]:
            for s in range(len(seen)):
                found[s] = np.nan
        else:
            for s in range(len(seen)):
                found[s] = seen[s] if (seen[s] >= least) & (here[s] != 0.0) else np.nan


@cache
def _sources() -> tuple[Path, ...]:
    return tuple(sorted(Path(__file__).parent.glob("compiled*.py")))


def compiled(kernel: Kernel, parts: tuple[Kernel, ...]) -> Kernel:
    """Machine code of ``kernel``, which calls ``parts``; made once on a machine and stored.

    Raises
    ------
    UsageError
        When Numba is not installed.
    """
    return machine_code(kernel, (slide, observe_windows, *parts), _sources(), "These features")


class CompiledBank(Bank):
    """A bank with one kernel, whose parameters all are windows.

    A kernel is called as ``kernel(inputs, windows, count, plan, scale, extra, out)``: the arrays of :meth:`inputs`, the
    sums, rows that came before, ``plan`` ``[k, 3]`` with each row's family and the places of its windows, bars per
    year, :attr:`extra`, and ``out`` ``[bars, k, n_symbols]``.

    Attributes
    ----------
    families
        Family → the channels whose sums it needs, in the order of the kernel's numbers.
    channels, presences
        Number of channels, and which of them hold the presence of an observation.
    first_bar
        Bars at the beginning of all that hold no observation.
    extra
        float64 ``[n, n_symbols]``: what the kernel keeps from bar to bar besides the sums.
    """

    families: ClassVar[Mapping[str, tuple[int, ...]]]
    channels: int
    presences: ClassVar[tuple[int, ...]] = (0,)
    first_bar: ClassVar[int] = 1
    kernel: ClassVar[Kernel]
    parts: ClassVar[tuple[Kernel, ...]] = ()
    n_extra: int = 1

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.windows = sorted({window for request in requests for window in self.windows_of(request)})
        order = list(self.families)
        self._plan: IntArray = np.zeros((len(requests), 3), dtype=np.int64)
        wanted: BoolArray = np.zeros((len(self.windows), self.channels), dtype=np.bool_)
        for row, request in enumerate(requests):
            family = request.feature.family
            self._plan[row] = order.index(family), *self.places(request)
            at = [self.windows.index(window) for window in self.windows_of(request)]
            for channel in (*self.presences, *self.channels_of(request)):
                wanted[at, channel] = True
        lengths = np.array(self.windows, dtype=np.int64)
        shape = (self.channels, n_symbols)
        self._sliding: Windows = (
            np.zeros((self.windows[-1], *shape)),
            np.zeros(shape),
            np.zeros((len(lengths), *shape)),
            np.full((len(self.presences), len(lengths), n_symbols), np.nan),
            lengths,
            wanted,
        )
        self.extra: FloatArray = np.full((self.n_extra, n_symbols), np.nan)
        self._bars_needed: IntArray = np.array([request.window_bars for request in requests], dtype=np.int64)
        self._count = 0
        self._values: FloatArray = np.empty((_CHUNK, len(requests), n_symbols))
        self._kernel = compiled(type(self).kernel, self.parts)

    def windows_of(self, request: Request) -> tuple[int, ...]:
        """The parameters that are windows: all of them."""
        return request.parameters

    def places(self, request: Request) -> tuple[int, int]:
        """What the plan says of a row beside its family: the places of its first and last window."""
        at = [self.windows.index(window) for window in self.windows_of(request)]
        return at[0], at[-1]

    def channels_of(self, request: Request) -> tuple[int, ...]:
        """The channels whose sums the row needs."""
        return self.families[request.feature.family]

    @abstractmethod
    def inputs(self, panel: Panel, bars: int) -> tuple[Any, ...]:
        """What the kernel reads: numbers ``[bars and some before, …]``, and tables beside them (whole, or flat)."""

    def update(self, panel: Panel) -> None:
        """Take in the newest bar."""
        if panel.count <= self.warmup_bars or not (
            panel.has_ranges and panel.has_volume and panel.has_quotes
        ):
            self._take(panel, 1, self.values[None])
            return
        self._kernel(
            self.inputs(panel, 1),
            self._sliding,
            self._count,
            self._plan,
            self.bars_per_year,
            self.extra,
            self.values[None],
        )
        self._count += 1

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """Take in the newest bars, some at a time."""
        self._take(panel, bars, out)
        self.values[...] = out[-1]

    def _take(self, panel: Panel, bars: int, out: FloatArray) -> None:
        skipped = min(bars, max(0, self.first_bar - (panel.count - bars)))
        if skipped:
            out[:skipped] = np.nan
            if skipped == bars:
                return
        inputs = tuple(x if x.flags.writeable else x.copy() for x in self.inputs(panel, bars - skipped))
        self._run(inputs, out[skipped:])
        before = panel.count - bars
        if before < self.warmup_bars:
            seen = np.arange(before + 1, panel.count + 1)
            out[self._bars_needed > seen[:, None]] = np.nan

    def _run(self, inputs: tuple[Any, ...], out: FloatArray) -> None:
        bars = len(out)
        before = len(inputs[0]) - bars
        for first in range(0, bars, _CHUNK):
            end = min(bars, first + _CHUNK)
            some = inputs if bars <= _CHUNK else tuple(_some(x, first, end + before) for x in inputs)
            values = out if bars == 1 and out.flags.c_contiguous else self._values[: end - first]
            self._kernel(some, self._sliding, self._count, self._plan, self.bars_per_year, self.extra, values)
            if values is not out:
                out[first:end] = values
            self._count += end - first

    def state(self) -> dict[str, Any]:
        """Rows, sums, their count, and what else goes from bar to bar."""
        kept, _, sums, *_ = self._sliding
        return {"rows": kept.copy(), "sums": sums.copy(), "count": self._count, "extra": self.extra.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        kept, _, sums, *_ = self._sliding
        kept[...], sums[...] = state["rows"], state["sums"]
        self._count = int(state["count"])
        self.extra[...] = state["extra"]


def _some(x: Any, first: int, end: int) -> Any:
    return x[first:end] if x.ndim == 2 and x.dtype == np.float64 else x
