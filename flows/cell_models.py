"""Functional Verilog of library cells, written from the functions and flip-flops of the liberty file.

No delay, no unknown values: what the cells compute, so that a mapped netlist can be simulated by any simulator. One
instance stands for WIDTH cells: bit k of every pin is that of cell k. They have clock, clear and preset in common.
"""

from collections.abc import Iterable, Iterator

from codesign.errors import BadInputError
from codesign.flows.liberty import Cell, FlipFlop, Library
from codesign.flows.logic import Expression
from codesign.verilog_names import check_identifier

_OPERATORS = {"and": "&", "or": "|", "xor": "^"}


def cell_models(library: Library, kinds: Iterable[str]) -> str:
    """Return a Verilog module for every cell type in `kinds`.

    Raises `BadInputError` for a cell that the library has not, that stores otherwise than in one edge-triggered bit,
    or that has an output without a function.
    """
    return "\n".join("\n".join(_model(_known(library, kind))) for kind in sorted(set(kinds)))


def _known(library: Library, kind: str) -> Cell:
    cell = library.cells.get(kind)
    if cell is None or cell.latch:
        raise BadInputError(f"cell {kind} of the netlist is no gate or flip-flop of library {library.name}")
    nameless = [name for name in cell.outputs if cell.pins[name].function is None]
    if nameless or any(pin.three_state for pin in cell.pins.values()):
        what = f"output {nameless[0]} without a function" if nameless else "a three-state output"
        raise BadInputError(f"cell {kind} of library {library.name} has {what}: mark it dont_use in the liberty file")
    return cell


def _model(cell: Cell) -> Iterator[str]:
    for name in (cell.name, *cell.inputs, *cell.outputs):
        check_identifier(name, f"a pin of cell {cell.name}" if name != cell.name else "a cell")
    yield f"module {cell.name} #(parameter WIDTH = 1) ({', '.join((*cell.inputs, *cell.outputs))});"
    yield from (f"  input [WIDTH-1:0] {name};" for name in cell.inputs)
    yield from (f"  output [WIDTH-1:0] {name};" for name in cell.outputs)
    if cell.flip_flop is not None:
        yield from _storage(cell.flip_flop)
    for name in cell.outputs:
        function = cell.pins[name].function
        assert function is not None
        yield f"  assign {name} = {verilog(function)};"
    yield "endmodule\n"


def common_pins(cell: Cell) -> tuple[str, ...]:
    """Return the pins that cells of one instance have in common: clock, clear and preset of a flip-flop, sorted."""
    flip_flop = cell.flip_flop
    events = (flip_flop.clocked_on, flip_flop.clear, flip_flop.preset) if flip_flop is not None else ()
    return tuple(sorted({name for event in events if event is not None for name in event.variables}))


def _storage(flip_flop: FlipFlop) -> Iterator[str]:
    """Bits that load at their clock's edge; clear and preset act at once, preset above clear."""
    acting = [(condition, value) for condition, value in ((flip_flop.preset, 1), (flip_flop.clear, 0)) if condition]
    yield f"  reg [WIDTH-1:0] {flip_flop.state};"
    if flip_flop.inverse:
        yield f"  wire [WIDTH-1:0] {flip_flop.inverse} = ~{flip_flop.state};"
    edges = " or ".join(_edge(event) for event in (flip_flop.clocked_on, *(condition for condition, _ in acting)))
    yield f"  always @({edges})"
    for condition, value in acting:
        yield f"    if ({verilog(condition, '[0]')}) {flip_flop.state} <= {{WIDTH{{1'b{value}}}}}; else"
    yield f"    {flip_flop.state} <= {verilog(flip_flop.next_state)};"


def _edge(event: Expression) -> str:
    """Return the event at which `event` becomes true."""
    if event.operator == "not" and event.operands[0].operator == "variable":
        return f"negedge {event.operands[0].name}[0]"
    return f"posedge {verilog(event, '[0]')}"


def verilog(function: Expression, bit: str = "") -> str:
    """Return a boolean function as a Verilog expression of all cells of an instance, or of the `bit` that is named."""
    if function.operator == "variable":
        return f"{function.name}{bit}"
    if function.operator == "constant":
        return f"{{WIDTH{{1'b{function.name}}}}}"
    operands = [verilog(operand, bit) for operand in function.operands]
    if function.operator == "not":
        return f"~{operands[0]}"
    return f"({f' {_OPERATORS[function.operator]} '.join(operands)})"
