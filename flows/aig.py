"""And-inverter graph with equality proofs: node sharing, two-level rules, signatures, small truth tables, and SAT.

A literal is twice a node number, plus one where it is inverted; literal 0 is false, 1 is true. Rules of two levels:
Brummayer and Biere, "Local two-level And-Inverter Graph minimization without blowup", MEMICS 2006.
"""

import random
from collections.abc import Iterator, Sequence

import numpy as np
from pysat.solvers import Glucose4
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

FALSE, TRUE = 0, 1
SIGNATURE_BITS = 128
WINDOW_LEAVES = 10
WINDOW_NODES = 64
SMALL_CONE = 1000
SAT_CONFLICTS = 100_000
SWEEP_CONFLICTS = 2_000
_ONES = (1 << SIGNATURE_BITS) - 1
_LEAF = -1


class Aig:
    """Grows as functions are asked for; two literals that are equal numbers are equal functions."""

    def __init__(self) -> None:
        self._left = [_LEAF]
        self._right = [_LEAF]
        self._signatures = [0]
        self._nodes: dict[tuple[int, int], int] = {}
        self._proven: dict[tuple[int, int], bool] = {}
        self._swept: set[tuple[int, int]] = set()
        self._random = random.Random(1)
        self._solver = Glucose4()
        self._in_solver = {0}
        self._solver.add_clause([-1])

    def variable(self) -> int:
        """Return the literal of a new free variable."""
        self._left.append(_LEAF)
        self._right.append(_LEAF)
        self._signatures.append(self._random.getrandbits(SIGNATURE_BITS))
        return 2 * (len(self._left) - 1)

    def both(self, a: int, b: int) -> int:
        """Return a and b."""
        if a > b:
            a, b = b, a
        if a < 2:
            return b if a else FALSE
        if a ^ b < 2:
            return a if a == b else FALSE
        found = self._nodes.get((a, b))
        if found is None:
            found = self._simplified(a, b)
            if found is None:
                found = self._new(a, b)
            self._nodes[a, b] = found
        return found

    def either(self, a: int, b: int) -> int:
        """Return a or b."""
        return self.both(a ^ 1, b ^ 1) ^ 1

    def differ(self, a: int, b: int) -> int:
        """Return a xor b, in one form for all four combinations of inversions."""
        inverted = (a ^ b) & 1
        a, b = a & ~1, b & ~1
        return self.either(self.both(a, b ^ 1), self.both(a ^ 1, b)) ^ inverted

    def _new(self, a: int, b: int) -> int:
        self._left.append(a)
        self._right.append(b)
        self._signatures.append(self._signature(a) & self._signature(b))
        return 2 * (len(self._left) - 1)

    def _signature(self, literal: int) -> int:
        value = self._signatures[literal >> 1]
        return value ^ _ONES if literal & 1 else value

    def _simplified(self, a: int, b: int) -> int | None:
        left, right = self._left, self._right
        for p, q in ((a, b), (b, a)):
            p0, p1 = left[p >> 1], right[p >> 1]
            if p0 == _LEAF:
                continue
            found = self._with_one(p, p0, p1, q)
            if found is None and left[q >> 1] != _LEAF:
                found = self._with_two(p, q)
            if found is not None:
                return found
        return None

    def _with_one(self, p: int, p0: int, p1: int, q: int) -> int | None:
        """Simplify p and q, where p is (p0 and p1), or its inverse."""
        opposite = q ^ 1 in (p0, p1)
        if not p & 1:
            return p if q in (p0, p1) else FALSE if opposite else None
        if opposite:
            return q
        if q == p0:
            return self.both(q, p1 ^ 1)
        return self.both(q, p0 ^ 1) if q == p1 else None

    def _with_two(self, p: int, q: int) -> int | None:
        """Simplify p and q, where both are conjunctions or inverses of one."""
        inverted, p0, p1 = p & 1, self._left[p >> 1], self._right[p >> 1]
        q0, q1 = self._left[q >> 1], self._right[q >> 1]
        opposite = p0 ^ 1 in (q0, q1) or p1 ^ 1 in (q0, q1)
        if not q & 1:
            if opposite:
                return q if inverted else FALSE
            if inverted and p0 in (q0, q1):
                return self.both(q, p1 ^ 1)
            return self.both(q, p0 ^ 1) if inverted and p1 in (q0, q1) else None
        if inverted and opposite:
            for same, other in ((p0, p1), (p1, p0)):
                if (same, other ^ 1) in ((q0, q1), (q1, q0)):
                    return same ^ 1
        return None

    def surely_differ(self, a: int, b: int) -> bool:
        """Whether some of the random assignments behind the signatures tells a from b."""
        return self._signature(a) != self._signature(b)

    def equal_in_window(self, a: int, b: int) -> bool:
        """Whether a equals b, found by tables of a few nodes below both or in small graphs; False says nothing."""
        if a == b:
            return True
        if self._signature(a) != self._signature(b):
            return False
        key = (min(a, b), max(a, b))
        if key not in self._proven:
            near = self._compare_tables(a, b) or (
                len(self._cone((a, b), SMALL_CONE)) < SMALL_CONE and self._solve(a, b, SWEEP_CONFLICTS) is True
            )
            self._proven[key] = near
        return self._proven[key]

    def _compare_tables(self, a: int, b: int) -> bool:
        """Open nodes of either graph, highest and unshared first, and compare tables whenever they meet."""
        inner: list[int] = []
        one, other = {a >> 1} - {0}, {b >> 1} - {0}
        while len(inner) < WINDOW_NODES and len(one | other) <= WINDOW_LEAVES:
            if one == other and self._same_table(a, b, inner, sorted(one)):
                return True
            open_ = max((n for n in (one ^ other or one) if self._left[n] != _LEAF), default=0)
            open_ = open_ or max((n for n in one | other if self._left[n] != _LEAF), default=0)
            if not open_:
                return False
            below = {self._left[open_] >> 1, self._right[open_] >> 1} - {0}
            one, other = (leaves - {open_} | below if open_ in leaves else leaves for leaves in (one, other))
            inner.append(open_)
        return False

    def _same_table(self, a: int, b: int, inner: Sequence[int], leaves: Sequence[int]) -> bool:
        ones = (1 << (1 << len(leaves))) - 1
        # The table of variable k is 2^k zeros, 2^k ones, and so on.
        tables = {leaf: ones // ((1 << (1 << k)) + 1) << (1 << k) for k, leaf in enumerate(leaves)} | {0: 0}

        def table(literal: int) -> int:
            value = tables[literal >> 1]
            return value ^ ones if literal & 1 else value

        for node in sorted(inner):
            tables[node] = table(self._left[node]) & table(self._right[node])
        return table(a) == table(b)

    def equal(self, a: int, b: int) -> bool | None:
        """Prove or refute that a equals b for all assignments; None where the solver's limit ended the attempt."""
        if self.equal_in_window(a, b):
            return True
        if self.surely_differ(a, b):
            return False
        self._sweep((a, b))
        result = self._solve(a, b, SAT_CONFLICTS)
        if result:
            self._proven[min(a, b), max(a, b)] = True
        return result

    def _solve(self, a: int, b: int, conflicts: int) -> bool | None:
        for node in self._cone((a, b)):
            self._encode(node)
        for x, y in ((a, b ^ 1), (a ^ 1, b)):
            self._solver.conf_budget(conflicts)
            answer = self._solver.solve_limited(assumptions=[_dimacs(x), _dimacs(y)])
            if answer is not False:
                return None if answer is None else False
        for clause in ([_dimacs(a), -_dimacs(b)], [-_dimacs(a), _dimacs(b)]):
            self._solver.add_clause(clause)
        return True

    def _encode(self, node: int) -> None:
        if node in self._in_solver:
            return
        self._in_solver.add(node)
        if self._left[node] == _LEAF:
            return
        y, a, b = _dimacs(2 * node), _dimacs(self._left[node]), _dimacs(self._right[node])
        for clause in ([-y, a], [-y, b], [y, -a, -b]):
            self._solver.add_clause(clause)

    def _cone(self, roots: Sequence[int], limit: int | None = None) -> list[int]:
        """Return the nodes below `roots` in order, or some `limit` of them if there are more."""
        seen: set[int] = set()
        stack = [literal >> 1 for literal in roots]
        while stack and len(seen) != limit:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack += [child >> 1 for child in self._children(node)]
        return sorted(seen)

    def _children(self, node: int) -> Iterator[int]:
        if self._left[node] != _LEAF:
            yield self._left[node]
            yield self._right[node]

    def supports(self, literals: Sequence[int], variables: Sequence[int]) -> list[int]:
        """Return, as a number with bit k for `variables[k]`, which of the variables each literal's graph reaches."""
        below = {variable >> 1: 1 << k for k, variable in enumerate(variables)}
        for node in self._cone(literals):
            if self._left[node] != _LEAF:
                below[node] = below.get(self._left[node] >> 1, 0) | below.get(self._right[node] >> 1, 0)
        return [below.get(literal >> 1, 0) for literal in literals]

    def in_loops(self, states: Sequence[int], loaded: Sequence[Sequence[int]]) -> list[bool]:
        """Return for each of the variables `states` whether it is part of what it becomes, now or in later steps.

        `loaded` holds for each state the literals that its next value is a function of.
        """
        left, right = np.array(self._left), np.array(self._right)
        inner = np.flatnonzero(left != _LEAF)
        steps = [(literal >> 1, state >> 1) for state, ones in zip(states, loaded, strict=True) for literal in ones]
        before, after = np.array(steps, np.int64).reshape(-1, 2).T
        source = np.concatenate([left[inner] >> 1, right[inner] >> 1, before])
        target = np.concatenate([inner, inner, after])
        graph = coo_matrix((np.ones(len(source), np.int8), (source, target)), shape=(len(left),) * 2)
        _, component = connected_components(graph, connection="strong")
        sizes = np.bincount(component)
        itself = {node for node, state in steps if node == state}
        return [bool(sizes[component[state >> 1]] > 1) or state >> 1 in itself for state in states]

    def _sweep(self, roots: Sequence[int]) -> None:
        """Prove equal nodes inside the cone first, lowest first: what is proven makes the next proofs short."""
        known: dict[int, int] = {}
        for node in self._cone(roots):
            literal = 2 * node
            signature = self._signature(literal)
            if signature & 1:
                literal, signature = literal ^ 1, signature ^ _ONES
            other = known.setdefault(signature, literal)
            if other != literal and self._left[node] != _LEAF and (other, literal) not in self._swept:
                self._swept.add((other, literal))
                self._solve(other, literal, SWEEP_CONFLICTS)


def _dimacs(literal: int) -> int:
    number = (literal >> 1) + 1
    return -number if literal & 1 else number
