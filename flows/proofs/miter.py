"""The design under proof beside its uncorrupted twin, as one Verilog module with the assertions to prove.

`golden` holds every word once; `upset` holds it three times, and at every clock edge free inputs may invert any bits of
the next state, for every bit in one of its copies at most. A copy of a register is asserted to be the golden word
with exactly the upsets of the last edge: so it heals in one cycle, and this is the invariant of the induction.

A design whose ports stand three times gets one lane at a time with any values at its inputs, as from broken logic:
`stray`, 3 for none. Then only that lane is hit, and its copy may be anything. Memories keep what such a lane wrote, so
for them the lane is any one, but for ever the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codesign.flows.proofs.copies import READ, REGISTER, WORD, Place, check_same_words, stored, with_upsets
from codesign.flows.proofs.edit import Editor, Module
from codesign.verilog_names import LANES

ERRORS = ("tmr_err", "err")
CLOCK, RESET = "clk", "rst"
TOP = "miter"
NONE = "2'd3"  # the number of no lane


@dataclass(frozen=True)
class Miter:
    """The two designs as Yosys modules `golden` and `upset`, the Verilog that joins them, and the bits stored."""

    golden: Module
    upset: Module
    verilog: str
    bits: int


@dataclass(frozen=True)
class _Word:
    """A stored word: its place, its width, and the number by which the miter calls it."""

    place: Place
    width: int
    number: int

    @property
    def range(self) -> str:
        return f"[{self.width - 1}:0]"


def make_miter(golden: Module, upset: Module, golden_copies: Sequence[str] = ("A",)) -> Miter:
    """Return the miter of flat modules `golden` (words once) and `upset` (words three times).

    With all three as `golden_copies` the golden design is triplicated too; its copies are then asserted to be equal.

    `VerificationError` if they do not store the same words, or if `upset` lacks a copy.
    """
    once, thrice = stored(golden), stored(upset)
    check_same_words(once, thrice, golden_copies)
    words = [_Word(place, len(one["A"].bits), number) for number, (place, one) in enumerate(once.items())]
    copies = {f"s{w.number}{lane}": thrice[w.place][lane] for w in words for lane in LANES}
    memories = _memories(words)
    for_miter = with_upsets(upset, {name.replace("s", "f", 1): one for name, one in copies.items()})
    for name, one in copies.items():
        for_miter.port("output", name, one.bits)
    reference = Editor(golden)
    for word in words:
        reference.port("output", f"s{word.number}", once[word.place]["A"].bits)
        for lane in golden_copies[1:]:
            reference.port("output", f"s{word.number}{lane}", once[word.place][lane].bits)
    for number, path in enumerate(memories):
        for name in ("we", "write_address", "re", "read_address"):
            net = golden["netnames"][f"{path}.{name}" if path else name]
            reference.port("output", f"m{number}_{name}", net["bits"])
    text = _Text(upset, reference.module, for_miter.module, words, memories)
    return Miter(reference.module, for_miter.module, "\n".join(text.lines()) + "\n", sum(w.width for w in words))


def _memories(words: Sequence[_Word]) -> dict[str, list[_Word]]:
    """Words by the path of the memory that holds them."""
    found: dict[str, list[_Word]] = {}
    for word in words:
        if word.place.kind == WORD:
            found.setdefault(word.place.path, []).append(word)
    return found


def _number(lane: str) -> str:
    return f"2'd{LANES.index(lane)}"


@dataclass(frozen=True)
class _Text:
    """The Verilog of the miter: of `upset` as it was, and of both designs with the ports that the miter needs."""

    plain: Module
    reference: Module
    upset: Module
    words: Sequence[_Word]
    memories: Mapping[str, Sequence[_Word]]

    @property
    def inputs(self) -> dict[str, int]:
        """Widths of the data inputs, which both designs share."""
        return {n: len(p["bits"]) for n, p in self.reference["ports"].items() if p["direction"] == "input"}

    @property
    def reads(self) -> dict[str, _Word]:
        """The read register of each memory."""
        return {word.place.path: word for word in self.words if word.place.kind == READ}

    @property
    def lane_inputs(self) -> dict[str, int]:
        """Widths of the inputs that each lane has for itself, by their name without the lane; no clock among them."""
        own = {name for name in self.inputs if name + LANES[0] in self.plain["ports"]} - {CLOCK}
        return {name: width for name, width in self.inputs.items() if name in own}

    def lines(self) -> Iterator[str]:
        """Return the module line by line."""
        yield from self._head()
        yield from self._instances()
        for word in self.words:
            yield f"    // {word.place.path or 'top'} {word.place.kind} {word.place.word}"
            yield from self._upsets(word)
            yield from self._invariant(word)
        for number, (path, held) in enumerate(self.memories.items()):
            yield f"    // memory {path or 'top'}"
            yield from self._healing(number, self.reads[path], held)
        yield from self._outputs()
        yield from self._reachable()
        yield "endmodule"

    def _head(self) -> Iterator[str]:
        data = [f"input wire [{width - 1}:0] {name}" for name, width in self.inputs.items()]
        flips = [f"input wire {w.range} flip{w.number}{lane}" for w in self.words for lane in LANES]
        yield f"module {TOP} ("
        lane = ["input wire [1:0] any_lane"] if self.lane_inputs and not self.memories else []
        lane += [f"input wire [{width - 1}:0] stray_{name}" for name, width in self.lane_inputs.items()]
        yield ",\n".join(f"    {line}" for line in (*data, *flips, *lane))
        yield ");"
        yield from self._stray()
        yield "    // Before the first reset nothing is promised."
        yield "    reg started = 1'b0, settled = 1'b0;"
        yield f"    always @(posedge {CLOCK}) started <= 1'b1;"
        yield f"    always @(posedge {CLOCK}) settled <= started;"
        yield f"    always @* if (!started) assume ({RESET});"

    def _stray(self) -> Iterator[str]:
        """Which lane gets any values at its inputs in this cycle, and which did at the last edge."""
        if self.memories and self.lane_inputs:
            yield "    (* anyconst *) reg [1:0] stray;"
        else:
            yield f"    wire [1:0] stray = {'any_lane' if self.lane_inputs else NONE};"
        yield f"    reg [1:0] strayed = {NONE};"
        yield f"    always @(posedge {CLOCK}) strayed <= stray;"

    def _instances(self) -> Iterator[str]:
        for name, module in (("golden", self.reference), ("upset", self.upset)):
            connections = []
            for port, content in module["ports"].items():
                net = f"{name}_{port}" if content["direction"] == "output" else self._driver(port)
                if content["direction"] == "output":
                    yield f"    wire [{len(content['bits']) - 1}:0] {net};"
                connections.append(f".{port}({net})")
            yield f"    {name} {name} ({', '.join(connections)});"

    def _driver(self, port: str) -> str:
        """The signal at an input of a design: its own, that of its lane, or an upset."""
        if port in self.inputs:
            return port
        if port in self.plain["ports"]:
            name = port[:-1]
            is_stray = f"{{{self.inputs[name]}{{stray == {_number(port[-1])}}}}}"
            return f"{name} ^ (stray_{name} & {is_stray})" if name in self.lane_inputs else name
        return f"hit{port[1:]}"

    def _upsets(self, word: _Word) -> Iterator[str]:
        """At most one copy of each bit is hit, and in a memory none while another copy is still wrong."""
        n = word.number
        for this, others in (("A", "BC"), ("B", "CA"), ("C", "AB")):
            may_be_hit = f"{{{word.width}{{stray == {NONE} || stray == {_number(this)}}}}}"
            free = [f"flip{n}{this}", may_be_hit, *(f"~hit{n}{lane}" for lane in LANES[: LANES.index(this)])]
            if word.place.kind != REGISTER:
                free.append(f"~(upset_f{n}{others[0]}_next ^ upset_f{n}{others[1]}_next)")
            yield f"    wire {word.range} hit{n}{this} = {' & '.join(free)};"
            yield f"    reg {word.range} last{n}{this};"
            yield f"    always @(posedge {CLOCK}) last{n}{this} <= hit{n}{this};"
            yield f"    wire {word.range} off{n}{this} = upset_s{n}{this} ^ golden_s{n};"

    def _invariant(self, word: _Word) -> Iterator[str]:
        n = word.number
        for lane in LANES:
            if f"s{n}{lane}" in self.reference["ports"]:
                yield f"    always @* if (started) assert (golden_s{n}{lane} == golden_s{n});"
        if word.place.kind == REGISTER:
            for lane in LANES:
                healed = f"off{n}{lane} == last{n}{lane}"
                yield f"    always @* if (started && strayed != {_number(lane)}) assert ({healed});"
        else:
            unset = " && ".join(f"off{n}{lane} == last{n}{lane}" for lane in LANES)
            yield f"    always @* if (started && !settled) assume ({unset});"
            two = " | ".join(f"(off{n}{a} & off{n}{b})" for a, b in ("AB", "BC", "CA"))
            yield f"    always @* if (started) assert (~|({two}));"
            for lane in LANES:
                other = f"stray != {NONE} && stray != {_number(lane)}"
                yield f"    always @* if (started && {other}) assert (~|off{n}{lane});"

    def _healing(self, number: int, read: _Word, held: Sequence[_Word]) -> Iterator[str]:
        """A word written is right in all copies but for upsets of that edge; a word read is as it is stored."""
        m = f"golden_m{number}"
        width = len(self.reference["ports"][f"m{number}_read_address"]["bits"])
        in_range = f"{{1'b0, {m}_read_address}} < {width + 1}'d{len(held)}"
        yield f"    always @* if ({m}_re) assume ({in_range});"
        for word in held:
            n = word.number
            yield f"    reg wrote{n} = 1'b0;"
            written = f"{m}_we && {m}_write_address == {word.place.word}"
            yield f"    always @(posedge {CLOCK}) wrote{n} <= started && {written};"
            for lane in LANES:
                healed = f"off{n}{lane} == last{n}{lane}"
                yield f"    always @* if (wrote{n} && strayed != {_number(lane)}) assert ({healed});"
        yield f"    reg did_read{number} = 1'b0;"
        yield f"    always @(posedge {CLOCK}) did_read{number} <= started && {m}_re;"
        for lane in LANES:
            chosen = " | ".join(
                f"(off{w.number}{lane} & {{{w.width}{{{m}_read_address == {width}'d{w.place.word}}}}})" for w in held
            )
            yield f"    reg {read.range} stored{number}{lane};"
            yield f"    always @(posedge {CLOCK}) stored{number}{lane} <= {chosen};"
            copy = f"{read.number}{lane}"
            kept = f"off{copy} == (last{copy} ^ stored{number}{lane})"
            yield f"    always @* if (did_read{number} && strayed != {_number(lane)}) assert ({kept});"

    def _outputs(self) -> Iterator[str]:
        for port, content in self.plain["ports"].items():
            if content["direction"] == "output" and port not in ERRORS:
                if port in self.reference["ports"]:
                    yield f"    always @* if (started) assert (upset_{port} == golden_{port});"
                else:
                    right = f"upset_{port} == golden_{port[:-1]}"
                    yield f"    always @* if (started && stray != {_number(port[-1])}) assert ({right});"
        shown = [
            f"(|{{{', '.join(f'off{w.number}{lane}' for lane in LANES)}}})"
            for w in self.words
            if w.place.kind == REGISTER
        ]
        for path, read in self.reads.items():
            n = read.number
            flag = next(w for w in self.words if w.place.path == (f"{path}.reading" if path else "reading"))
            shown.append(f"(golden_s{flag.number} && |{{off{n}A, off{n}B, off{n}C}})")
        for port in set(ERRORS) & self.plain["ports"].keys():
            yield f"    always @* if (started) assert (upset_{port} == ({' || '.join(shown)}));"

    def _reachable(self) -> Iterator[str]:
        """Every bit of a copy can be wrong: otherwise the upsets have no effect, and nothing is proven."""
        for lane in LANES:
            wrong = ", ".join(f"off{w.number}{lane}" for w in self.words)
            yield f"    always @* cover (started && &{{{wrong}}});"
