"""The pulses that go through a design beside its data: valid_<n> is in_valid n cycles later."""

from codesign.schedule import Schedule


def valid_pulses(schedule: Schedule) -> dict[int, str | None]:
    """Return the cycles after the first in which something starts, loads or leaves, in order.

    Each with the serial node that hands its pulse on, or None where a register delays that of the cycle before.
    """
    serial = {name: slot for name, slot in schedule.slots.items() if slot.is_serial}
    needed = {slot.start for slot in serial.values()} | {schedule.latency_cycles}
    if schedule.ii_cycles > 1:
        needed |= {register.capture for register in schedule.registers}
    done = {slot.start + slot.latency_cycles: name for name, slot in reversed(serial.items())}
    return {cycle: done.get(cycle) for cycle in range(1, max(needed) + 1) if _is_wanted(cycle, needed, done)}


def _is_wanted(cycle: int, needed: set[int], done: dict[int, str]) -> bool:
    """Whether the pulse of `cycle` is needed, or leads to a needed one before the next done pulse takes over."""
    return any(cycle <= later and not any(cycle < d <= later for d in done) for later in needed)
