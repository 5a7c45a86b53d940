// Plays values of the input ports on a simulated netlist and writes the toggles of every net as SAIF.
//
// ports.h, made for the netlist, lists its ports: INPUTS(P) P(a) P(b)..., likewise CLOCKS and OUTPUTS. stimulus.bin holds
// the inputs of every cycle, outputs.bin gets the outputs of every counted cycle: each port in as many bytes as its
// variable has. Called with the number of cycles before those that count, and of those that count.
//
// The netlist takes the inputs of a new cycle over at the rising edge, at which its registers load what settled before.
// Only settled values are dumped, so that a toggle is a change from one cycle to the next. The dump starts half a period
// before the first edge that counts, half periods are its unit of time. It charges every net that is high then with one
// toggle: start.saif, a dump of that moment alone, says which these are.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "Vgates.h"
#include "ports.h"
#include "verilated_saif_c.h"

namespace {

std::FILE* opened(const char* name, const char* mode) {
    std::FILE* const file = std::fopen(name, mode);
    if (file) return file;
    std::fprintf(stderr, "error: cannot open %s\n", name);
    std::exit(1);
}

template <typename Port>
void read_port(std::FILE* file, Port& port) {
    if (std::fread(&port, sizeof port, 1, file) == 1) return;
    std::fprintf(stderr, "error: stimulus.bin ends early\n");
    std::exit(1);
}

template <typename Port>
void write_port(std::FILE* file, const Port& port) {
    if (std::fwrite(&port, sizeof port, 1, file) == 1) return;
    std::fprintf(stderr, "error: cannot write outputs.bin\n");
    std::exit(1);
}

void set_clocks(Vgates& top, int value) {
#define SET(port) top.port = value;
    CLOCKS(SET)
#undef SET
    top.eval();
}

void dump(VerilatedSaifC& file, const char* name) {
    file.open(name);
    file.dump(static_cast<uint64_t>(0));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const long lead = std::atol(argv[1]), end = lead + std::atol(argv[2]);
    std::FILE* const stimulus = opened("stimulus.bin", "rb");
    std::FILE* const outputs = opened("outputs.bin", "wb");
    VerilatedContext context;
    context.traceEverOn(true);
    const auto top = std::make_unique<Vgates>(&context);
    VerilatedSaifC start, activity;
    top->trace(&start, 99);
    top->trace(&activity, 99);
    uint64_t now = 0;
    set_clocks(*top, 0);
    for (long cycle = 0; cycle < end; ++cycle) {
        if (cycle == lead) {
            dump(start, "start.saif");
            start.close();
            dump(activity, "activity.saif");
        }
#define READ(port) read_port(stimulus, top->port);
        INPUTS(READ)
#undef READ
        set_clocks(*top, 1);
        if (cycle >= lead) {
            activity.dump(++now);
#define WRITE(port) write_port(outputs, top->port);
            OUTPUTS(WRITE)
#undef WRITE
        }
        set_clocks(*top, 0);
        if (cycle >= lead) activity.dump(++now);
    }
    activity.close();
    top->final();
    return std::fclose(outputs) == 0 ? 0 : 1;
}
