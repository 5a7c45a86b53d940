"""The fault simulator: compile its one C++ file once, then simulate circuits that are given as arrays.

The kernel knows nets, gates and flip-flops only. What is injected, and what the results mean, is decided outside
(`codesign.campaign`). Its calls release the interpreter lock, so that threads run side by side.
"""

import ctypes
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError, ToolMissingError
from codesign.files import replace_directory, write_text
from codesign.flows.process import Command, run_tool

COMPILE = ("-O3", "-std=c++17", "-shared", "-fPIC")
COMPILE_TIMEOUT_S = 300.0
LIBRARY = "fault_kernel.so"
# Gates of the kernel in the order of its `Op`; MUX gives input 1 where input 2 is high, else input 0.
OPERATORS = ("buf", "not", "and", "nand", "or", "nor", "xor", "xnor", "andnot", "ornot", "mux")
NO_COPIES = -1
SEVERAL = -2
# Values of the majority of three bits in their 8 states, any of which may be inverted.
MAJORITY_TABLES = tuple(sum(1 << s for s in range(8) if (s ^ inverted).bit_count() >= 2) for inverted in range(8))
LONGEST_HORIZON = 65_535

Indices = NDArray[np.int32]
Bytes = NDArray[np.uint8]
Packed = NDArray[np.uint64]


@dataclass(frozen=True)
class Gates:
    """Gates as arrays: operator (n), input nets (n, 3) with net 0 where there is none, output net (n)."""

    operators: Bytes
    inputs: Indices
    outputs: Indices


@dataclass(frozen=True)
class Watched:
    """What a campaign compares.

    `compared` (net): 0 no, 1 an output, 2 an output that counts in the cycles of `qualified` (cycle) only, 3 the error
    output. `group` (flip-flop) is the row of `copies` (sets, 3) that it belongs to, or NO_COPIES. `counted`
    (flip-flop): whether its state is compared.
    """

    compared: Bytes
    qualified: Bytes
    group: Indices
    copies: Indices
    counted: Bytes


@dataclass(frozen=True)
class Experiments:
    """Experiment e flips `nets[first[e]:first[e + 1]]` for the cycle `cycles[e]`; sorted by cycle."""

    cycles: NDArray[np.int64]
    first: NDArray[np.int64]
    nets: Indices

    def __len__(self) -> int:
        return len(self.cycles)

    def part(self, start: int, stop: int) -> "Experiments":
        """Experiments `start` to `stop`."""
        first = self.first[start : stop + 1]
        return Experiments(self.cycles[start:stop], first - first[0], self.nets[first[0] : first[-1]])


