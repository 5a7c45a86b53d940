"""What a campaign plays: port values in every cycle, and in which cycles faults and outputs count."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.data.arrays import read_arrays
from codesign.errors import BadInputError
from codesign.flows.design import Bound
from codesign.flows.fault_netlist import FaultNetlist, lane_ports
from codesign.flows.power_run import played, setup_ports
from codesign.predict import compile_graph
from codesign.sim.seu import Packed
from codesign.verify import Beats, compare, parameter_bytes, stimulus

RESET_CYCLES = 2
WARM_UP_CYCLES = 8


@dataclass(frozen=True)
class Reset:
    """Reset ports and the level that resets."""

    ports: tuple[str, ...]
    level: int


@dataclass(frozen=True)
class Playback:
    """Input bits (cycles, nets) and their nets; the first `setup_cycles` reset and load, and are not kept.

    `window`: cycles after the set-up in which faults strike, each observed for `horizon_cycles`. `valid` names the
    output whose value says when the `data` outputs count; without it all outputs always count. Those in `unread` never
    do.
    """

    bits: NDArray[np.uint8]
    nets: NDArray[np.int64]
    setup_cycles: int
    window: range
    horizon_cycles: int
    valid: str | None = None
    data: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def cycles(self) -> int:
        """Cycles after the set-up."""
        return len(self.bits) - self.setup_cycles


def design_playback(bound: Bound, manifest: Mapping[str, Any], netlist: FaultNetlist, *, whole: bool) -> Playback:
    """Play the events of `bound` at the initiation interval, with the first case's parameters loaded.

    Faults strike in latency + 2 intervals after the pipeline is full, or (`whole`) in all cycles that events allow;
    each is observed for as long again.
    """
    latency, ii, beats = manifest["latency_cycles"], manifest["ii_cycles"], Beats.of(manifest)
    span, warm = latency + 2 * ii, -(-(latency + ii) // ii) * ii
    words = stimulus(bound.graph, bound.inputs, beats)
    least = -(-(warm + 2 * span) // ii)
    count = max(least, len(words) // beats.inputs) if whole else least
    rows = np.arange(count * beats.inputs) % len(words)
    playing = played(manifest, words[rows], beats.inputs)
    setup = setup_ports(manifest, parameter_bytes(bound.graph, bound.cases[0].parameters))
    bits, nets = _port_bits(netlist, setup, playing)
    window = range(warm, count * ii - span if whole else warm + span)
    # Nothing is read over the configuration bus while events come.
    unread = tuple(name for name in netlist.outputs() if name.startswith("cfg_"))
    return Playback(bits, nets, _cycles(setup), window, span, "out_valid", ("out_data",), unread)


def require_reference(bound: Bound, manifest: Mapping[str, Any], netlist: FaultNetlist, trace: Packed) -> int:
    """Compare the results of the fault-free run with the integer graph; return how many events were compared.

    `VerificationError` if a value differs or no result came out.
    """
    beats = Beats.of(manifest)
    valid = port_bits(netlist, trace, "out_valid")[:, 0].astype(bool)
    results = np.packbits(port_bits(netlist, trace, "out_data")[valid], axis=1, bitorder="little")
    count = len(results) // beats.outputs
    first = next(iter(bound.inputs.values()))
    rows = np.arange(count) % len(first)
    inputs = {name: np.asarray(values)[rows] for name, values in bound.inputs.items()}
    expected = compile_graph(bound.graph)({**inputs, **bound.cases[0].parameters}) if count else {}
    if not count:
        expected = {
            port.node: np.zeros((0, *bound.graph.types[port.node].shape), np.int64) for port in bound.graph.outputs
        }
    compare(bound.graph, expected, results[: count * beats.outputs], beats).require("netlist of the campaign and graph")
    return count


def random_playback(netlist: FaultNetlist, reset: Reset, cycles: int, horizon: int, seed: int) -> Playback:
    """Random values on all inputs but the resets; ports that stand three times (A, B, C) get the same values."""
    random, total = np.random.default_rng([seed, 1]), WARM_UP_CYCLES + cycles + horizon
    playing = {}
    for stem in sorted({_stem(name, netlist.inputs()) for name in netlist.inputs() if name not in reset.ports}):
        width = len(netlist.ports[lane_ports(stem, netlist.inputs())[0]].nets)
        playing[stem] = random.integers(0, 2, (total, width), np.uint8)
    window = range(WARM_UP_CYCLES, WARM_UP_CYCLES + cycles)
    return replace(_after_reset(netlist, reset, playing, total), window=window, horizon_cycles=horizon)


def given_playback(netlist: FaultNetlist, reset: Reset, path: Path, horizon: int) -> Playback:
    """Values from an npz file: by port (cycles,) unsigned integers or (cycles, bits) of 0 and 1, least bit first.

    A reset that the file names is played from it, any other is driven for two cycles before it.
    """
    arrays = read_arrays(path)
    unknown = sorted(name for name in arrays if not lane_ports(name, netlist.inputs()))
    if unknown or not arrays:
        raise BadInputError(
            f"{path} names {', '.join(unknown) or 'no port'}; inputs of {netlist.top}: {', '.join(netlist.inputs())}"
        )
    lengths = {len(values) for values in arrays.values()}
    if len(lengths) != 1 or min(lengths) <= horizon:
        raise BadInputError(
            f"{path}: every port needs the same number of cycles, more than the {horizon} of --horizon, not {lengths}"
        )
    playing = {name: _as_bits(name, values, netlist) for name, values in arrays.items()}
    total = lengths.pop()
    played_too = {port for name in arrays for port in lane_ports(name, netlist.inputs())}
    left = Reset(tuple(port for port in reset.ports if port not in played_too), reset.level)
    playback = _after_reset(netlist, left, playing, total)
    return replace(playback, window=range(0, total - horizon), horizon_cycles=horizon)


def port_bits(netlist: FaultNetlist, trace: Packed, port: str) -> NDArray[np.uint8]:
    """Return (cycles, bits) the values of a port in a trace."""
    return net_bits(trace, netlist.ports[port].nets)


def net_bits(trace: Packed, nets: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return (cycles, nets) the values of nets in a trace."""
    return (trace[:, nets >> 6] >> (nets & 63).astype(np.uint64) & np.uint64(1)).astype(np.uint8)


