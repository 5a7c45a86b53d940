"""The taped-out autoencoder block: golden vectors of the chip in the graph and in the RTL, and what must be refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError, VerificationError
from codesign.flows.designs.econt_chip import DESIGN, PARAMETERS, Settings, build
from codesign.flows.verification import verify_cases
from codesign.flows.yosys import count_flip_flops
from codesign.options import RunOptions
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule

CROSSINGS = 3564


@pytest.fixture(scope="module")
def golden(shared_data):
    return shared_data / "econt" / "econt_ae_golden.npz"


@pytest.fixture(scope="module")
def bound(golden, tmp_path_factory):
    return DESIGN.bind(RunOptions("econt_chip", tmp_path_factory.mktemp("out"), model=golden))


@pytest.fixture(scope="module")
def rtl_dir(tmp_path_factory):
    """One emitted design for every weight set."""
    graph = build(Settings())
    plan = schedule(graph, cuts=("norm", "relu", "latent"))
    return write_rtl(emit(graph, plan, tmr="registers", clock_ns=25.0), tmp_path_factory.mktemp("chip") / "rtl")


def test_every_weight_set_gives_the_chip_outputs_in_the_graph(bound):
    assert len(bound.cases) == 4
    for case in bound.cases:
        values = bound.graph.evaluate({**bound.inputs, **case.parameters})
        assert set(case.golden) == {"latent", "sum_code"}
        for name, expected in case.golden.items():
            assert len(expected) == CROSSINGS
            np.testing.assert_array_equal(values[name][:, : expected.shape[1]], expected)


def test_the_registers_hold_twelve_blocks_of_134_bytes(bound):
    bits = sum(bound.graph.types[node.name].bits for node in bound.graph.sources("parameter"))
    assert bits == 12_864 == 12 * 134 * 8


@pytest.mark.slow
def test_one_emitted_design_gives_the_chip_outputs_for_every_weight_set(bound, tmp_path, build_cache):
    plan = schedule(bound.graph, cuts=bound.cuts)
    rtl = write_rtl(emit(bound.graph, plan, tmr="registers", clock_ns=25.0), tmp_path / "rtl")
    results = verify_cases(bound, rtl, tmp_path / "simulation", build_cache)
    assert len(results) == 4
    for case in results:
        assert case.graph.mismatches == 0
        assert case.golden["sum_code"].values == CROSSINGS
        assert case.golden["latent"].values in (16 * CROSSINGS, 5 * CROSSINGS)
        assert all(equality.mismatches == 0 for equality in case.golden.values())
        assert (case.measured.latency_cycles, case.measured.ii_cycles) == (3, 1)
        assert case.measured.tmr_err_cycles == 0


@pytest.mark.slow
def test_every_weight_set_loaded_over_i2c_gives_the_chip_outputs(bound, tmp_path, build_cache):
    """One emitted design; each set is written burst by burst, read back, committed and streamed."""
    plan = schedule(bound.graph, cuts=bound.cuts)
    rtl = write_rtl(emit(bound.graph, plan, tmr="registers", clock_ns=25.0, bus="i2c"), tmp_path / "rtl")
    short = replace(
        bound,
        inputs={"codes": bound.inputs["codes"][:200]},
        cases=tuple(
            replace(case, golden={name: values[:200] for name, values in case.golden.items()}) for case in bound.cases
        ),
    )
    results = verify_cases(short, rtl, tmp_path / "simulation", build_cache)
    assert len(results) == 4
    for case in results:
        assert case.graph.mismatches == 0
        assert set(case.golden) == {"latent", "sum_code"}
        assert all(equality.values and not equality.mismatches for equality in case.golden.values())


@pytest.mark.slow
def test_a_wrong_golden_bit_fails(bound, tmp_path, build_cache):
    case = bound.cases[0]
    latent = case.golden["latent"][:20].copy()
    latent[7, 3] ^= 1
    short = replace(
        bound,
        inputs={"codes": bound.inputs["codes"][:20]},
        cases=(replace(case, golden={"latent": latent}),),
    )
    plan = schedule(bound.graph, cuts=bound.cuts)
    rtl = write_rtl(emit(bound.graph, plan, tmr="registers", clock_ns=25.0), tmp_path / "rtl")
    with pytest.raises(VerificationError, match=r"golden latent: 1 of 320 values differ; event 7, latent\[3\]"):
        verify_cases(short, rtl, tmp_path / "simulation", build_cache)


@pytest.mark.slow
def test_every_register_bit_is_three_flip_flops_after_synthesis(rtl_dir, build_cache):
    count = count_flip_flops(rtl_dir, build_cache)
    assert count.declared_bits > 12_864
    assert count.flip_flop_bits == 3 * count.declared_bits
    assert count.latch_bits == 0


def test_without_files_the_block_runs_on_seeded_weights_and_generated_codes():
    bound = DESIGN.bind(RunOptions("econt_chip", Path("unused"), vectors=5))
    assert bound.inputs["codes"].shape == (5, 48)
    assert [case.name for case in bound.cases] == ["random_0", "random_1"]
    assert bound.graph.evaluate({**bound.inputs, **bound.cases[0].parameters})["latent"].shape == (5, 16)


def weight_set(**changes):
    arrays = {f"one/{key}": np.zeros(size, np.int8) for key, size in PARAMETERS.items()}
    return arrays | {"codes_premux": np.zeros((2, 48), np.uint8)} | changes


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"codes_premux": np.zeros((2, 48), np.uint8)}, "no weight set"),
        ({key: value for key, value in weight_set().items() if "b_dense" not in key}, "no array 'one/b_dense'"),
        (weight_set(**{"one/w_conv": np.full(72, 32)}), "72 integers of -32..31"),
        (weight_set(**{"one/w_conv": np.zeros(72)}), "must hold integers"),
        (weight_set(codes_premux=np.zeros((2, 47), np.uint8)), r"codes_premux must be \(events, 48\)"),
        (weight_set(codes_premux=np.full((2, 48), 128)), "codes of 0..127"),
        (weight_set(mux=np.full(48, 48)), "mux must hold 48 numbers"),
        (weight_set(codes_premux=np.zeros((0, 48), np.uint8)), "at least one event"),
        (weight_set(drop=np.array([], int)), "drop must be one number of 0..8"),
        (weight_set(drop=np.array(-1)), "drop must be one number of 0..8, not -1"),
        (weight_set(drop=np.array(9)), "drop must be one number of 0..8, not 9"),
        (weight_set(calibration=np.zeros(48, int)), "calibration must hold 48 factors"),
        (weight_set(**{"one/out9": np.zeros((2, 17), int)}), r"must be \(2, 1..16\)"),
        (weight_set(**{"one/out9": np.zeros((3, 16), int)}), r"must be \(2, 1..16\) as codes_premux has 2 events"),
        (weight_set(sum_code9=np.zeros((2, 2), int)), r"'sum_code9' must be \(2,\)"),
        (weight_set(sum_code9=np.zeros(1, int)), r"'sum_code9' must be \(2,\)"),
        ({f"../{key}": np.zeros(size, np.int8) for key, size in PARAMETERS.items()}, "weight set '..' must be named"),
        ({f"/{key}": np.zeros(size, np.int8) for key, size in PARAMETERS.items()}, "weight set '' must be named"),
    ],
)
def test_bad_weight_files_are_named_in_one_line(arrays, message, tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, **arrays)
    with pytest.raises(BadInputError, match=message) as caught:
        DESIGN.bind(RunOptions("econt_chip", tmp_path, model=path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", [{"weight_bits": 6}, {"input_format": "u8"}, {"rounding": "half"}, {"drop_bits": 3}])
def test_options_without_a_meaning_here_are_refused(option, tmp_path):
    with pytest.raises(BadInputError, match=next(iter(option)).replace("_", "-")):
        DESIGN.bind(RunOptions("econt_chip", tmp_path, **option))


def test_golden_outputs_go_with_their_own_codes(tmp_path):
    model, data = tmp_path / "model.npz", tmp_path / "data.npz"
    np.savez(model, **weight_set(sum_code9=np.zeros(2, int), mux=np.full(48, 7)))
    np.savez(data, codes_premux=np.ones((3, 48), np.uint8))
    own = DESIGN.bind(RunOptions("econt_chip", tmp_path, model=model))
    other = DESIGN.bind(RunOptions("econt_chip", tmp_path, model=model, data=data))
    assert set(own.cases[0].golden) == {"sum_code"}
    assert not other.cases[0].golden
    assert own.graph.digest == other.graph.digest  # the mux holds for both


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "no complete npz"), (b"PK\x03\x04", "no complete npz"), (None, "no file")]
)
def test_a_file_that_is_no_archive_is_refused(content, message, tmp_path):
    path = tmp_path / "weights.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        DESIGN.bind(RunOptions("econt_chip", tmp_path, model=path))


def test_a_pickled_weight_file_is_refused(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, **{"one/w_conv": np.array([{}], dtype=object)})
    with pytest.raises(BadInputError, match="cannot read"):
        DESIGN.bind(RunOptions("econt_chip", tmp_path, model=path))
