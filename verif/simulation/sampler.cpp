// Draws vectors from a sampler as fast as the model runs. verif/simulation/sampler_run.py builds it for each sampler, and writes harness.h,
// which includes the model and defines MODEL (its class) and LANES.
//
//   model SEED COUNT WAIT OUTPUT
//
// COUNT vectors, of 16 bits for each lane, go to the file OUTPUT. WAIT: of 256 cycles so many, drawn at random, take nothing.
// Prints the cycles from reset until ready; exit status 3 if that takes too long.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "verilated.h"
#include "harness.h"

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const uint64_t seed = std::strtoull(argv[1], nullptr, 10), count = std::strtoull(argv[2], nullptr, 10);
    const unsigned wait = std::atoi(argv[3]);
    std::FILE* output = std::fopen(argv[4], "wb");
    if (!output) {
        std::perror(argv[4]);
        return 2;
    }
    VerilatedContext context;
    MODEL top{&context};
    auto cycle = [&top](auto&& look) {
        top.clk = 0;
        top.eval();
        look();
        top.clk = 1;
        top.eval();
    };
    top.rst = 1;
    top.take = 0;
    top.seed = seed;
    for (int i = 0; i < 3; ++i) cycle([] {});
    top.rst = 0;
    top.seed = ~seed;
    uint64_t cycles = 0, taken = 0, random = 1;
    for (bool ready = false; !ready; ++cycles) {
        if (cycles > 1000000) return 3;
        cycle([&] { ready = top.ready; });
    }
    std::printf("%llu\n", (unsigned long long)(cycles - 1));
    while (taken < count) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;  // only the pauses depend on it
        top.take = (random >> 56) >= wait;
        cycle([&] {
            if (!top.ready) std::exit(3);
            if (top.take) std::fwrite(&top.eps, 1, 2 * LANES, output);
        });
        taken += top.take;
    }
    top.final();
    const bool failed = std::ferror(output);
    if (std::fclose(output) || failed) {
        std::fprintf(stderr, "%s: cannot be written\n", argv[4]);
        return 2;
    }
    return 0;
}
