"""The wheel holds the whole package, templates included; the pins, the constraints and the documentation agree."""

import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest

import codesign.flows
import codesign.rtl_templates
import codesign.sim

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = {"codesign": "", "flows": "codesign/", "sim": "codesign/", "rtl_templates": "codesign/"}
TRAVELLING = {".py", ".v", ".vlt", ".hpp", ".safetensors", ".json", ".j2", ".css"}


def source_files() -> Mapping[str, Path]:
    """Files that a wheel must hold, by their name in it."""
    files = (path for folder in PACKAGES for path in sorted((ROOT / folder).rglob("*")) if path.suffix in TRAVELLING)
    return {PACKAGES[path.relative_to(ROOT).parts[0]] + path.relative_to(ROOT).as_posix(): path for path in files}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources, so that nothing left in the checkout's build folder slips in."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for path in (*source_files().values(), *(ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE"))):
        if path.is_file():
            target = copy / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (copy / "README.md").touch()  # only its presence matters to the build
    command = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(out), str(copy))
    done = subprocess.run((sys.executable, *command), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_holds_every_file_and_no_other(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == set(source_files())


def test_the_wheel_carries_the_licence(wheel: Path) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


def test_the_unpacked_wheel_works_elsewhere(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, 'site'); import codesign.cli, codesign.flows.doctor, codesign.sim;"
        "from importlib.resources import files; print(codesign.flows.doctor.__file__);"
        "print(*(f.name for f in files('codesign.rtl_templates').iterdir()))"
    )
    done = subprocess.run((sys.executable, "-c", code), cwd=tmp_path, capture_output=True, text=True, check=True)
    module, templates = done.stdout.splitlines()
    assert Path(tmp_path, module).is_relative_to(tmp_path / "site")
    assert {path.name for path in (ROOT / "rtl_templates").glob("*.v")} <= set(templates.split())


@pytest.mark.parametrize("module", [codesign.flows, codesign.sim, codesign.rtl_templates])
def test_the_editable_package_is_the_folder_of_the_checkout(module: object) -> None:
    name = str(module.__name__).rpartition(".")[2]
    assert Path(str(module.__file__)).resolve() == ROOT / name / "__init__.py"


def pins() -> Mapping[str, str]:
    """Pinned version of every direct dependency, by its normalised name."""
    extras = PROJECT["optional-dependencies"].values()
    requirements = [*PROJECT["dependencies"], *(requirement for extra in extras for requirement in extra)]
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", requirement) for requirement in requirements)
    return dict(normalised(requirement).split("==") for requirement in requirements)


def normalised(requirement: str) -> str:
    """Return `requirement` in lower case with hyphens."""
    name, equals, version = requirement.partition("==")
    return re.sub(r"[-_.]+", "-", name).lower() + equals + version


def constraints() -> Mapping[str, str]:
    """Version of every package of the closure."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_constraints_hold_every_pin() -> None:
    assert pins().items() <= constraints().items()


def test_what_is_installed_alone_is_in_the_constraints_and_no_gpl_comes_along() -> None:
    lines = (ROOT / "requirements-axi.txt").read_text().splitlines()
    alone = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert alone.keys() == {"cocotb-bus", "cocotbext-axi"}
    assert alone.items() <= constraints().items()
    assert "scapy" not in constraints()
    assert "--no-deps -r requirements-axi.txt" in (ROOT / "Makefile").read_text()


def test_constraints_are_what_is_installed() -> None:
    """Some packages of the closure are for older Pythons only, so not all need be there."""
    # Of the environment alone: setuptools, once imported, adds the packages that it carries along to sys.path.
    found = metadata.distributions(path=[sysconfig.get_path("purelib")])
    versions = {normalised(d.name): d.version.partition("+")[0] for d in found}
    shared = constraints().keys() & versions.keys()
    assert {name: versions[name] for name in shared} == {name: constraints()[name] for name in shared}
    assert pins().keys() <= shared


def test_every_dependency_is_documented_with_its_version() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    rows = re.findall(r"^\| ([\w-]+) \| (\d[\w.]*) \| ", text, flags=re.MULTILINE)
    assert {normalised(name): version for name, version in rows} == pins()


def is_gpl(licences: str) -> bool:
    """Whether the licence texts name the GNU General Public License itself, not the Lesser one."""
    return re.search(r"(?<!L)GPL|General Public License", licences.replace("Lesser General Public", "")) is not None


def test_no_dependency_is_under_the_gpl() -> None:
    for distribution in metadata.distributions():
        about = distribution.metadata
        classifiers = [text for text in about.get_all("Classifier", []) if text.startswith("License")]
        licences = " ".join((about.get("License-Expression", ""), *classifiers))
        name = normalised(distribution.name)
        assert name not in constraints() or not is_gpl(licences) or is_free_of_gpl(distribution), name


def is_free_of_gpl(distribution: metadata.Distribution) -> bool:
    """Whether a package names the GPL for a file alone that its wheel does not hold: docutils, for its Emacs mode."""
    files = [path.suffix for path in distribution.files or ()]
    return distribution.name == "docutils" and ".py" in files and ".el" not in files


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "AGPL-3.0-or-later", "GNU General Public License v3 (GPLv3)"])
def test_a_gpl_dependency_is_caught(licence: str) -> None:
    assert is_gpl(f"MIT AND {licence}")
    assert not is_gpl("LGPL-3.0-only OR Artistic-2.0, GNU Lesser General Public License v3 (LGPLv3), MPL-2.0")
