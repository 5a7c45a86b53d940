"""What other flows take of an emitted design: a C++ header with the same integer arithmetic."""

from pathlib import Path

from codesign.cpp import cpp_header
from codesign.files import replace_directory, write_text
from codesign.graph import Graph

Files = tuple[tuple[str, str], ...]


def package(graph: Graph) -> Files:
    """Return name and text of every file of the package; deterministic: same design, same bytes."""
    return ((f"{graph.name}.hpp", cpp_header(graph)),)


def write_package(files: Files, directory: Path) -> Path:
    """Write the files of a package into `directory`, replacing it as a whole."""

    def fill(target: Path) -> None:
        for name, text in files:
            write_text(target / name, text)

    return replace_directory(directory, fill)
