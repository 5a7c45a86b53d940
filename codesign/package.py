"""What other flows take of an emitted block, beside its Verilog: FuseSoC core, IP-XACT component, C++ header."""

from dataclasses import replace

from codesign.cpp import cpp_header
from codesign.fusesoc import WAIVERS, fusesoc_core
from codesign.graph import Graph
from codesign.ipxact import ipxact_component
from codesign.rtl import Rtl, lint_waivers


def packaged(rtl: Rtl, graph: Graph) -> Rtl:
    """Return the block, and the block behind another interface if there is one, with the documents of other flows.

    Every folder that `write_rtl` makes of them then stands for itself. Deterministic: same design, same bytes.
    """
    wrapped = None if rtl.wrapped is None else packaged(rtl.wrapped, graph)
    top = rtl.manifest["top"]
    text = dict(rtl.files)[f"{top}.v"]
    header = (f"{graph.name}.hpp", cpp_header(graph))
    software = [name for name, _ in (*rtl.documents, header) if name.endswith((".h", ".hpp"))]
    own = (
        header,
        (f"{top}.core", fusesoc_core(rtl.manifest, text)),
        (f"{top}.xml", ipxact_component(rtl.manifest, text, software)),
        (WAIVERS, lint_waivers()),
    )
    return replace(rtl, documents=(*rtl.documents, *own), wrapped=wrapped)
