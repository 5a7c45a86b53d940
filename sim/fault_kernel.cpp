// Fault simulation of a flat gate netlist: one program for every design, the netlist comes as arrays.
//
// The fault-free run is simulated once and kept, one bit for each net and cycle. An experiment is then simulated as
// its difference from that run, driven by events: only gates with an input that differs are evaluated, and an
// experiment ends when its state is that of the fault-free run again. LANES experiments that start in the same cycle
// share the bits of one word, and so every gate that differs in any of them is evaluated once for all. Flips of nets
// that one gate alone reads are moved to its output first, and those that meet there are one experiment.
//
// Nets 0 and 1 are the constants. All values settle in a cycle (zero delay); all flip-flops load at its end.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

using Bits = uint64_t;
constexpr int WORDS = 4;
constexpr int LANES = 64 * WORDS;

enum Op : uint8_t { BUF, NOT, AND, NAND, OR, NOR, XOR, XNOR, ANDNOT, ORNOT, MUX };
// MUX: c ? b : a. ANDNOT: a & ~b. ORNOT: a | ~b. Inputs that an operator has not are net 0.

enum Flag : uint8_t { WRONG = 1, FLAGGED = 2, OUTVOTED = 4, DIFFERS_AT_END = 8, VISIBLE = 16 };

struct Word {
    Bits w[WORDS];
    Word operator^(const Word& o) const { Word r; for (int i = 0; i < WORDS; ++i) r.w[i] = w[i] ^ o.w[i]; return r; }
    Word operator&(const Word& o) const { Word r; for (int i = 0; i < WORDS; ++i) r.w[i] = w[i] & o.w[i]; return r; }
    Word operator|(const Word& o) const { Word r; for (int i = 0; i < WORDS; ++i) r.w[i] = w[i] | o.w[i]; return r; }
    Word operator~() const { Word r; for (int i = 0; i < WORDS; ++i) r.w[i] = ~w[i]; return r; }
    void operator|=(const Word& o) { for (int i = 0; i < WORDS; ++i) w[i] |= o.w[i]; }
    void operator&=(const Word& o) { for (int i = 0; i < WORDS; ++i) w[i] &= o.w[i]; }
    bool any() const { Bits r = 0; for (int i = 0; i < WORDS; ++i) r |= w[i]; return r != 0; }
    bool bit(int lane) const { return w[lane >> 6] >> (lane & 63) & 1; }
    void set(int lane) { w[lane >> 6] |= Bits(1) << (lane & 63); }
};

Word spread(bool value) {
    Word r;
    for (int i = 0; i < WORDS; ++i) r.w[i] = value ? ~Bits(0) : 0;
    return r;
}

template <class T> T apply(uint8_t op, const T& a, const T& b, const T& c) {
    switch (op) {
        case BUF: return a;
        case NOT: return ~a;
        case AND: return a & b;
        case NAND: return ~(a & b);
        case OR: return a | b;
        case NOR: return ~(a | b);
        case XOR: return a ^ b;
        case XNOR: return ~(a ^ b);
        case ANDNOT: return a & ~b;
        case ORNOT: return a | ~b;
        default: return a ^ (c & (a ^ b));
    }
}

struct Gate {
    int32_t a, b, c, y;
    int32_t level;
    uint8_t op;
};

// Lists of numbers by net, in one array.
struct Table {
    std::vector<int32_t> start, item;
    template <class Each> void build(int32_t nets, Each each) {
        start.assign(nets + 1, 0);
        each([&](int32_t net, int32_t) { ++start[net + 1]; });
        for (int32_t n = 0; n < nets; ++n) start[n + 1] += start[n];
        item.resize(start[nets]);
        std::vector<int32_t> next(start.begin(), start.end() - 1);
        each([&](int32_t net, int32_t what) { item[next[net]++] = what; });
    }
};

