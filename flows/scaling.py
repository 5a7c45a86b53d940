"""Cell area carried over to another process node: an estimate, asked for by the user, never among measured numbers.

Relative area of logic by node: A. Stillmaker and B. Baas, "Scaling equations for the accurate prediction of CMOS device
performance from 180 nm to 7 nm", Integration 58 (2017) 74, doi:10.1016/j.vlsi.2017.02.002, table of area factors, row
of 130 nm. The paper's delays and energies depend on supply and device flavour and are not applied here.
"""

from codesign.errors import BadInputError
from codesign.report import Quantity, Resources

RELATIVE_AREA = {
    130: 1.0,
    90: 0.44,
    65: 0.23,
    45: 0.16,
    32: 0.072,
    20: 0.033,
    16: 0.03,
    14: 0.027,
    10: 0.016,
    7: 0.0092,
}
AREA = "cell area"


def scaled_area(area: Resources, from_nm: int, to_nm: int) -> Resources:
    """Return the cell area of `area` at node `to_nm`, where the library that it was mapped to is one of `from_nm`.

    The quantity has a name of its own, so that no constraint and no comparison takes it for a synthesised one.
    `BadInputError` for a node that the table lacks, or without a cell area.
    """
    require_nodes(from_nm, to_nm)
    if AREA not in area.quantities:
        raise BadInputError("--scale needs a cell area: give the library that the design is mapped to (--liberty)")
    factor, measured = RELATIVE_AREA[to_nm] / RELATIVE_AREA[from_nm], area.quantities[AREA]
    method = (
        f"estimate: {AREA} of {area.name} x {RELATIVE_AREA[to_nm]} / {RELATIVE_AREA[from_nm]} (relative areas of "
        f"{to_nm} and {from_nm} nm, Stillmaker and Baas 2017); not synthesised, no timing, no power"
    )
    value = Quantity(
        value=measured.value * factor,
        unit=measured.unit,
        kind="estimated",
        source=measured.source,
        sha256=measured.sha256,
    )
    return Resources(
        name=f"estimate: scaled from {from_nm} nm to {to_nm} nm", method=method, quantities={"scaled area": value}
    )


def require_nodes(*nodes_nm: int) -> None:
    """`BadInputError` unless the table has these process nodes."""
    unknown = [nm for nm in nodes_nm if nm not in RELATIVE_AREA]
    if unknown:
        known = ", ".join(map(str, RELATIVE_AREA))
        raise BadInputError(f"--scale: no area factor for {unknown[0]} nm: choose among {known} nm")