class Circuit:
    """A circuit in the kernel; `BadInputError` for a combinational loop."""

    def __init__(self, kernel: ctypes.CDLL, net_count: int, gates: Gates, d: NDArray[Any], q: NDArray[Any]) -> None:
        self._kernel, self.net_count, self.d, self.q = kernel, net_count, _int32(d), _int32(q)
        kept = (np.ascontiguousarray(gates.operators), _int32(gates.inputs), _int32(gates.outputs))
        sizes = ctypes.c_int32(net_count), ctypes.c_int64(len(kept[0])), ctypes.c_int64(len(d))
        self._handle = kernel.create(
            sizes[0], sizes[1], *map(_pointer, kept), sizes[2], _pointer(self.d), _pointer(self.q)
        )
        if not self._handle:
            raise BadInputError("the netlist has a combinational loop: a campaign needs logic that settles")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._kernel.destroy(ctypes.c_void_p(self._handle))

    @property
    def trace_words(self) -> int:
        """Words of 64 nets in one cycle of a trace."""
        return (self.net_count + 63) // 64

    def simulate(self, inputs: Bytes, nets: Indices, state: Bytes, kept: int) -> tuple[Packed, Bytes]:
        """Run without faults: `inputs` (cycles, nets) from `state` (flip-flops).

        Returns the trace (cycles from `kept` on, words; net n is bit n % 64 of word n // 64) and the last state.
        """
        inputs, nets, state = np.ascontiguousarray(inputs), _int32(nets), state.copy()
        trace = np.zeros((len(inputs) - kept, self.trace_words), np.uint64)
        cycles, skipped, count = (ctypes.c_int64(n) for n in (len(inputs), kept, inputs.shape[1]))
        self._call("simulate", cycles, skipped, _pointer(inputs), count, *map(_pointer, (nets, state, trace)))
        return trace, state

    def evaluate(self, values: Packed) -> Packed:
        """Evaluate all gates for 64 states: `values` (net) with inputs and flip-flops set, returned with all nets."""
        values = values.copy()
        self._call("evaluate", _pointer(values))
        return values

    def supports(self) -> tuple[Indices, Bytes]:
        """For every net the flip-flops that it is a function of (net, 3), and the function's value in 8 states.

        -1 fills up; SEVERAL stands first where a net depends on an input or on more than three flip-flops.
        """
        flip_flops, tables = np.zeros((self.net_count, 3), np.int32), np.zeros(self.net_count, np.uint8)
        self._call("supports", _pointer(flip_flops), _pointer(tables))
        return flip_flops, tables

    def reaching(self, nets: Indices) -> NDArray[np.bool_]:
        """Which nets reach one of `nets` through gates, within a cycle."""
        marked = np.zeros(self.net_count, np.uint8)
        marked[nets] = 1
        self._call("reaching", _pointer(marked))
        return marked.astype(bool)

    def inject(
        self, trace: Packed, watched: Watched, experiments: Experiments, horizon: int
    ) -> tuple[Bytes, NDArray[np.uint16]]:
        """Run experiments, each observed for `horizon` cycles; return its flags (`campaign.Flag`) and its cycles.

        The cycles are those in which the state differed from the fault-free run.
        """
        count = len(experiments)
        flags, cycles = np.zeros(count, np.uint8), np.zeros(count, np.uint16)
        arrays = (trace, watched.compared, watched.qualified, watched.group, watched.copies, watched.counted)
        kept = [np.ascontiguousarray(array) for array in arrays]
        sorted_by_cycle = [np.ascontiguousarray(a) for a in (experiments.cycles, experiments.first, experiments.nets)]
        self._call(
            "inject",
            *(_pointer(kept[0]), ctypes.c_int64(len(trace)), *map(_pointer, kept[1:4])),
            *(ctypes.c_int64(len(watched.copies)), *map(_pointer, kept[4:]), ctypes.c_int64(count)),
            *map(_pointer, sorted_by_cycle),
            *(ctypes.c_int64(horizon), _pointer(flags), _pointer(cycles)),
        )
        return flags, cycles

    def _call(self, name: str, *arguments: Any) -> None:
        call: Callable[..., Any] = getattr(self._kernel, name)
        call(ctypes.c_void_p(self._handle), *arguments)


def load_kernel(cache_dir: Path) -> ctypes.CDLL:
    """Compile the kernel into `cache_dir`, once per content and compiler; `ToolMissingError` without g++."""
    text = kernel_source()
    if shutil.which("g++") is None:
        raise ToolMissingError("g++ is not found, which builds the fault simulator; run `codesign doctor`")
    key = hashlib.sha256("\n".join([text, *COMPILE]).encode()).hexdigest()[:16]
    target = cache_dir.resolve() / f"fault-kernel-{key}"
    if not target.exists():

        def build(directory: Path) -> None:
            write_text(directory / "fault_kernel.cpp", text)
            arguments = ["g++", *COMPILE, "-o", LIBRARY, "fault_kernel.cpp"]
            run_tool(Command("g++", arguments, {}), directory, directory / "g++.log", COMPILE_TIMEOUT_S)

        replace_directory(target, build)
    kernel = ctypes.CDLL(str(target / LIBRARY))
    kernel.create.restype = ctypes.c_void_p
    return kernel


def kernel_source() -> str:
    """Return the C++ text of the kernel."""
    return (resources.files("codesign.sim") / "fault_kernel.cpp").read_text(encoding="utf-8")


def _int32(array: NDArray[Any]) -> Indices:
    return np.ascontiguousarray(array, dtype=np.int32)


def _pointer(array: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