struct Circuit {
    int32_t nets = 0, levels = 0;
    std::vector<Gate> gates;          // in an order in which inputs come first
    std::vector<int32_t> d, q;        // of every flip-flop
    std::vector<int32_t> driver;      // gate of a net, or -1
    std::vector<int32_t> register_of; // flip-flop that drives a net, or -1
    Table readers, registers;         // gates, and flip-flops, that read a net

    template <class Value> void settle(Value* value) const {
        for (const Gate& g : gates) value[g.y] = apply(g.op, value[g.a], value[g.b], value[g.c]);
    }
};

template <class Found> void each_input(const std::vector<Gate>& gates, Found found) {
    for (int32_t i = 0; i < int32_t(gates.size()); ++i) {
        const Gate& g = gates[i];
        if (g.a > 1) found(g.a, i);
        if (g.b > 1 && g.b != g.a) found(g.b, i);
        if (g.c > 1 && g.c != g.a && g.c != g.b) found(g.c, i);
    }
}

// Put gates into an order in which inputs come first; false if there is a loop.
bool order(Circuit& c) {
    Table readers;
    readers.build(c.nets, [&](auto found) { each_input(c.gates, found); });
    std::vector<uint8_t> driven(c.nets, 0);
    for (const Gate& g : c.gates) driven[g.y] = 1;
    std::vector<int32_t> missing(c.gates.size(), 0), sorted;
    each_input(c.gates, [&](int32_t net, int32_t gate) { missing[gate] += driven[net]; });
    for (int32_t i = 0; i < int32_t(missing.size()); ++i) if (!missing[i]) sorted.push_back(i);
    std::vector<int32_t> level(c.nets, 0);
    for (size_t at = 0; at < sorted.size(); ++at) {
        Gate& g = c.gates[sorted[at]];
        g.level = std::max({level[g.a], level[g.b], level[g.c]});
        level[g.y] = g.level + 1;
        c.levels = std::max(c.levels, g.level + 1);
        for (int32_t k = readers.start[g.y]; k < readers.start[g.y + 1]; ++k)
            if (--missing[readers.item[k]] == 0) sorted.push_back(readers.item[k]);
    }
    if (sorted.size() != c.gates.size()) return false;
    std::stable_sort(c.gates.begin(), c.gates.end(), [](const Gate& x, const Gate& y) { return x.level < y.level; });
    return true;
}

struct Trace {
    const Bits* bits;
    int64_t words;  // of one cycle
    bool at(int64_t cycle, int32_t net) const { return bits[cycle * words + (net >> 6)] >> (net & 63) & 1; }
};

// What is compared, and when. `compared`: 0 no, 1 in every cycle, 2 in the cycles of `qualified`, 3 is the error output.
struct Watch {
    const uint8_t* compared;   // by net
    const uint8_t* qualified;  // by cycle
    const int32_t* group;      // by flip-flop: its set of three copies, or -1
    const int32_t* copies;     // three flip-flops of every set
    const uint8_t* counted;    // by flip-flop: its state is compared
};

struct Results {
    uint8_t* flags;
    uint16_t* cycles;
};

// One thread's working memory; all differences are zero between two cycles but for those of flip-flops.
struct Simulator {
    const Circuit& c;
    const Trace trace;
    const Watch watch;
    std::vector<Word> differs, forced;
    std::vector<int32_t> force_of, touched, forced_nets, held, next_held, stamp;
    std::vector<uint8_t> queued;
    std::vector<std::vector<int32_t>> queue;
    int32_t now = 0;
    std::vector<Word> values;  // of the flip-flops in `held`, in the next cycle
    Word wrong, flagged, outvoted, visible;

    Simulator(const Circuit& circuit, Trace t, Watch w, int64_t groups)
        : c(circuit), trace(t), watch(w), differs(c.nets), force_of(c.nets, -1), stamp(groups, 0),
          queued(c.gates.size(), 0), queue(c.levels) {
        std::memset(differs.data(), 0, sizeof(Word) * differs.size());
    }

