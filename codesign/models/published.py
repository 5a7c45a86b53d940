"""Third-party ECON-T autoencoders: Brevitas state dicts (O. Weng, 2023) stored as npz archives of plain arrays."""

import re
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from codesign.errors import BadInputError
from codesign.models.econt import Architecture, AutoEncoder
from codesign.models.state import load_state, refuse_pickle

NAME_OF_ACTIVATION_QUANTISED = re.compile(r"qr(?P<activation>\d+)_qi(?P<latent>\d+)_qinp(?P<input>\d+)$")
NAME_OF_ALL_QUANTISED = re.compile(r"qall$")
# The models with quantised weights were all trained at these widths.
ALL_QUANTISED = Architecture(
    input_bits=11, input_signed=True, activation_bits=12, latent_bits=10, latent_signed=True, bias_quantised=False
)
LAYER_NAMES = {
    "encoder.input_quant.": "encoder.input_quant.",
    "encoder.qconv.": "encoder.conv.",
    "encoder.conv.": "encoder.conv.",
    "encoder.bn1.": "encoder.conv_norm.",
    "encoder.qrelu.": "encoder.conv_act.",
    "encoder.qenc_dense.": "encoder.dense.",
    "encoder.enc_dense.": "encoder.dense.",
    "encoder.bn2.": "encoder.dense_norm.",
    "encoder.qlinear_act.": "encoder.latent.",
    "decoder.dec_dense.": "decoder.dense.",
    "decoder.convtrans2d1.": "decoder.upsample.",
    "decoder.convtrans2d2.": "decoder.image.",
}
# The training class kept a second reference to the input quantiser; its tensors repeat those of the encoder's.
DUPLICATE_PREFIX = "input_quant."


def load_published(path: Path, architecture: Architecture | None = None) -> AutoEncoder:
    """Return the stored third-party model in evaluation mode.

    The bit widths are not in the file; they come from its name (`...qr<activation>_qi<latent>_qinp<input>.npz` or
    `...qall.npz`) or from `architecture`. Raises `BadInputError` for a missing, damaged or pickled file, an unknown or
    missing tensor, a wrong shape, NaN, or a name that tells no bit widths.
    """
    path = Path(path)
    refuse_pickle(path)
    state = _renamed(read_npz(path), path)
    model = AutoEncoder(architecture or _architecture_of(path))
    load_state(model, state, path)
    return model.eval()


def _architecture_of(path: Path) -> Architecture:
    if NAME_OF_ALL_QUANTISED.search(path.stem):
        return ALL_QUANTISED
    bits = NAME_OF_ACTIVATION_QUANTISED.search(path.stem)
    if bits is None:
        raise BadInputError(
            f"{path}: the name tells no bit widths; name it ..._qall.npz or ..._qr<bits>_qi<bits>_qinp<bits>.npz"
        )
    return Architecture(
        input_bits=int(bits["input"]),
        input_signed=True,
        weight_bits=None,
        activation_bits=int(bits["activation"]),
        latent_bits=int(bits["latent"]),
        latent_signed=True,
        batch_norm=True,
        bias_quantised=False,
    )


def read_npz(path: Path) -> dict[str, Tensor]:
    """Return the tensors of an npz archive; `BadInputError` for a damaged file or one that holds objects."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: torch.tensor(archive[name]) for name in archive.files}
    except (OSError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise BadInputError(f"{path} is not a complete npz archive of numbers: {str(error).splitlines()[0]}") from error


def _renamed(arrays: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    state = {}
    for name, value in arrays.items():
        if name.startswith(DUPLICATE_PREFIX):
            _check_duplicate(arrays, name, path)
        else:
            state[_layer_name(name, path)] = value
    return state


def _check_duplicate(arrays: dict[str, Tensor], name: str, path: Path) -> None:
    original = arrays.get(f"encoder.{name}")
    if original is None or not torch.equal(original, arrays[name]):
        raise BadInputError(f"{path}: tensor {name!r} differs from 'encoder.{name}', which it should repeat")


def _layer_name(name: str, path: Path) -> str:
    for old, new in LAYER_NAMES.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    raise BadInputError(f"{path}: tensor {name!r} is unknown; the file holds no ECON-T autoencoder")
