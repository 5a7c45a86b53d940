"""Options that several commands take."""

from pathlib import Path

import click

from codesign.options import ROUNDINGS

NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
data_option = click.option(
    "--data", type=click.Path(path_type=Path), metavar="PATH[:KEY]", help="Data file; default: the embedded generator."
)
rounding_option = click.option(
    "--rounding", type=click.Choice(ROUNDINGS), help="How charge codes in the data are read."
)