    void wake(int32_t gate) {
        if (queued[gate]) return;
        queued[gate] = 1;
        queue[c.gates[gate].level].push_back(gate);
    }

    void touch(int32_t net, const Word& difference) {
        differs[net] = difference;
        touched.push_back(net);
        for (int32_t k = c.readers.start[net]; k < c.readers.start[net + 1]; ++k) wake(c.readers.item[k]);
    }

    Word value(int64_t cycle, int32_t net) const { return spread(trace.at(cycle, net)) ^ differs[net]; }

    void evaluate(int64_t cycle, int32_t index) {
        const Gate& g = c.gates[index];
        const Word out = apply(g.op, value(cycle, g.a), value(cycle, g.b), value(cycle, g.c));
        Word difference = out ^ spread(trace.at(cycle, g.y));
        visible |= difference;
        if (force_of[g.y] >= 0) difference = difference ^ forced[force_of[g.y]];
        if (difference.any()) touch(g.y, difference);
    }

    void settle(int64_t cycle) {
        for (auto& level : queue) {
            for (size_t k = 0; k < level.size(); ++k) {
                queued[level[k]] = 0;
                evaluate(cycle, level[k]);
            }
            level.clear();
        }
    }

    void observe(int64_t cycle) {
        for (int32_t net : touched) {
            const uint8_t kind = watch.compared[net];
            if (kind == 1 || (kind == 2 && watch.qualified[cycle])) wrong |= differs[net];
            else if (kind == 3) flagged |= differs[net];
        }
    }

    // The net at which a flip of `net` is all that is left of it, or -1 if it gets lost on the way there. As long as one
    // gate alone reads a net, nothing else does, its output flips or does not: the same flip further on.
    int32_t stem(int32_t net, int64_t cycle, bool& moved) const {
        while (c.register_of[net] < 0 && !watch.compared[net] && c.registers.start[net] == c.registers.start[net + 1]) {
            const int32_t count = c.readers.start[net + 1] - c.readers.start[net];
            if (count > 1) break;
            if (count == 0) return -1;
            const Gate& g = c.gates[c.readers.item[c.readers.start[net]]];
            const auto flipped = [&](int32_t input) { return Bits(trace.at(cycle, input) != (input == net)); };
            if ((apply(g.op, flipped(g.a), flipped(g.b), flipped(g.c)) & 1) == Bits(trace.at(cycle, g.y))) return -1;
            net = g.y;
            moved = true;
        }
        return net;
    }

    // Whether some copies of a bit, and not all of them, differ.
    void vote() {
        ++now;
        for (int32_t ff : held) {
            const int32_t g = watch.group[ff];
            if (g < 0 || stamp[g] == now) continue;
            stamp[g] = now;
            const int32_t* m = watch.copies + 3 * g;
            const Word &x = differs[c.q[m[0]]], &y = differs[c.q[m[1]]], &z = differs[c.q[m[2]]];
            outvoted |= (x | y | z) & ~(x & y & z);
        }
    }

    // Take what the flip-flops will hold, and clear all differences; return where state that is compared differs.
    Word load() {
        Word alive = spread(false);
        next_held.clear();
        values.clear();
        for (int32_t net : touched)
            for (int32_t k = c.registers.start[net]; k < c.registers.start[net + 1]; ++k) {
                next_held.push_back(c.registers.item[k]);
                values.push_back(differs[net]);
                if (watch.counted[next_held.back()]) alive |= differs[net];
            }
        for (int32_t net : touched) std::memset(&differs[net], 0, sizeof(Word));
        touched.clear();
        held.swap(next_held);
        return alive;
    }

