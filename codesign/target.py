"""Where a design is to be built with a vendor's tools: one description, from which every project is generated."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codesign.errors import BadInputError
from codesign.files import read_json

# No quote, bracket, dollar or space: these names are written into Tcl as they are.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./+-]+$")]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Target(BaseModel):
    """Parts, libraries and what surrounds the block; the clock comes from the design.

    `io_delay` is the part of the clock period that passes before inputs come and after outputs leave,
    `clock_uncertainty` the part kept in reserve. `liberty` and `lef` name files of the standard cells for Genus and
    Innovus, technology LEF first, seen from the folder of the project; `rc_file` the extraction rules of Innovus.
    `pdk` and `cell_library` are those of LibreLane. `utilisation` is the part of the core area that cells take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    vivado_part: Name = "xcvu13p-flga2577-2-e"
    quartus_family: Annotated[str, Field(pattern=r"^[A-Za-z0-9 ]+$")] = "Arria 10"
    quartus_part: Name = "10AX115N2F45E1SG"
    liberty: tuple[Name, ...] = ("cells.lib",)
    lef: tuple[Name, ...] = ("technology.lef", "cells.lef")
    rc_file: Name | None = None
    pdk: Name = "sky130A"
    cell_library: Name = "sky130_fd_sc_hd"
    power_net: Name = "VDD"
    ground_net: Name = "VSS"
    io_delay: Fraction = 0.2
    clock_uncertainty: Fraction = 0.02
    utilisation: Fraction = 0.5


def read_target(path: Path | None) -> Target:
    """Read a target from JSON, what is not named being the default; `BadInputError` naming the field that is wrong."""
    try:
        return Target() if path is None else Target.model_validate(read_json(path), strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        known = ", ".join(Target.model_fields)
        raise BadInputError(f"{path}: {where}: {first['msg']}; a target has the fields {known}") from error
