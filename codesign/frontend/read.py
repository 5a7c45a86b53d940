"""Reads the numbers out of Brevitas layers: the only code that knows Brevitas's proxies and quantised tensors."""

from fractions import Fraction
from typing import Any

import numpy as np
import torch
from brevitas.core.quant.int import RescalingIntQuant
from brevitas.proxy.runtime_quant import ActQuantProxyFromInjector, DynamicActQuantProxyFromInjector
from brevitas.quant_tensor import IntQuantTensor
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.errors import BadInputError
from codesign.fixed import MAX_WIDTH, Integers
from codesign.frontend.affine import bias_terms
from codesign.frontend.values import Numbers, Quantiser, fractions
from codesign.rescale import RoundingMode

_ROUNDING: dict[str, RoundingMode] = {
    "ROUND": "half_even",
    "FLOOR": "floor",
    "CEIL": "ceil",
    "ROUND_TO_ZERO": "to_zero",
}
_INTEGER_TOLERANCE = 1e-6  # a quantised weight divided by its scale is off an integer by float64 rounding only


def array(tensor: Tensor) -> NDArray[np.float64]:
    """Return a tensor as a float64 array."""
    return np.asarray(tensor.detach().cpu().double().numpy(), dtype=np.float64)


def value_of(result: Any) -> Tensor:
    """Return the plain tensor of a tensor or a quantised tensor."""
    tensor: Tensor = result.value if hasattr(result, "value") and hasattr(result, "scale") else result
    return tensor


def quantiser(proxy: Any, path: str) -> Quantiser:
    """Return what the activation quantiser of module `path` computes.

    Raises `BadInputError` for a disabled, dynamic, non-integer or never initialised quantiser.
    """
    relu = _checked_relu(proxy, path)
    bits, scale, zero_point = (array(part()) for part in (proxy.bit_width, proxy.scale, proxy.zero_point))
    width, signed, narrow = round(float(bits)), bool(proxy.is_signed), bool(proxy.is_narrow_range)
    if not 1 <= width <= MAX_WIDTH:
        raise BadInputError(f"'{path}': bit width {float(bits)} must be 1 to {MAX_WIDTH}")
    _check_scale(scale, path)
    channels = max(_channels(scale, 1, path), _channels(zero_point, 1, path))
    return Quantiser(
        path,
        width,
        signed,
        low=-(1 << (width - 1)) + int(narrow) if signed else 0,
        high=(1 << (width - 1)) - 1 if signed else (1 << width) - 1 - int(narrow),
        scale=fractions(np.broadcast_to(scale.ravel(), channels)),
        zero_point=fractions(np.broadcast_to(zero_point.ravel(), channels)),
        rounding=_rounding(proxy, path),
        relu=relu,
    )


def _checked_relu(proxy: Any, path: str) -> bool:
    """Return whether the quantiser applies a ReLU first, after checking that it can be captured at all."""
    if not getattr(proxy, "is_quant_enabled", False):
        raise BadInputError(f"'{path}': its quantiser is disabled, so no scale exists; give it an act_quant")
    if not isinstance(proxy, ActQuantProxyFromInjector) or isinstance(proxy, DynamicActQuantProxyFromInjector):
        raise BadInputError(f"'{path}': {type(proxy).__name__} is not supported; use an integer act_quant, fixed scale")
    fused = proxy.fused_activation_quant_proxy
    if not isinstance(fused.tensor_quant, RescalingIntQuant):
        raise BadInputError(f"'{path}': {type(fused.tensor_quant).__name__} is not supported; use an integer act_quant")
    scaling = fused.tensor_quant.scaling_impl
    if getattr(scaling, "counter", 1) == 0:
        raise BadInputError(f"'{path}': its scale was never learned; train it, load its state, or fix scaling_init")
    if isinstance(fused.activation_impl, nn.ReLU):
        return True
    kind = type(fused.activation_impl).__name__
    if kind not in ("Identity", "Sigmoid", "Tanh"):  # what a table computes is no part of the quantiser
        raise BadInputError(f"'{path}': activation {kind} is not supported; use QuantReLU or QuantIdentity")
    return False


def _rounding(proxy: Any, path: str) -> RoundingMode:
    mode = str(proxy.rounding_mode).upper().rsplit(".", maxsplit=1)[-1]
    if mode not in _ROUNDING:
        raise BadInputError(f"'{path}': rounding mode {mode} is not supported; use one of {', '.join(_ROUNDING)}")
    return _ROUNDING[mode]


def _check_scale(scale: NDArray[np.float64], path: str) -> None:
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise BadInputError(f"'{path}': its scale is missing, zero or not finite; train or set the scale")


def _channels(numbers: NDArray[np.float64], axis: int, path: str) -> int:
    """Return how many channels the scale or zero point has, all along `axis`."""
    if numbers.size > 1 and (numbers.ndim <= axis or numbers.shape[axis] != numbers.size):
        raise BadInputError(f"'{path}': scale of shape {numbers.shape} is neither per tensor nor per channel")
    return numbers.size


def weights(layer: Any, path: str, quant_input: Any) -> tuple[Integers, Numbers]:
    """Return the layer's weights as integers around real zero and their scale, one or one per output channel."""
    weight = layer.quant_weight(quant_input)
    if not isinstance(weight, IntQuantTensor):
        raise float_weights(path)
    scale = array(weight.scale)
    _check_scale(scale, path)
    _channels(scale, 0, path)
    ratio = array(weight.value) / scale
    integers = np.rint(ratio)
    if np.abs(ratio - integers).max() > _INTEGER_TOLERANCE:
        raise BadInputError(f"'{path}': zero point of the weights is no integer; use quantize_zero_point=True")
    return integers.astype(np.int64), fractions(scale)


def bias(layer: Any, quant_input: Any, accumulator_scale: Numbers) -> tuple[Numbers, Integers | None]:
    """Return the layer's bias: its real values, and its integers if it lies on the accumulator's grid."""
    if layer.bias is None:
        return (Fraction(0),), np.zeros(1, np.int64)
    result = layer.bias_quant(layer.bias, quant_input, layer.quant_weight(quant_input))
    real = fractions(array(value_of(result)))
    if not isinstance(result, IntQuantTensor):
        return bias_terms(real, None, (), accumulator_scale)
    own = np.broadcast_to(array(result.scale).ravel(), (len(real),))
    integers = np.rint(np.broadcast_to(array(result.value) / array(result.scale).ravel(), (len(real),)))
    return bias_terms(real, integers.astype(np.int64), fractions(own), accumulator_scale)


def float_weights(path: str) -> BadInputError:
    """Return the error for a layer whose weights have no quantiser."""
    return BadInputError(f"'{path}': weights are float; name a bit width for them with weight_bits (quantise_weights)")


def check_finite(model: nn.Module) -> None:
    """Raise `BadInputError` naming the first parameter or buffer that holds NaN or infinity."""
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise BadInputError(f"'{name}' holds NaN or infinity; load or train the model again")