    void start(const int32_t* nets, const int64_t* first, int lanes) {
        forced.clear();
        forced_nets.clear();
        for (int lane = 0; lane < lanes; ++lane)
            for (int64_t k = first[lane]; k < first[lane + 1]; ++k) {
                if (force_of[nets[k]] < 0) {
                    force_of[nets[k]] = int32_t(forced.size());
                    forced.push_back(spread(false));
                    forced_nets.push_back(nets[k]);
                }
                forced[force_of[nets[k]]].set(lane);
            }
        for (int32_t net : forced_nets) {
            if (c.driver[net] >= 0) { wake(c.driver[net]); continue; }
            touch(net, forced[force_of[net]]);
        }
    }

    void run(int64_t cycle, int64_t end, const int32_t* nets, const int64_t* first, int lanes, Results results) {
        wrong = flagged = outvoted = visible = spread(false);
        start(nets, first, lanes);
        held.clear();
        Word alive = spread(false);
        for (int32_t net : forced_nets)
            if (c.register_of[net] >= 0) {
                held.push_back(c.register_of[net]);
                if (watch.counted[held.back()]) alive |= forced[force_of[net]];
            }
        std::memset(results.cycles, 0, sizeof(uint16_t) * lanes);
        for (bool begun = false;; begun = true) {
            for (int lane = 0; lane < lanes; ++lane) results.cycles[lane] += alive.bit(lane);
            vote();
            settle(cycle);
            observe(cycle);
            alive = load();
            if (!begun)
                for (int32_t net : forced_nets) force_of[net] = -1;
            for (const Word& word : values) visible |= word;
            if (++cycle == end || held.empty()) break;
            for (size_t k = 0; k < held.size(); ++k) touch(c.q[held[k]], values[k]);
        }
        visible |= wrong | flagged;
        for (int lane = 0; lane < lanes; ++lane)
            results.flags[lane] = WRONG * wrong.bit(lane) | FLAGGED * flagged.bit(lane) | OUTVOTED * outvoted.bit(lane)
                                  | DIFFERS_AT_END * alive.bit(lane) | VISIBLE * visible.bit(lane);
    }
};

// Up to LANES sets of flipped nets in the same cycle, each with the experiments that it stands for.
struct Batch {
    Simulator& s;
    Results results;
    std::vector<int32_t> nets;
    std::vector<int64_t> first{0};
    std::vector<std::vector<int64_t>> experiments;
    uint8_t flags[LANES];
    uint16_t cycles[LANES];

    Batch(Simulator& simulator, Results r) : s(simulator), results(r) {}

    void add(const int32_t* flipped, int64_t count, int64_t cycle, int64_t end, std::vector<int64_t> same) {
        nets.insert(nets.end(), flipped, flipped + count);
        first.push_back(int64_t(nets.size()));
        experiments.push_back(std::move(same));
        if (experiments.size() == LANES) flush(cycle, end);
    }

    void flush(int64_t cycle, int64_t end) {
        if (experiments.empty()) return;
        s.run(cycle, end, nets.data(), first.data(), int(experiments.size()), Results{flags, cycles});
        for (size_t lane = 0; lane < experiments.size(); ++lane)
            for (int64_t e : experiments[lane]) {
                results.flags[e] |= flags[lane];
                results.cycles[e] = cycles[lane];
            }
        nets.clear();
        first.assign(1, 0);
        experiments.clear();
    }
};

// Functions of at most three flip-flops: which ones, in order, and the value for each of their eight states.
struct Support {
    int32_t ff[3];
    uint8_t table;
};

constexpr uint8_t VARIABLE[3] = {0xAA, 0xCC, 0xF0};
constexpr int32_t NONE = -1, MANY = -2;

uint8_t restate(const Support& s, const int32_t* ff) {
    int place[3] = {0, 0, 0};
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
            if (s.ff[i] >= 0 && s.ff[i] == ff[j]) place[i] = j;
    uint8_t table = 0;
    for (int state = 0; state < 8; ++state) {
        int own = 0;
        for (int i = 0; i < 3; ++i)
            if (s.ff[i] >= 0) own |= (state >> place[i] & 1) << i;
        table |= (s.table >> own & 1) << state;
    }
    return table;
}

