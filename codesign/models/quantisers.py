"""What our models share: Brevitas quantisers with learned float thresholds, their calibration, weights handed on."""

import math
from collections.abc import Sequence
from typing import Any

import brevitas.nn as qnn
import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    Uint8ActPerTensorFixedPoint,
    Uint8ActPerTensorFloat,
)
from torch import Tensor, nn

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.models.checkpoint import M

BIT_RANGE = (2, 16)
# The percentile Brevitas itself uses for activation ranges: one value in 1e5 may saturate.
CALIBRATION_QUANTILE = 0.99999
MAX_FRAC = 16
# Where Brevitas keeps the learned threshold of an activation quantiser.
THRESHOLD_NAME = "act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value"


def check_bits(name: str, bits: Any) -> None:
    """Raise `BadInputError` unless `bits` is a whole number of `BIT_RANGE`."""
    low, high = BIT_RANGE
    if isinstance(bits, bool) or not isinstance(bits, int) or not low <= bits <= high:
        raise BadInputError(f"{name} must be a whole number from {low} to {high}, got {bits!r}")


def quantised_identity(bits: int, signed: bool, carries_scale: bool) -> nn.Module:
    """Quantiser with one learned float threshold; `carries_scale` hands the scale on to the next layer's bias."""
    quantiser: nn.Module = qnn.QuantIdentity(
        act_quant=Int8ActPerTensorFloat if signed else Uint8ActPerTensorFloat,
        bit_width=bits,
        scaling_impl_type=ScalingImplType.PARAMETER,
        scaling_init=1.0,
        return_quant_tensor=carries_scale,
    )
    return quantiser


def quantised_relu(bits: int, carries_scale: bool) -> nn.Module:
    """Unsigned quantiser behind a ReLU, with one learned float threshold; `carries_scale` as above."""
    relu: nn.Module = qnn.QuantReLU(
        bit_width=bits,
        scaling_impl_type=ScalingImplType.PARAMETER,
        scaling_init=1.0,
        return_quant_tensor=carries_scale,
    )
    return relu


def fixed_quantiser(fixed: Fixed) -> nn.Module:
    """Quantiser to the numbers of `fixed`: nothing is learned, the scale is 2**-frac."""
    quantiser: nn.Module = qnn.QuantIdentity(
        act_quant=Int8ActPerTensorFixedPoint if fixed.signed else Uint8ActPerTensorFixedPoint,
        bit_width=fixed.width,
        scaling_impl_type=ScalingImplType.CONST,
        scaling_init=2.0 ** (fixed.width - int(fixed.signed) - fixed.frac),
        return_quant_tensor=False,
    )
    return quantiser


def weight_quantiser(per_channel: bool) -> Any:
    """Symmetric narrow-range weights: one scale a layer, or one an output channel."""
    return Int8WeightPerChannelFloat if per_channel else Int8WeightPerTensorFloat


def threshold(quantiser: nn.Module) -> nn.Parameter:
    """Return the learned threshold of an activation quantiser, shape (): the magnitude of its highest code."""
    return quantiser.get_parameter(THRESHOLD_NAME)


def with_weights_of(model: M, twin: M) -> M:
    """Return `twin` in evaluation mode with every tensor that `model` has under the same name."""
    wanted = twin.state_dict()
    state = {name: value for name, value in model.state_dict().items() if name in wanted}
    twin.load_state_dict(wanted | state)
    return twin.eval()


@torch.no_grad()
def values_met(floating: nn.Module, paths: Sequence[str], *inputs: Tensor) -> dict[str, Tensor]:
    """Return what reaches each module in `paths` while `floating` evaluates `inputs`."""
    met: dict[str, Tensor] = {}
    hooks = [
        floating.get_submodule(path).register_forward_pre_hook(
            lambda _module, given, path=path: met.__setitem__(path, given[0].detach())
        )
        for path in paths
    ]
    floating(*inputs)
    for hook in hooks:
        hook.remove()
    return met


@torch.no_grad()
def calibrate(quantised: nn.Module, floating: nn.Module, paths: Sequence[str], *inputs: Tensor) -> None:
    """Set the threshold of each quantiser in `paths` to the `CALIBRATION_QUANTILE` of what it meets on `inputs`.

    The values, by magnitude, are those that reach the module of the same path in `floating`, the twin without
    quantisers. (Brevitas's own calibration runs inside the first 300 training steps and is lost when a run is resumed.)
    """
    for path, values in values_met(floating, paths, *inputs).items():
        _set_threshold(threshold(quantised.get_submodule(path)), values)


def best_fixed(values: Tensor, bits: int) -> Fixed:
    """Return the format of `bits` bits, point in 0..`MAX_FRAC`, of least mean squared error on `values`.

    It is signed if any value is negative.
    """
    signed = bool((values < 0).any())
    found = [Fixed(bits, frac, signed) for frac in range(MAX_FRAC + 1)]
    return min(found, key=lambda fixed: float((_rounded(values, fixed) - values).square().mean()))


def _rounded(values: Tensor, fixed: Fixed) -> Tensor:
    step = 2.0**-fixed.frac
    return (values / step).round().clamp(fixed.low, fixed.high) * step


def _set_threshold(value: nn.Parameter, met: Tensor) -> None:
    magnitudes = met.abs().flatten().sort().values
    rank = min(math.ceil(CALIBRATION_QUANTILE * len(magnitudes)), len(magnitudes) - 1)
    value.fill_(max(float(magnitudes[rank]), torch.finfo(torch.float32).eps))
