"""One traced call of a torch model, as the handlers that lower it see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from codesign.errors import BadInputError
from codesign.frontend import read
from codesign.frontend.record import Call
from codesign.frontend.values import Builder, Value


@dataclass(frozen=True)
class Site:
    """One call to lower: the values and torch objects it reads, and the result that torch computed.

    `leading`: axes before the value's own, 1 for a batch or 0. `tracked` are the values among all operands of the
    call, None for others; `values` those alone.
    """

    call: Call
    tracked: tuple[Value | None, ...]
    arguments: tuple[Any, ...]
    result: Any
    leading: int = 1

    @property
    def values(self) -> tuple[Value, ...]:
        """The tracked operands."""
        return tuple(value for value in self.tracked if value is not None)

    @property
    def path(self) -> str:
        """Path of the module, or name of the fx node."""
        return self.call.path

    @property
    def value(self) -> Value:
        """The first tracked operand."""
        return self.values[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result without the batch axis."""
        return tuple(read.value_of(self.result).shape[self.leading :])

    def option(self, position: int, name: str, default: Any) -> Any:
        """Return an fx argument by position or name."""
        node = self.call.node
        return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)

    def axis(self, position: int, name: str, axes: int) -> int:
        """Return an fx argument that counts axes of a value with `axes` axes: 0 is the first behind the batch.

        A negative result is the batch axis. Raises `BadInputError` for several axes.
        """
        given = self.option(position, name, 0)
        if not isinstance(given, int):
            raise BadInputError(f"'{self.path}': {name} must be one whole number, not {given}")
        return given if given < 0 and given + axes < 0 else given % (axes + self.leading) - self.leading


Handler = Callable[[Builder, Site], Value]