Support combine(uint8_t op, const Support& a, const Support& b, const Support& c) {
    Support r = {{NONE, NONE, NONE}, 0};
    const int inputs = op == BUF || op == NOT ? 1 : op == MUX ? 3 : 2;
    const Support* operand[3] = {&a, &b, &c};
    int count = 0;
    for (int i = 0; i < inputs; ++i) {
        if (operand[i]->ff[0] == MANY) return {{MANY, NONE, NONE}, 0};
        for (int32_t ff : operand[i]->ff) {
            if (ff < 0 || std::find(r.ff, r.ff + count, ff) != r.ff + count) continue;
            if (count == 3) return {{MANY, NONE, NONE}, 0};
            r.ff[count++] = ff;
        }
    }
    if (count > 1 && r.ff[0] > r.ff[1]) std::swap(r.ff[0], r.ff[1]);
    if (count > 2 && r.ff[1] > r.ff[2]) std::swap(r.ff[1], r.ff[2]);
    if (count > 2 && r.ff[0] > r.ff[1]) std::swap(r.ff[0], r.ff[1]);
    uint8_t table[3] = {0, 0, 0};
    for (int i = 0; i < inputs; ++i) table[i] = restate(*operand[i], r.ff);
    r.table = apply(op, table[0], table[1], table[2]);
    return r;
}

}  // namespace

