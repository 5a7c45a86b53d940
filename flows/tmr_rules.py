"""What triplication promises, as values: modes, what is required where, and a broken rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from codesign.errors import BadInputError
from codesign.options import TMR_MODES

# Each mode promises all that the ones before it do.
LEVELS = TMR_MODES


@dataclass(frozen=True, slots=True)
class Violation:
    """A register bit (or an output) that breaks a rule, and the cells or outputs that show it."""

    bit: str
    rule: str
    what: str
    cells: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The violation in one line."""
        shown = ", ".join(self.cells[:4]) + (f" and {len(self.cells) - 4} more" if len(self.cells) > 4 else "")
        return f"{self.bit}: {self.rule}: {self.what}" + (f" ({shown})" if shown else "")


@dataclass(frozen=True)
class Requirement:
    """What is required of a netlist.

    `mode` holds for every register, except for those whose name starts with a key of `exceptions`: these need only
    the mode that stands there. `selective` allows flip-flops outside of triples. `protected_bits`, if given, is the
    number of triples and of bits that are the same constant in all copies. `error_output` is the port that is high
    while a copy differs; whether it must exist says `error_output_required`. Registers whose name starts with one of
    `counters` count errors: they alone may load what a single copy changes. `constants` are the values that inputs hold
    while the chip runs, such as the enable of a scan chain. `logic_once`: in `triplicated_voters` what comes back
    through other registers passes one voter, as logic stands once.
    """

    mode: str = "registers"
    selective: bool = False
    exceptions: Mapping[str, str] = field(default_factory=dict)
    protected_bits: int | None = None
    error_output: str = "tmr_err"
    error_output_required: bool = False
    counters: tuple[str, ...] = ()
    constants: Mapping[str, int] = field(default_factory=dict)
    logic_once: bool = False

    def __post_init__(self) -> None:
        for mode in (self.mode, *self.exceptions.values()):
            if mode not in LEVELS:
                raise BadInputError(f"triplication mode {mode!r}: choose one of {', '.join(LEVELS)} or selective")

    @property
    def mixes_lanes(self) -> bool:
        """Whether some registers, other than counters of errors, have another mode than the design."""
        return not self.exceptions.keys() <= set(self.counters)

    def of(self, name: str) -> str:
        """Return the mode that the register called `name` needs: that of the longest prefix."""
        prefixes = [prefix for prefix in self.exceptions if name.startswith(prefix)]
        return self.exceptions[max(prefixes, key=len)] if prefixes else self.mode

    def at_least(self, level: str, name: str = "") -> bool:
        """Whether `level` is required of the register called `name`; without a name, of any register at all."""
        modes = [self.of(name)] if name else [self.mode, *self.exceptions.values()]
        return any(LEVELS.index(mode) >= LEVELS.index(level) for mode in modes)
