"""The fault simulator against a plain simulation, cycle by cycle, of random circuits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.campaign import Flag
from codesign.errors import BadInputError
from codesign.sim.seu import OPERATORS, Circuit, Experiments, Gates, Watched, load_kernel

FUNCTIONS = {
    "buf": lambda a, b, c: a,
    "not": lambda a, b, c: not a,
    "and": lambda a, b, c: a and b,
    "nand": lambda a, b, c: not (a and b),
    "or": lambda a, b, c: a or b,
    "nor": lambda a, b, c: not (a or b),
    "xor": lambda a, b, c: a != b,
    "xnor": lambda a, b, c: a == b,
    "andnot": lambda a, b, c: a and not b,
    "ornot": lambda a, b, c: a or not b,
    "mux": lambda a, b, c: b if c else a,
}
INPUTS, REGISTERS, GATES, CYCLES, HORIZON = 3, 6, 25, 14, 5


def random_circuit(random):
    """Nets: 2 constants, inputs, flip-flops, gates in an order in which inputs come first, then shuffled."""
    first = 2 + INPUTS + REGISTERS
    operators = random.integers(0, len(OPERATORS), GATES)
    inputs = np.array([random.integers(0, first + n, 3) for n in range(GATES)])
    outputs = first + np.arange(GATES)
    order = random.permutation(GATES)
    gates = Gates(operators[order].astype(np.uint8), inputs[order].astype(np.int32), outputs[order].astype(np.int32))
    d = random.integers(2, first + GATES, REGISTERS)
    return gates, d, 2 + INPUTS + np.arange(REGISTERS), (operators, inputs, outputs)


def play(nets, inputs, d, q, in_order, flips):
    """Values of all nets in every cycle; `flips` are (cycle, net)."""
    state, rows = [0] * len(q), []
    for cycle, bits in enumerate(inputs):
        value = [False] * nets
        value[1] = True
        for net, bit in [*zip(2 + np.arange(INPUTS), bits, strict=True), *zip(q, state, strict=True)]:
            value[net] = bool(bit) != ((cycle, net) in flips)
        for operator, sources, net in zip(*in_order, strict=True):
            result = FUNCTIONS[OPERATORS[operator]](*(value[source] for source in sources))
            value[net] = bool(result) != ((cycle, net) in flips)
        rows.append(value)
        state = [value[net] for net in d]
    return np.array(rows)


def expected(golden, faulty, q, start, watched):
    """Flags without VISIBLE, and cycles with another state, of one experiment."""
    end = min(start + HORIZON, CYCLES)
    wrong = flagged = outvoted = False
    differing = np.array([golden[c][q] != faulty[c][q] for c in range(start, CYCLES)])
    state = [bool(row[watched.counted == 1].any()) for row in differing]
    last = next((n for n, row in enumerate(differing) if n > 0 and not row.any()), len(differing))
    alive = end < CYCLES and start + last > end and state[end - start]
    for cycle in range(start, min(end, start + last)):
        differs = golden[cycle] != faulty[cycle]
        wrong |= bool(differs[watched.compared == 1].any())
        wrong |= bool(differs[watched.compared == 2].any() and watched.qualified[cycle])
        flagged |= bool(differs[watched.compared == 3].any())
        copies = differs[q][watched.copies]
        outvoted |= bool((copies.any(axis=1) & ~copies.all(axis=1)).any())
    flags = Flag.WRONG * wrong | Flag.FLAGGED * flagged | Flag.OUTVOTED * outvoted | Flag.DIFFERS_AT_END * alive
    return int(flags), sum(state[: min(end - start, last)])


@pytest.fixture(scope="module")
def kernel(build_cache):
    return load_kernel(build_cache)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 30))
def test_every_experiment_is_as_in_a_plain_simulation(kernel, seed):
    random = np.random.default_rng(seed)
    gates, d, q, in_order = random_circuit(random)
    nets = 2 + INPUTS + REGISTERS + GATES
    circuit = Circuit(kernel, nets, gates, d, q)
    inputs = random.integers(0, 2, (CYCLES, INPUTS), np.uint8)
    trace, _ = circuit.simulate(inputs, 2 + np.arange(INPUTS), np.zeros(REGISTERS, np.uint8), 0)
    golden = play(nets, inputs, d, q, in_order, ())
    bits = np.unpackbits(trace.view(np.uint8), axis=1, bitorder="little")[:, :nets]
    np.testing.assert_array_equal(bits, golden)

    compared = np.zeros(nets, np.uint8)
    compared[random.choice(np.arange(2, nets), 6, replace=False)] = (1, 1, 2, 2, 3, 3)
    group, copies = np.array([0, 0, 0, -1, -1, -1], np.int32), np.array([[0, 1, 2]], np.int32)
    counted = np.array([1, 1, 1, 1, 0, 0], np.uint8)
    watched = Watched(compared, random.integers(0, 2, CYCLES, np.uint8), group, copies, counted)
    sites = [(cycle, net) for cycle in range(CYCLES - HORIZON) for net in range(2, nets)]
    experiments = Experiments(
        np.array([cycle for cycle, _ in sites]),
        np.arange(len(sites) + 1),
        np.array([net for _, net in sites], np.int32),
    )
    flags, cycles = circuit.inject(trace, watched, experiments, HORIZON)
    for (cycle, net), flag, count in zip(sites, flags, cycles, strict=True):
        faulty = play(nets, inputs, d, q, in_order, {(cycle, net)})
        assert (int(flag & ~Flag.VISIBLE), int(count)) == expected(golden, faulty, q, cycle, watched)


def test_several_flips_at_once_and_any_split_give_the_same(kernel):
    random = np.random.default_rng(5)
    gates, d, q, in_order = random_circuit(random)
    nets = 2 + INPUTS + REGISTERS + GATES
    circuit = Circuit(kernel, nets, gates, d, q)
    inputs = random.integers(0, 2, (CYCLES, INPUTS), np.uint8)
    trace, _ = circuit.simulate(inputs, 2 + np.arange(INPUTS), np.zeros(REGISTERS, np.uint8), 0)
    golden = play(nets, inputs, d, q, in_order, ())
    compared = np.zeros(nets, np.uint8)
    compared[-4:] = 1
    none = np.full(REGISTERS, -1, np.int32), np.zeros((0, 3), np.int32)
    watched = Watched(compared, np.ones(CYCLES, np.uint8), *none, np.ones(REGISTERS, np.uint8))
    chosen = [(cycle, sorted(random.choice(np.arange(2, nets), 3, replace=False))) for cycle in (0, 0, 1, 4, 4, 4, 8)]
    experiments = Experiments(
        np.array([cycle for cycle, _ in chosen]),
        np.arange(len(chosen) + 1) * 3,
        np.array([net for _, group in chosen for net in group], np.int32),
    )
    flags, cycles = circuit.inject(trace, watched, experiments, HORIZON)
    for (cycle, group), flag, count in zip(chosen, flags, cycles, strict=True):
        faulty = play(nets, inputs, d, q, in_order, {(cycle, net) for net in group})
        assert (int(flag & ~Flag.VISIBLE), int(count)) == expected(golden, faulty, q, cycle, watched)
    parts = [circuit.inject(trace, watched, experiments.part(at, at + 2), HORIZON)[0] for at in range(0, 7, 2)]
    np.testing.assert_array_equal(np.concatenate(parts), flags)


def test_a_combinational_loop_is_refused(kernel):
    gates = Gates(np.array([2, 1], np.uint8), np.array([[2, 4, 0], [3, 0, 0]], np.int32), np.array([3, 4], np.int32))
    with pytest.raises(BadInputError, match="combinational loop"):
        Circuit(kernel, 5, gates, np.array([3]), np.array([2]))


def test_a_majority_is_found_with_its_flip_flops(kernel):
    operators = [OPERATORS.index(name) for name in ("and", "and", "and", "or", "or", "not")]
    inputs = [[3, 4, 0], [4, 5, 0], [5, 3, 0], [6, 7, 0], [9, 8, 0], [10, 0, 0]]
    gates = Gates(np.array(operators, np.uint8), np.array(inputs, np.int32), np.arange(6, 12, dtype=np.int32))
    circuit = Circuit(kernel, 12, gates, np.array([2, 2, 2]), np.array([3, 4, 5]))
    flip_flops, tables = circuit.supports()
    assert flip_flops[10].tolist() == [0, 1, 2] and tables[10] == 0xE8
    assert tables[11] == 0x17 and flip_flops[6].tolist() == [0, 1, -1]
    assert flip_flops[2][0] == -2