extern "C" {

int32_t lanes() { return LANES; }

void* create(int32_t nets, int64_t gates, const uint8_t* op, const int32_t* inputs, const int32_t* output,
             int64_t flip_flops, const int32_t* d, const int32_t* q) {
    auto* c = new Circuit;
    c->nets = nets;
    for (int64_t i = 0; i < gates; ++i)
        c->gates.push_back({inputs[3 * i], inputs[3 * i + 1], inputs[3 * i + 2], output[i], 0, op[i]});
    if (!order(*c)) { delete c; return nullptr; }
    c->d.assign(d, d + flip_flops);
    c->q.assign(q, q + flip_flops);
    c->driver.assign(nets, -1);
    c->register_of.assign(nets, -1);
    for (int32_t i = 0; i < int32_t(flip_flops); ++i) c->register_of[q[i]] = i;
    for (int32_t i = 0; i < int32_t(gates); ++i) c->driver[c->gates[i].y] = i;
    c->readers.build(nets, [&](auto found) { each_input(c->gates, found); });
    c->registers.build(nets, [&](auto found) {
        for (int32_t i = 0; i < int32_t(flip_flops); ++i) if (c->d[i] > 1) found(c->d[i], i);
    });
    return c;
}

void destroy(void* circuit) { delete static_cast<Circuit*>(circuit); }

// Simulate without faults. `inputs` (cycle, port bit) drives `input_nets`; `state` holds the flip-flops before and
// after. From cycle `kept` on, all nets go to `trace` (cycle, word).
void simulate(const void* circuit, int64_t cycles, int64_t kept, const uint8_t* inputs, int64_t input_count,
              const int32_t* input_nets, uint8_t* state, Bits* trace) {
    const Circuit& c = *static_cast<const Circuit*>(circuit);
    std::vector<uint8_t> value(c.nets, 0);
    value[1] = 0xFF;
    const int64_t words = (c.nets + 63) / 64;
    for (int64_t cycle = 0; cycle < cycles; ++cycle) {
        for (size_t i = 0; i < c.q.size(); ++i) value[c.q[i]] = state[i] ? 0xFF : 0;
        for (int64_t i = 0; i < input_count; ++i) value[input_nets[i]] = inputs[cycle * input_count + i] ? 0xFF : 0;
        c.settle(value.data());
        for (size_t i = 0; i < c.q.size(); ++i) state[i] = value[c.d[i]] & 1;
        if (cycle < kept) continue;
        Bits* row = trace + (cycle - kept) * words;
        std::memset(row, 0, sizeof(Bits) * words);
        for (int32_t n = 0; n < c.nets; ++n) row[n >> 6] |= Bits(value[n] & 1) << (n & 63);
    }
}

// Evaluate all gates on 64 states at once; `values` (net) holds inputs and flip-flops before, all nets afterwards.
void evaluate(const void* circuit, Bits* values) {
    values[0] = 0;
    values[1] = ~Bits(0);
    static_cast<const Circuit*>(circuit)->settle(values);
}

// For every net: the at most three flip-flops that it is a function of (-1: none, -2 first: other nets or more), and
// that function.
void supports(const void* circuit, int32_t* flip_flops, uint8_t* tables) {
    const Circuit& c = *static_cast<const Circuit*>(circuit);
    std::vector<Support> of(c.nets, Support{{MANY, NONE, NONE}, 0});
    of[0] = {{NONE, NONE, NONE}, 0};
    of[1] = {{NONE, NONE, NONE}, 0xFF};
    for (size_t i = 0; i < c.q.size(); ++i) of[c.q[i]] = {{int32_t(i), NONE, NONE}, VARIABLE[0]};
    for (const Gate& g : c.gates) of[g.y] = combine(g.op, of[g.a], of[g.b], of[g.c]);
    for (int32_t n = 0; n < c.nets; ++n) {
        std::copy(of[n].ff, of[n].ff + 3, flip_flops + 3 * n);
        tables[n] = of[n].table;
    }
}

// Mark every net from which a marked net can be reached through gates, within a cycle.
void reaching(const void* circuit, uint8_t* marked) {
    const Circuit& c = *static_cast<const Circuit*>(circuit);
    for (auto g = c.gates.rbegin(); g != c.gates.rend(); ++g)
        if (marked[g->y]) marked[g->a] = marked[g->b] = marked[g->c] = 1;
}

// Run experiments, sorted by cycle: experiment e flips nets[first[e]..first[e+1]) for the one cycle at[e]; it is
// observed for `horizon` cycles, within the `cycles` of the trace. Writes one flag and one count each.
void inject(const void* circuit, const Bits* trace, int64_t cycles, const uint8_t* compared, const uint8_t* qualified,
            const int32_t* group, int64_t groups, const int32_t* copies, const uint8_t* counted, int64_t experiments,
            const int64_t* at, const int64_t* first, const int32_t* nets, int64_t horizon, uint8_t* flags,
            uint16_t* differing) {
    const Circuit& c = *static_cast<const Circuit*>(circuit);
    Simulator s(c, Trace{trace, (c.nets + 63) / 64}, Watch{compared, qualified, group, copies, counted}, groups);
    Batch batch(s, Results{flags, differing});
    for (int64_t e = 0; e < experiments;) {
        const int64_t cycle = at[e];
        const int64_t end = std::min(cycle + horizon, cycles);
        std::vector<std::pair<int32_t, int64_t>> single;
        for (; e < experiments && at[e] == cycle; ++e) {
            if (first[e + 1] - first[e] != 1) {
                batch.add(nets + first[e], first[e + 1] - first[e], cycle, end, {e});
                continue;
            }
            bool moved = false;
            const int32_t net = s.stem(nets[first[e]], cycle, moved);
            flags[e] = moved ? VISIBLE : 0;
            if (net >= 0) single.push_back({net, e});
        }
        std::sort(single.begin(), single.end());
        for (size_t k = 0; k < single.size();) {
            std::vector<int64_t> same;
            const int32_t net = single[k].first;
            for (; k < single.size() && single[k].first == net; ++k) same.push_back(single[k].second);
            batch.add(&net, 1, cycle, end, std::move(same));
        }
        batch.flush(cycle, end);
    }
}

}  // extern "C"
