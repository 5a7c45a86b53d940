"""Operators that work element by element, with constants as operands: one instance serves many elements in turn."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from codesign.fixed import Integers
from codesign.graph import TensorType


@dataclass(frozen=True, eq=False)
class ElementPort:
    """A port that takes the constants of an element: `values` (elements, constants), each of `width` bits."""

    name: str
    values: Integers
    width: int


@dataclass(frozen=True, eq=False)
class Element:
    """A template for one element: ports x and y, and ports for the constants of the element."""

    module: str
    parameters: tuple[tuple[str, str], ...]
    ports: tuple[ElementPort, ...]


class ElementForm(ABC):
    """What an operator with one operand adds to `Op` to share its hardware between the phases of a serial node."""

    @abstractmethod
    def element(self, data: TensorType) -> Element:
        """Return the template of one element of an operand of type `data`."""
