"""Read reports of vendors' tools into the report of this project, whatever tool wrote them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from codesign.errors import BadInputError
from codesign.files import sha256_of
from codesign.flows import vendor_asic, vendor_fpga
from codesign.report import Quantity, Resources
from codesign.vendor_numbers import Format, SectionName, VendorNumbers

FORMATS: tuple[Format, ...] = (*vendor_fpga.FORMATS, *vendor_asic.FORMATS)


def read_vendor_report(path: Path) -> tuple[VendorNumbers, ...]:
    """Return what the report at `path` says, one entry for every section that it fills.

    Raises `BadInputError` naming the file and what it lacks, or the kinds of report that are read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadInputError(f"cannot read {path}: {error.strerror or error}") from error
    formats = [one for one in FORMATS if one.mark.search(text)]
    # The quality of results of Genus holds the words of its other reports.
    chosen = [one for one in formats if one.name == "Genus QoR"] or formats
    if not chosen:
        known = ", ".join(f"{one.name} ({one.written_by})" for one in FORMATS)
        raise BadInputError(f"{path} is no report that is read here: {known}")
    return tuple(_read(one, path, text) for one in chosen)


def read_vendor_reports(paths: Sequence[Path]) -> None:
    """Read all reports; `BadInputError` for one that cannot be used, or for two of one name, as a run keeps them so."""
    names = [path.name for path in paths]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BadInputError(f"two vendor reports are called {', '.join(repeated)}: give the files different names")
    for path in paths:
        read_vendor_report(path)


def _read(one: Format, path: Path, text: str) -> VendorNumbers:
    try:
        return one.read(text)
    except BadInputError as error:
        raise BadInputError(f"{path} ({one.name}) {error}; it is written by {one.written_by}") from error


def vendor_resources(path: Path, name: str) -> Iterable[tuple[SectionName, Resources]]:
    """Yield section and resources of the report at `path`, which the report of the run calls `name`."""
    sha256 = sha256_of(path)
    for one in read_vendor_report(path):
        quantities = {
            key: Quantity(value=value, unit=unit, kind=one.kind, source=name, sha256=sha256)
            for key, (value, unit) in one.numbers.items()
        }
        yield one.section, Resources(name=f"{one.tool}, {one.subject}", method=one.method, quantities=quantities)
