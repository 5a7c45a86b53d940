"""Traces a Brevitas model with torch.fx and runs it node by node, keeping every result."""

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from codesign.errors import BadInputError

Run = Callable[[Callable[[], Any]], Any]


@dataclass(frozen=True)
class Call:
    """One traced operation: its path (module path, or fx node name), what was called and with which fx arguments."""

    path: str
    node: fx.Node
    module: nn.Module | None

    @property
    def target(self) -> Any:
        """The module's type, the function, or the method's name."""
        return type(self.module) if self.module is not None else self.node.target

    @property
    def operands(self) -> tuple[fx.Node, ...]:
        """The fx nodes among the arguments, in order, as often as they occur."""
        found: list[fx.Node] = []
        fx.node.map_arg((self.node.args, self.node.kwargs), found.append)
        return tuple(found)

    @property
    def input_quantiser(self) -> str:
        """Path of the layer's own input quantiser."""
        return f"{self.path}.input_quant"


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Modules of torch.nn and brevitas.nn are kept whole; containers and the user's modules are traced through."""
        library = m.__module__.split(".")[0] in ("torch", "brevitas")
        return library and not isinstance(m, nn.Sequential | nn.ModuleList | nn.ModuleDict | fx.GraphModule)


@dataclass(frozen=True, eq=False)
class Trace:
    """A model in evaluation mode and its traced calls in order."""

    module: fx.GraphModule
    calls: tuple[Call, ...]

    def run(self, inputs: Sequence[torch.Tensor], observe: Callable[[Call, tuple[Any, ...], Any], None]) -> None:
        """Run the model on its `inputs`; `observe` sees every call, its tensor arguments and its result.

        `BadInputError` naming the call where Brevitas or torch fails.
        """
        _Observer(self, observe).run(*inputs)


class _Observer(fx.Interpreter):
    def __init__(self, trace: Trace, observe: Callable[[Call, tuple[Any, ...], Any], None]) -> None:
        super().__init__(trace.module)
        self.extra_traceback = False  # errors stay one line
        self._calls = {call.node: call for call in trace.calls}
        self._observe = observe

    def run_node(self, n: fx.Node) -> Any:
        """Run one node, then show it."""
        call = self._calls[n]
        arguments = tuple(self.env[operand] for operand in call.operands)
        try:
            with torch.no_grad(), warnings.catch_warnings():
                # what Brevitas warns of (its own bookkeeping of zero points) is read from the quantisers here
                warnings.filterwarnings("ignore", category=UserWarning, module=r"brevitas\.")
                result = super().run_node(n)
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
            reason = " ".join(str(error).split("While executing")[0].split())
            raise BadInputError(f"'{call.path}': the model itself fails here: {reason}") from error
        self._observe(call, arguments, result)
        return result


def trace(model: nn.Module, dtype: torch.dtype) -> Trace:
    """Return the trace of a copy of `model` in evaluation mode with floats of `dtype`; the model is left as it is."""
    twin = copied(model).to(dtype).eval()
    tracer = _Tracer()
    if tracer.is_leaf_module(twin, ""):
        twin = nn.Sequential(twin).eval()
    try:
        graph = tracer.trace(twin)
    except (fx.proxy.TraceError, TypeError, RuntimeError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise BadInputError(f"torch.fx cannot trace the model: {reason}; make forward data-independent") from error
    module = fx.GraphModule(twin, graph)
    return Trace(module, _calls(module))


def copied(model: nn.Module) -> nn.Module:
    """Return a deep copy; what an earlier run left in attributes (such as messages) is copied without its history."""
    left = [one for module in model.modules() for one in vars(module).values() if isinstance(one, torch.Tensor)]
    return copy.deepcopy(model, {id(one): one.detach() for one in left})


def _calls(module: fx.GraphModule) -> tuple[Call, ...]:
    modules: Mapping[str, nn.Module] = dict(module.named_modules())
    seen: dict[str, int] = {}
    calls = []
    for node in module.graph.nodes:
        is_module = node.op == "call_module"
        path = str(node.target) if is_module or node.op == "placeholder" else node.name
        seen[path] = seen.get(path, 0) + 1
        unique = path if seen[path] == 1 else f"{path}_{seen[path]}"
        calls.append(Call(unique, node, modules[str(node.target)] if is_module else None))
    return tuple(calls)
