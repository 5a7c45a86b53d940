"""One emitted Verilog module, read with pyslang: its ports, signals and statements, and text with other names in it.

Reads what the flow emits (one module a file, named connections, declarations before use), not all of Verilog.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pyslang.parsing import TokenKind
from pyslang.syntax import SyntaxKind, SyntaxTree

from codesign.errors import BadInputError

Span = tuple[int, int]
Names = Callable[[str], str]
_NAMES = (SyntaxKind.IdentifierName, SyntaxKind.IdentifierSelectName, SyntaxKind.Declarator)
_LABELS = (SyntaxKind.InstanceName, SyntaxKind.NamedBlockClause)
_NESTS = (
    SyntaxKind.GenerateRegion, SyntaxKind.IfGenerate, SyntaxKind.ElseClause, SyntaxKind.LoopGenerate,
    SyntaxKind.GenerateBlock, SyntaxKind.CaseGenerate, SyntaxKind.StandardCaseItem, SyntaxKind.DefaultCaseItem,
)  # fmt: skip
_DECLARATIONS = (SyntaxKind.NetDeclaration, SyntaxKind.DataDeclaration)


@dataclass(frozen=True)
class _Token:
    """A name in the text: of a signal (or parameter), or a label: of an instance or a block in a process."""

    start: int
    text: str
    is_label: bool


@dataclass(frozen=True)
class PortSource:
    """A port: "input" or "output", and the text of its declaration before the name."""

    direction: str
    declaration: str


@dataclass(frozen=True)
class Connection:
    """A named connection of a port or parameter: where its expression stands, its text, the signals it names."""

    port: str
    span: Span
    text: str
    signals: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """A statement of a module, where it stands in the text, and what it drives.

    `module`, `name`, `parameters` and `connections` are those of an instance; `head` and `declared` (name to span of
    the declarator and whether it gives a value) those of a declaration.
    """

    kind: Literal["declaration", "assign", "process", "instance"]
    span: Span
    indent: str
    targets: tuple[str, ...] = ()
    module: str = ""
    name: str = ""
    parameters: tuple[Connection, ...] = ()
    connections: tuple[Connection, ...] = ()
    head: str = ""
    declared: Mapping[str, tuple[Span, bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class ModuleSource:
    """A module: `signals` maps every port, wire and variable to the text of its range ("" for one bit)."""

    name: str
    raw: str
    comment: tuple[str, ...]
    parameters: Mapping[str, str]
    ports: Mapping[str, PortSource]
    signals: Mapping[str, str]
    items: tuple[Item, ...]
    body: Span
    tokens: tuple["_Token", ...]

    @cached_property
    def instances(self) -> tuple[Item, ...]:
        """The instances of other modules."""
        return tuple(item for item in self.items if item.kind == "instance")

    @cached_property
    def _starts(self) -> list[int]:
        return [token.start for token in self.tokens]

    def signals_in(self, span: Span) -> set[str]:
        """Return the signals that stand in the text of `span`."""
        tokens = self.tokens[bisect_left(self._starts, span[0]) : bisect_left(self._starts, span[1])]
        return {token.text for token in tokens if token.text in self.signals}

    def renamed(self, span: Span, names: Names, label: str = "") -> str:
        """Return the text of `span` with every signal called what `names` says; `label` ends names of instances."""
        parts, at = [], span[0]
        for token in self.tokens[bisect_left(self._starts, span[0]) : bisect_left(self._starts, span[1])]:
            text = token.text + label if token.is_label else names(token.text)
            parts += [self.raw[at : token.start], text]
            at = token.start + len(token.text)
        return "".join([*parts, self.raw[at : span[1]]])

    def replace(self, texts: Mapping[Span, str]) -> str:
        """Return the body of the module with the text of every given span replaced."""
        parts, at = [], self.body[0]
        for (start, end), text in sorted(texts.items()):
            parts += [self.raw[at:start], text]
            at = end
        return "".join([*parts, self.raw[at : self.body[1]]])


def read_module(text: str) -> ModuleSource:
    """Read the one module of a Verilog text; `BadInputError` if it holds another number of modules."""
    tree = SyntaxTree.fromText(text)
    root: Any = tree.root
    modules = (
        [root]
        if root.kind == SyntaxKind.ModuleDeclaration
        else [node for node in root.members if node.kind == SyntaxKind.ModuleDeclaration]
    )
    if len(modules) != 1 or not text.isascii():
        raise BadInputError(f"a Verilog text must hold one module in ASCII, not {len(modules)}")
    return _Reader(text, modules[0]).read()


class _Reader:
    """Walks the syntax tree of one module."""

    def __init__(self, text: str, module: Any) -> None:
        self.text = text
        self.module = module
        self.signals: dict[str, str] = {}
        self.items: list[Item] = []

    def read(self) -> ModuleSource:
        """Return what stands in the module."""
        header = self.module.header
        ports = self._ports(header)
        for member in self.module.members:
            self._member(member)
        start, _ = _span(self.module)
        comment = tuple(line for line in self.text[:start].splitlines() if line.startswith("//"))
        _, opened = _span(header)
        closed, _ = _span(self.module.endmodule)
        return ModuleSource(
            header.name.valueText,
            self.text,
            comment,
            self._parameters(header),
            ports,
            self.signals,
            tuple(self.items),
            (opened, closed),
            tuple(_tokens(self.module)),
        )

    def _parameters(self, header: Any) -> dict[str, str]:
        if header.parameters is None:
            return {}
        found = {}
        for node in header.parameters.declarations:
            if _is_node(node):
                found[node.declarators[0].name.valueText] = self._text(node)
        return found

    def _ports(self, header: Any) -> dict[str, PortSource]:
        found = {}
        for port in header.ports.ports if header.ports is not None else ():
            if not _is_node(port):
                continue
            name = port.declarator.name
            at, _ = _span(port)
            found[name.valueText] = PortSource(port.header.direction.valueText, self.text[at : name.location.offset])
            self.signals[name.valueText] = self._range(port.header.dataType)
        return found

    def _member(self, node: Any) -> None:
        if node.kind in _NESTS:
            for child in node:
                if _is_node(child):
                    self._member(child)
        elif node.kind in _DECLARATIONS:
            self._declaration(node)
        elif node.kind == SyntaxKind.ContinuousAssign:
            self.items.append(self._item("assign", node, _targets(node)))
        elif node.kind == SyntaxKind.AlwaysBlock:
            self.items.append(self._item("process", node, _targets(node)))
        elif node.kind == SyntaxKind.HierarchyInstantiation:
            self._instance(node)

    def _item(self, kind: Any, node: Any, targets: tuple[str, ...] = (), **more: Any) -> Item:
        span = _span(node)
        line = self.text.rfind("\n", 0, span[0]) + 1
        indent = self.text[line : span[0]]
        return Item(kind, span, indent if not indent.strip() else "", targets, **more)

    def _declaration(self, node: Any) -> None:
        declared = {}
        for one in node.declarators:
            if _is_node(one):
                self.signals[one.name.valueText] = self._range(node.type)
                declared[one.name.valueText] = (_span(one), one.initializer is not None)
        first = min(span[0] for span, _ in declared.values())
        head = self.text[_span(node)[0] : first]
        self.items.append(self._item("declaration", node, tuple(declared), head=head, declared=declared))

    def _instance(self, node: Any) -> None:
        (instance,) = [one for one in node.instances if _is_node(one)]
        given = node.parameters.parameters if node.parameters is not None else ()
        self.items.append(
            self._item(
                "instance",
                node,
                module=node.type.valueText,
                name=instance.decl.name.valueText,
                parameters=tuple(self._connection(one) for one in given if _is_node(one)),
                connections=tuple(self._connection(one) for one in instance.connections if _is_node(one)),
            )
        )

    def _connection(self, node: Any) -> Connection:
        span = _span(node.expr)
        return Connection(node.name.valueText, span, self.text[span[0] : span[1]], _signals(node.expr))

    def _range(self, kind: Any) -> str:
        """The text between the brackets of a data type."""
        dimensions = [self._text(one) for one in getattr(kind, "dimensions", ())]
        return dimensions[0].strip()[1:-1] if dimensions else ""

    def _text(self, node: Any) -> str:
        start, end = _span(node)
        return self.text[start:end]


def _is_node(node: Any) -> bool:
    return not hasattr(node, "rawText")


def _span(node: Any) -> Span:
    if not _is_node(node):
        return node.location.offset, node.location.offset + len(node.rawText)
    found = node.sourceRange
    return found.start.offset, found.end.offset


def _tokens(node: Any) -> Iterator[_Token]:
    """Yield the names in `node`, in order."""
    for child in node:
        if child is None:
            continue
        if _is_node(child):
            yield from _tokens(child)
        elif child.kind == TokenKind.Identifier and node.kind in (*_NAMES, *_LABELS):
            yield _Token(child.location.offset, child.valueText, node.kind in _LABELS)


def _signals(expression: Any) -> tuple[str, ...]:
    return tuple(token.text for token in _tokens(expression) if not token.is_label)


def _targets(node: Any) -> tuple[str, ...]:
    """Names of what the assignments in `node` drive."""
    found: dict[str, None] = {}
    queue = [node]
    while queue:
        one = queue.pop()
        if one.kind in (SyntaxKind.AssignmentExpression, SyntaxKind.NonblockingAssignmentExpression):
            found |= dict.fromkeys(_bases(one.left))
        queue += [child for child in one if child is not None and _is_node(child)]
    return tuple(found)


def _bases(left: Any) -> Iterator[str]:
    """Yield the signals on a left-hand side, without those in its indices."""
    if left.kind in _NAMES:
        yield left.identifier.valueText
    else:
        for child in left:
            if child is not None and _is_node(child):
                yield from _bases(child)