def _stem(name: str, inputs: tuple[str, ...]) -> str:
    """The name without its lane where the port stands three times."""
    return name[:-1] if name[-1] in "ABC" and lane_ports(name[:-1], inputs) and name[:-1] not in inputs else name


def _as_bits(name: str, values: NDArray[Any], netlist: FaultNetlist) -> NDArray[np.uint8]:
    width = len(netlist.ports[lane_ports(name, netlist.inputs())[0]].nets)
    if values.ndim == 1:
        if width > 63 or values.min() < 0 or values.max() >> width:
            raise BadInputError(f"port {name} of {width} bits: give (cycles, {width}) bits, or integers that fit")
        values = values[:, None] >> np.arange(width) & 1
    if values.shape[1:] != (width,) or not np.isin(values, (0, 1)).all():
        raise BadInputError(f"port {name} needs (cycles, {width}) of 0 and 1, not {values.shape}")
    return values.astype(np.uint8)


def _after_reset(netlist: FaultNetlist, reset: Reset, playing: Mapping[str, NDArray[np.uint8]], total: int) -> Playback:
    setup: dict[str, Any] = {name: np.full((RESET_CYCLES, 1), reset.level, np.uint8) for name in reset.ports}
    quiet = {name: np.full((total, 1), 1 - reset.level, np.uint8) for name in reset.ports}
    lead = {**{name: np.zeros((RESET_CYCLES, values.shape[1]), np.uint8) for name, values in playing.items()}, **setup}
    joined = {name: np.concatenate([lead[name], values]) for name, values in {**playing, **quiet}.items()}
    bits, nets = _columns(netlist, joined)
    return Playback(bits, nets, RESET_CYCLES, range(0), 0)


def _port_bits(
    netlist: FaultNetlist, setup: Mapping[str, list[int]], playing: Mapping[str, list[int]]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Bits of ports that are given as integers; a port that is not named in a part is 0 there."""
    lead, total = _cycles(setup), _cycles(playing)
    joined = {}
    for name in sorted({*setup, *playing}):
        ports = lane_ports(name, netlist.inputs())
        if not ports:
            raise BadInputError(f"the netlist of {netlist.top} has no input {name}: emit and synthesise it again")
        width = len(netlist.ports[ports[0]].nets)
        values = [*setup.get(name, [0] * lead), *playing.get(name, [0] * total)]
        size = -(-width // 8)
        packed = np.frombuffer(b"".join(value.to_bytes(size, "little") for value in values), np.uint8)
        joined[name] = np.unpackbits(packed.reshape(-1, size), axis=1, bitorder="little")[:, :width]
    return _columns(netlist, joined)


def _columns(
    netlist: FaultNetlist, joined: Mapping[str, NDArray[np.uint8]]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    lanes = [(port, bits) for name, bits in joined.items() for port in lane_ports(name, netlist.inputs())]
    if not lanes:
        raise BadInputError(f"{netlist.top} has no inputs but clocks: give the reset (--reset) or inputs")
    nets = np.concatenate([netlist.ports[port].nets for port, _ in lanes])
    return np.concatenate([bits for _, bits in lanes], axis=1), nets


def _cycles(ports: Mapping[str, list[int]]) -> int:
    return len(next(iter(ports.values())))
