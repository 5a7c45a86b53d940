"""One ONNX node to lower, with its operands: tracked values, constants, or integers of an unfinished QuantizeLinear."""

from dataclasses import dataclass

from codesign.frontend.qonnx_constants import Known
from codesign.frontend.qonnx_model import OnnxNode
from codesign.frontend.qonnx_qcdq import Pending
from codesign.frontend.quantise import materialise_pad
from codesign.frontend.values import NO_PAD, Builder, Value

Result = Value | Pending | Known


@dataclass(frozen=True, eq=False)
class Site:
    """One node: its operands (None where left out) and the size of the batch axis in the file.

    `bias` is the constant of an Add that alone reads the result, which a layer with weights takes over. `readers` read
    the result, and `is_output` says whether it is an output of the model.
    """

    node: OnnxNode
    operands: tuple[Result | None, ...]
    batch: int
    bias: Known | None = None
    readers: tuple[OnnxNode, ...] = ()
    is_output: bool = False

    @property
    def path(self) -> str:
        """Name of the node."""
        return self.node.path

    def value(self, position: int = 0) -> Value:
        """Return a tracked operand; `BadInputError` for anything else."""
        operand = self.operands[position]
        if isinstance(operand, Value):
            return operand
        found = "integers without a DequantizeLinear" if isinstance(operand, Pending) else "a constant"
        raise self.node.error(f"operand {position} of {self.node.kind} must be a value, not {found}")

    def known(self, position: int) -> Known:
        """Return a constant operand; `BadInputError` for anything else."""
        operand = self.optional(position)
        if operand is None:
            raise self.node.error(f"{self.node.kind} needs operand {position}")
        return operand

    def optional(self, position: int) -> Known | None:
        """Return a constant operand, None if it is left out."""
        operand = self.operands[position] if position < len(self.operands) else None
        if isinstance(operand, Known) and not operand.values.size:
            raise self.node.error(f"operand {position} of {self.node.kind} is empty")
        if operand is None or isinstance(operand, Known):
            return operand
        raise self.node.error(f"operand {position} of {self.node.kind} must be constant, not computed from the input")

    def with_constant(self) -> tuple[Value, Known | None]:
        """Return the tracked operand of two, and the other one if it is constant."""
        left, right = self.operands
        if isinstance(left, Known):
            return self.value(1), left
        return self.value(0), right if isinstance(right, Known) else None

    def unpadded(self, builder: Builder) -> Value:
        """Return the tracked operand with its pending zero padding done."""
        value = self.value() if isinstance(self.operands[0], Value) else self.value(1)
        return materialise_pad(builder, value, self.path) if value.pad != NO_PAD else value

    def full_shape(self) -> tuple[int, ...]:
        """Return the shape of the tracked operand with the batch axis."""
        value = self.value()
        if value.pad != NO_PAD:
            raise self.node.error("padding is supported only before a convolution")
        return (self.batch, *value.shape)
