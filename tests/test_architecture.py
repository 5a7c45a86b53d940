"""The rules of the architecture, read off the source; every rule is shown to catch a source that breaks it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "codesign": "codesign",
    "flows": "codesign.flows",
    "sim": "codesign.sim",
    "rtl_templates": "codesign.rtl_templates",
}

# Part of the package -> the parts it may import. Parts that are not named may import all but the outer ones.
BASE = frozenset({"errors", "files", "verilog_names", "verilog_literals"})
NUMBERS = BASE | {"fixed", "ranges"}
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "errors": frozenset(),
    "files": frozenset({"errors"}),
    "verilog_names": frozenset({"errors"}),
    "verilog_literals": frozenset(),
    "inject_options": frozenset({"errors"}),
    "campaign": frozenset({"errors", "counting"}),
    "options": frozenset({"errors", "register_map"}),
    "register_map": frozenset({"errors"}),
    "register_text": frozenset({"errors", "register_map"}),
    "exits": frozenset({"errors"}),
    "answer": frozenset(),
    "report": frozenset({"errors", "files", "options", "report_text"}),
    "sections": frozenset({"report"}),
    "run_metrics": frozenset({"errors", "report"}),
    "compare_runs": frozenset({"errors", "run_metrics"}),
    "metrics": frozenset({"errors"}),
    "classification": frozenset({"errors"}),
    "tracking_metrics": frozenset({"errors", "classification"}),
    "accumulated": frozenset({"errors"}),
    "upset_process": frozenset(),
    "counting": frozenset({"errors"}),
    "upset_rate": frozenset({"errors", "accumulated", "counting"}),
    "single_points": frozenset({"errors"}),
    "fixed": BASE,
    "ranges": BASE | {"fixed"},
    "serial": NUMBERS,
    "graph": NUMBERS | {"serial"},
    "graph_json": NUMBERS | {"graph"},
    "float_form": NUMBERS | {"graph"},
    "element_form": NUMBERS | {"graph"},
    "ops": NUMBERS | {"graph", "float_form", "element_form", "serial"},
    "predict": NUMBERS | {"graph", "float_form"},
    "cpp_calls": NUMBERS | {"graph", "ops", "float_form"},
    "cpp": NUMBERS | {"graph", "cpp_calls", "cpp_templates"},
    "weight_bits": NUMBERS | {"graph", "ops", "predict"},
    "damage": NUMBERS | {"graph", "predict", "weight_bits"},
    "rescale": NUMBERS | {"graph", "ops"},
    "frontend": NUMBERS | {"graph", "ops", "rescale"},
    "retiming": frozenset(),
    "schedule": NUMBERS | {"graph", "adders", "retiming", "element_form", "serial"},
    "rtl_text": NUMBERS | {"graph", "schedule"},
    "adders": NUMBERS,
    "unsigned_form": NUMBERS | {"adders"},
    "adder_solver": NUMBERS | {"adders", "unsigned_form"},
    "pipeline": NUMBERS | {"adders"},
    "rtl_adders": NUMBERS | {"graph", "adders", "unsigned_form", "adder_solver", "pipeline", "rtl_text"},
    "rtl_tables": NUMBERS | {"rtl_text", "serial"},
    "rtl_serial": NUMBERS
    | {"graph", "element_form", "serial", "rtl_text", "rtl_adders", "rtl_tables", "unsigned_form"},
    "rtl_register": NUMBERS | {"graph", "rtl_text"},
    "rtl_bus": BASE | {"register_map", "rtl_text"},
    "rtl_weights": NUMBERS | {"graph", "schedule", "register_map", "rtl_text"},
    "protection": BASE | {"options", "single_points"},
    "verilog_source": BASE,
    "triplicate": BASE | {"verilog_source"},
    "rtl_state": NUMBERS | {"graph", "options", "protection", "rtl_text", "rtl_register"},
    "rtl_top": NUMBERS
    | {"graph", "element_form", "serial", "schedule", "rtl_text", "rtl_adders", "rtl_serial", "rtl_state"}
    | {"protection", "unsigned_form", "register_map", "rtl_bus", "rtl_weights", "valid_pulses"},
    "rows": NUMBERS | {"graph", "ops"},
    "row_schedule": NUMBERS | {"graph", "ops", "rows", "schedule"},
    "rtl_row_parts": NUMBERS | {"graph", "ops", "rows", "row_schedule", "rtl_text"},
    "rtl_rows": NUMBERS
    | {"graph", "ops", "rows", "row_schedule", "rtl_row_parts", "rtl_text", "rtl_top", "protection"}
    | {"unsigned_form"},
    "fusesoc": BASE | {"rtl_text"},
    "ipxact": BASE | {"fusesoc", "register_map", "register_text", "rtl_bus", "rtl_text", "verilog_source"},
    "package": NUMBERS | {"cpp", "fusesoc", "graph", "ipxact", "rtl"},
    "rtl_axis": BASE | {"protection", "rtl_text"},
    "rtl": NUMBERS
    | {"options", "rtl_axis", "rtl_bus"}
    | {"graph", "schedule", "row_schedule", "rtl_text", "rtl_top", "rtl_rows", "rtl_templates", "unsigned_form"}
    | {"register_map", "register_text", "protection", "triplicate"},
    "delay": BASE | {"data"},
    "steps": NUMBERS | {"graph", "ops", "serial"},
    "critical_path": NUMBERS
    | {"graph", "schedule", "adders", "pipeline", "rtl_adders", "unsigned_form", "delay", "steps"},
    "estimate": NUMBERS
    | {
        "graph",
        "ops",
        "adders",
        "element_form",
        "serial",
        "unsigned_form",
        "rtl_adders",
        "delay",
        "steps",
        "critical_path",
    },
    "programme": NUMBERS | {"graph", "estimate"},
    "valid_pulses": frozenset({"schedule"}),
    "quick_adders": NUMBERS | {"data", "unsigned_form"},
    "quick_estimate": NUMBERS | {"graph", "serial", "schedule", "valid_pulses", "estimate", "quick_adders"},
    "estimate_range": NUMBERS | {"graph", "schedule"},
    "estimate_model": NUMBERS | {"graph", "schedule", "data", "delay", "estimate", "quick_estimate", "estimate_range"},
    "page": NUMBERS | {"graph", "graph_json", "ops", "data", "metrics", "classification", "report", "report_text"},
    "notebook": frozenset({"graph", "page"}),
    "optimise": NUMBERS | {"graph", "adders", "schedule", "delay", "critical_path", "estimate", "programme"},
}
# Parts that start tools or are started by users -> the parts that may import them.
OUTER: Mapping[str, frozenset[str]] = {
    "sim": frozenset({"flows", "cli"}),
    "flows": frozenset({"sim", "api", "cli", "cli_options", "explore", "radiation_commands"}),
    "cli_options": frozenset({"api", "cli", "radiation_commands", "train"}),
    "radiation_commands": frozenset({"cli"}),
    "explore": frozenset({"cli", "flows"}),
    "cli": frozenset(),
    "api": frozenset(),
}
# Library -> the parts that may import it.
LIBRARIES: Mapping[str, frozenset[str]] = {
    "torch": frozenset({"frontend", "models", "train"}),
    "brevitas": frozenset({"frontend", "models", "train"}),
    "onnx": frozenset({"frontend"}),
    "google": frozenset({"frontend"}),
    "qonnx": frozenset(),
    "cocotb": frozenset({"sim"}),
    "cocotb_tools": frozenset({"sim"}),
    "cocotbext": frozenset({"sim"}),
    "subprocess": frozenset({"sim", "flows"}),
    "multiprocessing": frozenset({"sim", "flows", "explore"}),
    "pickle": frozenset(),
    "marshal": frozenset(),
    "shelve": frozenset(),
}
# Names that may be imported from anywhere: an error to catch does not unpickle.
HARMLESS = frozenset({"pickle.UnpicklingError"})
STARTS_A_PROCESS = re.compile(r"(system|popen|fork|posix_spawn|exec[lv]p?e?|spawn[lv]p?e?)\Z")

MAX_FILE_LINES = 399
MAX_FUNCTION_LINES = 50


def python_sources() -> Mapping[str, Path]:
    """Files of the package by module name; links are not followed, so each file stands once."""
    found = {}
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            inner = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join((package, *(part for part in inner if part != "__init__")))] = path
    return found


def part_of(module: str) -> str:
    """Return what the rules call the module: `ops` for codesign.ops.dense, `` for the package itself."""
    return module.split(".")[1] if "." in module else ""


def imported_names(module: str, is_package: bool, source: str) -> Iterator[str]:
    """Names that `source` imports, as far as they can be modules: `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def import_violations(module: str, source: str, is_package: bool = False) -> list[str]:
    """Imports of `source` that the tables forbid."""
    part = part_of(module)
    names = sorted(set(imported_names(module, is_package, source)))
    return [f"{module} imports {name}" for name in names if not may_import(part, name)]


def may_import(part: str, name: str) -> bool:
    """Whether a module in `part` may import `name`."""
    library, target = name.split(".", maxsplit=1)[0], part_of(name)
    if library != "codesign":
        return name in HARMLESS or part in LIBRARIES.get(library, frozenset({part}))
    if target == part or target not in PARTS:
        return True
    return target in MAY_IMPORT.get(part, PARTS) and part in OUTER.get(target, PARTS)


def call_violations(module: str, source: str) -> list[str]:
    """Calls that run code from a file or start a process where the tables forbid it."""
    wrong = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            wrong.append(f"{module}: allow_pickle={ast.unparse(node.value)}")
        if not isinstance(node, ast.Call):
            continue
        called, keywords = ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}
        if called == "torch.load" and keywords.get("weights_only") != "True":
            wrong.append(f"{module}: torch.load without weights_only=True")
        if called == "np.load" and "allow_pickle" not in keywords:
            wrong.append(f"{module}: np.load without allow_pickle=False")
        starts = called.startswith("os.") and STARTS_A_PROCESS.match(called.removeprefix("os."))
        if starts and part_of(module) not in LIBRARIES["subprocess"]:
            wrong.append(f"{module}: {called}")
    return wrong


def length_violations(module: str, source: str) -> list[str]:
    """Files and functions that are too long to read."""
    lines = len(source.splitlines())
    wrong = [f"{module} has {lines} lines"] if lines > MAX_FILE_LINES else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                wrong.append(f"{module}.{node.name} has {length} lines")
    return wrong


def import_graph(sources: Mapping[str, str], packages: frozenset[str] = frozenset()) -> nx.DiGraph:
    """Edges from each module to the modules of the package that it imports; `packages` are __init__ files."""
    graph = nx.DiGraph()
    for module, source in sources.items():
        for name in imported_names(module, module in packages, source):
            target = next((n for n in (name, name.rpartition(".")[0]) if n in sources), None)
            if target is not None:
                graph.add_edge(module, target)
    return graph


def state_violations(name: str, text: str) -> list[str]:
    """Processes other than combinational `always @*` outside the two modules that may hold state."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    combinational = r"\s*@\s*(?:\*|\(\s*\*\s*\))"
    processes = re.findall(rf"\balways(?:_ff|_latch|\b(?!{combinational}))[^;\n]*", code)
    allowed = [f"tmr_{kind}.v" for kind in ("register", "register_full", "memory", "memory_full")]
    return [] if name in allowed else [f"{name}: {process}" for process in processes]


def path_violations(name: str, text: str) -> list[str]:
    """Places where the path of a checkout, a home or a temporary folder stands in the text."""
    personal = re.findall(r"(?<![\w.~}])/(?:home|root|Users|work|tmp)/[\w.-]+", text)
    here = [path for path in (str(ROOT), sys.prefix) if path in text]
    return [f"{name}: {found}" for found in (*personal, *here)]


PARTS = (MAY_IMPORT.keys() | OUTER.keys() | {part_of(module) for module in python_sources()}) - {""}
SOURCES = {module: path.read_text(encoding="utf-8") for module, path in python_sources().items()}


def tracked_texts() -> Mapping[str, str]:
    """Text files that git knows, by path."""
    listed = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git checkout: the list of project files is not known")
    texts = {}
    for name in listed.stdout.split("\0"):
        content = (ROOT / name).read_bytes() if name and (ROOT / name).is_file() else b"\0"
        if b"\0" not in content:
            texts[name] = content.decode("utf-8")
    return texts


@pytest.mark.parametrize("module", SOURCES)
def test_imports_go_one_way(module: str) -> None:
    assert import_violations(module, SOURCES[module], python_sources()[module].stem == "__init__") == []


@pytest.mark.parametrize("module", SOURCES)
def test_nothing_runs_code_from_files_or_starts_processes(module: str) -> None:
    assert call_violations(module, SOURCES[module]) == []


@pytest.mark.parametrize("module", SOURCES)
def test_files_and_functions_are_short(module: str) -> None:
    assert length_violations(module, SOURCES[module]) == []


def test_imports_have_no_cycle() -> None:
    packages = frozenset(module for module, path in python_sources().items() if path.stem == "__init__")
    assert list(nx.simple_cycles(import_graph(SOURCES, packages))) == []


@pytest.mark.parametrize("module", ["codesign", "codesign.cli"])
def test_importing_loads_nothing_large(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    loaded = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "brevitas", "cocotb", "numpy", "matplotlib", "scipy", "pyverilog"} & set(loaded)


def test_all_state_is_in_the_triplicated_register() -> None:
    templates = sorted((ROOT / "rtl_templates").glob("*.v"))
    assert [wrong for path in templates for wrong in state_violations(path.name, path.read_text())] == []


def test_no_path_of_a_machine_is_written_down() -> None:
    texts = {name: text for name, text in tracked_texts().items() if name != "tests/test_architecture.py"}
    assert [wrong for name, text in texts.items() for wrong in path_violations(name, text)] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("codesign.fixed", "from codesign.graph import Graph"),
        ("codesign.graph", "import codesign.ops"),
        ("codesign.graph", "from codesign import schedule"),
        ("codesign.graph", "from . import schedule"),
        ("codesign.ops.dense", "from ..frontend import brevitas"),
        ("codesign.ops.dense", "def f():\n    from codesign.rtl import emit"),
        ("codesign.schedule", "from codesign.rtl import emit"),
        ("codesign.metrics", "from codesign.fixed import Fixed"),
        ("codesign.report", "from codesign.flows.yosys import run"),
        ("codesign.data.codes", "import codesign.sim.run"),
        ("codesign.flows.run", "from codesign.cli import main"),
        ("codesign.rtl", "import torch.nn as nn"),
        ("codesign.cli", "import torch"),
        ("codesign.flows.run", "from brevitas.nn import QuantLinear"),
        ("codesign.flows.run", "from cocotb_tools.runner import get_runner"),
        ("codesign.files", "import subprocess"),
        ("codesign.models.econt", "import pickle"),
        ("codesign.models.econt", "from pickle import load"),
    ],
)
def test_a_forbidden_import_is_caught(module: str, source: str) -> None:
    assert len(import_violations(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("codesign.frontend.brevitas", "import torch\nfrom codesign.graph import Graph"),
        ("codesign.sim.testbench", "import cocotb, subprocess"),
        ("codesign.models.published", "from pickle import UnpicklingError"),
        ("codesign.cli", "from codesign import __version__\nfrom codesign.flows.run import run_design"),
        ("codesign.rtl", "from codesign.schedule import Schedule"),
    ],
)
def test_a_permitted_import_is_not_caught(module: str, source: str) -> None:
    assert import_violations(module, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "os.system('yosys')",
        "os.execvp('yosys', [])",
    ],
)
def test_a_forbidden_call_is_caught(source: str) -> None:
    assert call_violations("codesign.data.load", source) != []
    assert call_violations("codesign.data.load", "np.load(path, allow_pickle=False)") == []


def test_a_long_file_or_function_is_caught() -> None:
    body = "    x = 1\n" * MAX_FUNCTION_LINES
    assert length_violations("m", f"def f():\n{body}") == [f"m.f has {MAX_FUNCTION_LINES + 1} lines"]
    assert length_violations("m", f"class C:\n    async def f():\n{body.replace('    x', '        x')}") != []
    assert length_violations("m", "x = 1\n" * (MAX_FILE_LINES + 1)) == [f"m has {MAX_FILE_LINES + 1} lines"]
    assert length_violations("m", "x = 1\n" * MAX_FILE_LINES) == []


def test_a_cycle_is_caught() -> None:
    sources = {"codesign.a": "from codesign.b import x", "codesign.b": "def f():\n    from codesign import a"}
    assert list(nx.simple_cycles(import_graph(sources))) != []


@pytest.mark.parametrize(
    "text",
    [
        "always @(posedge clk) q <= d;",
        "always@( negedge rst ) q <= d;",
        "always @ (en or d) if (en) q = d;",
        "always @en q = d;",
        "always #5 clk = ~clk;",
        "always_ff @(posedge clk) q <= d;",
        "always_latch q = d;",
    ],
)
def test_state_in_another_template_is_caught(text: str) -> None:
    assert len(state_violations("dense.v", text)) == 1
    assert state_violations("dense.v", f"// {text}\n/* a\n {text} */ assign always_on = 1;") == []
    assert state_violations("tmr_register.v", text) == []


@pytest.mark.parametrize("text", ["always @* y = x;", "always @(*) y = x;", "always @ ( * ) y = x;"])
def test_a_combinational_process_is_not_caught(text: str) -> None:
    assert state_violations("dense.v", text) == []


@pytest.mark.parametrize("folder", ["home", "root", "Users", "work", "tmp"])
def test_a_path_of_a_machine_is_caught(folder: str) -> None:
    assert len(path_violations("a.md", f"see /{folder}/alice/codesign")) == 1
    assert path_violations("a.md", f"see runs/{folder}/x, https://example.org/{folder}/x") == []
    assert path_violations("a.md", f"venv {sys.prefix} is here") != []
