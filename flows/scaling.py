"""Cell area carried over to another process node: an estimate, asked for by the user, never among measured numbers.

Area of logic at one node in units of that at another: A. Stillmaker and B. Baas, "Scaling equations for the accurate
prediction of CMOS device performance from 180 nm to 7 nm", Integration 58 (2017) 74, doi:10.1016/j.vlsi.2017.02.002,
table of area scaling factors. Its two digits are rounded pair by pair, so that each pair is read where it stands and
not divided out of others (45 to 65 nm: 1.5, and 0.23 / 0.16 = 1.44). The paper's delays and energies depend on supply
and device flavour and are not applied here.
"""

from codesign.errors import BadInputError
from codesign.report import Quantity, Resources

NODES_NM = (180, 130, 90, 65, 45, 32, 20, 16, 14, 10, 7)
# From the node of the row to the node of the column, in the order of NODES_NM.
_FACTORS = (
    (1, 0.34, 0.15, 0.08, 0.053, 0.025, 0.011, 0.01, 0.0093, 0.0055, 0.0032),
    (2.9, 1, 0.44, 0.23, 0.16, 0.072, 0.033, 0.03, 0.027, 0.016, 0.0092),
    (6.6, 2.3, 1, 0.53, 0.35, 0.16, 0.075, 0.067, 0.061, 0.036, 0.021),
    (12, 4.3, 1.9, 1, 0.66, 0.31, 0.14, 0.13, 0.12, 0.068, 0.039),
    (19, 6.4, 2.8, 1.5, 1, 0.46, 0.21, 0.19, 0.17, 0.1, 0.059),
    (40, 14, 6.1, 3.3, 2.2, 1, 0.46, 0.41, 0.38, 0.22, 0.13),
    (88, 30, 13, 7.1, 4.7, 2.2, 1, 0.89, 0.82, 0.48, 0.28),
    (99, 34, 15, 7.9, 5.3, 2.4, 1.1, 1, 0.91, 0.54, 0.31),
    (110, 37, 16, 8.7, 5.8, 2.7, 1.2, 1.1, 1, 0.59, 0.34),
    (180, 63, 28, 15, 9.8, 4.5, 2.1, 1.9, 1.7, 1, 0.58),
    (320, 110, 48, 25, 17, 7.8, 3.6, 3.2, 2.9, 1.7, 1),
)
AREA_FACTORS = {
    (source, target): float(factor)
    for source, row in zip(NODES_NM, _FACTORS, strict=True)
    for target, factor in zip(NODES_NM, row, strict=True)
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
    factor, measured = AREA_FACTORS[from_nm, to_nm], area.quantities[AREA]
    method = (
        f"estimate: {AREA} of {area.name} x {factor:g} (area factor from {from_nm} to {to_nm} nm, Stillmaker and Baas "
        f"2017); not synthesised, no timing, no power"
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
    unknown = [nm for nm in nodes_nm if nm not in NODES_NM]
    if unknown:
        known = ", ".join(map(str, NODES_NM))
        raise BadInputError(f"--scale: no area factor for {unknown[0]} nm: choose among {known} nm")
