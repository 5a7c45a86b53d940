"""The autoencoder block of the CMS HGCAL concentrator ASIC as it was taped out, with programmable weights.

48 codes of 7 bits -> charges -> image mux -> calibration -> module sum, its 9-bit code, power-of-two
normalisation -> 8 x 8 image -> convolution and dense layer whose products are truncated one by one -> 9 bits.
The 2144 weights of 6 bits (12 864 bits) sit in registers, in the order and packing of the chip's 12 I2C blocks.
Arithmetic: Di Guglielmo et al., IEEE TNS 68 (2021) 2179, and the public test vectors of the ECON-T.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from codesign.data.arrays import read_arrays
from codesign.data.codes import encode
from codesign.data.geometry import AE_IMAGE_INDEX
from codesign.data.shower import DROP_BITS, generate
from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.flows.design import Bound, Case, Design, refuse_options
from codesign.graph import Graph, Node, Port
from codesign.ops import (
    Constant,
    Conv2d,
    Dense,
    Gather,
    Input,
    Normalise,
    PackFloat,
    Parameter,
    Requantise,
    Reshape,
    UnpackFloat,
)
from codesign.options import RunOptions

CELLS, FILTERS, LATENTS = 48, 8, 16
WEIGHT = Fixed(6, 5, signed=True)
CALIBRATION_SHIFT = 11  # a calibration factor of 2048 is one
INPUT_FRAC, SUM_FRAC, LATENT_FRAC = 7, 7, 8
PARAMETERS = {"w_conv": 72, "b_conv": 8, "w_dense": 2048, "b_dense": 16}
CUTS = ("norm", "relu", "latent")
EMBEDDED_SETS = 2
LARGEST_DROP = 8
SET_NAME = re.compile(r"\w[\w.+-]*")  # it names a folder
DEFAULT_MUX = tuple(int(cell) for cell in np.argsort(AE_IMAGE_INDEX))  # codes in CALQ order


@dataclass(frozen=True)
class Settings:
    """What is fixed at emission: image mux, calibration factors (2048 is one), dropped bits of the codes."""

    mux: tuple[int, ...] = DEFAULT_MUX
    calibration: tuple[int, ...] = (1 << CALIBRATION_SHIFT,) * CELLS
    drop: int = DROP_BITS

    def __post_init__(self) -> None:
        if len(self.mux) != CELLS or not all(0 <= cell < CELLS for cell in self.mux):
            raise BadInputError(f"mux must hold {CELLS} numbers of 0..{CELLS - 1}")
        if len(self.calibration) != CELLS or not all(0 < factor < 1 << 12 for factor in self.calibration):
            raise BadInputError(f"calibration must hold {CELLS} factors of 1..4095 (2048 is one)")
        if not 0 <= self.drop <= LARGEST_DROP:
            raise BadInputError(f"drop must be one number of 0..{LARGEST_DROP}, not {self.drop}")


def build(settings: Settings, name: str = "econt_chip") -> Graph:
    """Return the integer graph of the block."""
    charge = Fixed.covering(0, (15 << 14 << settings.drop) * max(settings.calibration) >> (CALIBRATION_SHIFT - 1))
    nodes = (
        Node("codes", Input((CELLS,), Fixed(7))),
        *(Node(key, Parameter((size,), WEIGHT)) for key, size in PARAMETERS.items()),
        Node("charge", UnpackFloat(4, 3, settings.drop, half=True), ("codes",)),
        Node("mux", Gather(settings.mux, (CELLS,)), ("charge",)),
        Node("calq", Requantise(charge, settings.calibration, (0,) * CELLS, CALIBRATION_SHIFT), ("mux",)),
        Node("ones", Constant(np.ones((1, CELLS), np.int64))),
        Node("none", Constant(np.zeros(1, np.int64))),
        Node("sum", Dense(), ("calq", "ones", "none")),
        Node("sum_code", PackFloat(5, 4), ("sum",)),
        Node("norm", Normalise(INPUT_FRAC), ("calq", "sum")),
        Node("image", Gather(_image_index(), (1, 8, 8)), ("norm",)),
        Node("conv_weight", Gather(_conv_weight_index(), (FILTERS, 1, 3, 3)), ("w_conv",)),
        Node(
            "conv",
            # One row and one column of zeros at the bottom and on the right.
            Conv2d((2, 2), (0, 1, 0, 1), truncate=_truncate(INPUT_FRAC, SUM_FRAC), bias_shift=SUM_FRAC - WEIGHT.frac),
            ("image", "conv_weight", "b_conv"),
        ),
        Node("relu", Requantise(Fixed(12, SUM_FRAC)), ("conv",)),
        Node("flat", Gather(_flatten_index(), (128,)), ("relu",)),
        Node("dense_weight", Reshape((LATENTS, 128)), ("w_dense",)),
        Node(
            "dense",
            Dense(truncate=_truncate(SUM_FRAC, LATENT_FRAC), bias_shift=LATENT_FRAC - WEIGHT.frac),
            ("flat", "dense_weight", "b_dense"),
        ),
        Node("latent", Requantise(Fixed(9, LATENT_FRAC)), ("dense",)),
    )
    outputs = (Port("latent", (2.0**-LATENT_FRAC,)), Port("sum_code"))
    return Graph(name, nodes, (Port("codes"),), outputs)


def _truncate(operand_frac: int, result_frac: int) -> int:
    """Bits dropped from every product of a weight and an operand."""
    return operand_frac + WEIGHT.frac - result_frac


def _image_index() -> tuple[int, ...]:
    """Cells 0..31 fill rows 0-3, cells 32..47 rows 4-7 columns 0-3, the rest is zero (-1)."""
    image = np.full((8, 8), -1)
    image[:4] = np.arange(32).reshape(4, 8)
    image[4:, :4] = np.arange(32, 48).reshape(4, 4)
    return tuple(int(cell) for cell in image.ravel())


def _conv_weight_index() -> tuple[int, ...]:
    """The registers hold (row, column, filter), the operator reads (filter, channel, row, column)."""
    stored = np.arange(72).reshape(3, 3, FILTERS)
    return tuple(int(index) for index in stored.transpose(2, 0, 1).ravel())


def _flatten_index() -> tuple[int, ...]:
    """The chip flattens (row, column, filter), the convolution gives (filter, row, column)."""
    result = np.arange(128).reshape(FILTERS, 4, 4)
    return tuple(int(index) for index in result.transpose(1, 2, 0).ravel())


def bind(options: RunOptions) -> Bound:
    """Bind the block to weight sets (`--model`) and codes (`--data`), both npz in the layout of docs/econt_chip.md.

    A model file that also holds codes needs no data file. Without files: seeded random weight sets and the
    embedded generator. Golden outputs that belong to the codes, in the data or model file, are compared too.
    """
    refuse_options(options, "weight_bits", "input_format", "rounding", "drop_bits")
    model = read_arrays(options.model) if options.model else {}
    data = read_arrays(options.data) if options.data else model
    settings = _settings({**model, **data})
    # Golden outputs of a model file belong to its own codes, where it has codes.
    cases = _cases(model, data if "codes_premux" in model else {**model, **data}) if model else _embedded_cases()
    codes = _codes(data, options)
    files = tuple(path for path in (options.model, options.data) if path)
    return Bound(build(settings), {"codes": codes}, cases, cuts=CUTS, files=files)


def _settings(data: Mapping[str, Integers]) -> Settings:
    given = {key: data[key] for key in ("mux", "calibration") if key in data}
    fields = {key: tuple(int(value) for value in _whole(key, array).ravel()) for key, array in given.items()}
    drop = _whole("drop", data["drop"]) if "drop" in data else np.array(DROP_BITS)
    if drop.size != 1:
        raise BadInputError(f"drop must be one number of 0..{LARGEST_DROP}, not an array of {drop.shape}")
    return Settings(**fields, drop=int(drop.item()))


def _codes(data: Mapping[str, Integers], options: RunOptions) -> Integers:
    if "codes_premux" not in data:
        if options.data:
            raise BadInputError(f"{options.data} has no array 'codes_premux' (events, {CELLS})")
        return encode(generate(options.vectors or DESIGN.vectors, seed=7), drop=DROP_BITS)
    codes = _whole("codes_premux", data["codes_premux"])
    if codes.ndim != 2 or codes.shape[1] != CELLS or not len(codes):
        raise BadInputError(f"codes_premux must be (events, {CELLS}) with at least one event, not {codes.shape}")
    if codes.min() < 0 or codes.max() > 127:
        raise BadInputError(f"codes_premux must hold codes of 0..127, not {codes.min()}..{codes.max()}")
    return codes[: options.vectors]


def _cases(model: Mapping[str, Integers], data: Mapping[str, Integers]) -> tuple[Case, ...]:
    names = sorted({key.split("/")[0] for key in model if key.endswith("/w_conv")})
    if not names:
        raise BadInputError(
            "the model file has no weight set: it needs arrays '<set>/w_conv', b_conv, w_dense, b_dense"
        )
    wrong = [name for name in names if not SET_NAME.fullmatch(name)]
    if wrong:
        raise BadInputError(f"weight set {wrong[0]!r} must be named with letters, digits, '_', '.', '+' and '-' only")
    return tuple(Case(name, _parameters(name, model), _golden(name, data)) for name in names)


def _parameters(name: str, model: Mapping[str, Integers]) -> dict[str, Integers]:
    parameters = {}
    for key, size in PARAMETERS.items():
        if f"{name}/{key}" not in model:
            raise BadInputError(f"weight set '{name}' has no array '{name}/{key}'")
        values = _whole(f"{name}/{key}", model[f"{name}/{key}"])
        if values.size != size or values.min() < WEIGHT.low or values.max() > WEIGHT.high:
            raise BadInputError(f"'{name}/{key}' must hold {size} integers of {WEIGHT.low}..{WEIGHT.high}")
        parameters[key] = values.ravel()
    return parameters


def _golden(name: str, arrays: Mapping[str, Integers]) -> dict[str, Integers]:
    """Outputs that the files give: all latents, or the first n under the name out9_first<n>; and the sum code."""
    keys = {key: "latent" for key in arrays if key.startswith(f"{name}/out9")}
    keys |= {key: "sum_code" for key in arrays if key == "sum_code9"}
    events = len(arrays.get("codes_premux", ()))
    return {
        node: _golden_array(key, arrays[key], events, LATENTS if node == "latent" else 1) for key, node in keys.items()
    }


def _golden_array(key: str, array: Integers, events: int, columns: int) -> Integers:
    """One row for every event of the file, with up to `columns` columns."""
    rows = _whole(key, array[:, None] if array.ndim == 1 and columns == 1 else array)
    if rows.ndim != 2 or len(rows) != events or not 1 <= rows.shape[1] <= columns:
        wanted = f"({events}, 1..{columns})" if columns > 1 else f"({events},)"
        raise BadInputError(f"'{key}' must be {wanted} as codes_premux has {events} events, not {array.shape}")
    return rows


def _embedded_cases() -> tuple[Case, ...]:
    rng = np.random.default_rng(64)
    return tuple(
        Case(f"random_{k}", {key: rng.integers(WEIGHT.low, WEIGHT.high + 1, size) for key, size in PARAMETERS.items()})
        for k in range(EMBEDDED_SETS)
    )


def _whole(name: str, values: Integers) -> Integers:
    if values.dtype.kind not in "iu":
        raise BadInputError(f"'{name}' must hold integers, not {values.dtype}")
    return values.astype(np.int64)


DESIGN = Design(
    name="econt_chip",
    title="ECON-T autoencoder block as taped out, programmable weights",
    clock_ns=25.0,
    constraints=("ii <= 25 ns", "latency <= 100 ns", "area <= 4 mm2", "power <= 100 mW"),
    vectors=500,
    bind=bind,
)
