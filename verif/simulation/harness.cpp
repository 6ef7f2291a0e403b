// Drives a pipeline's AXI4-Streams from files, as fast as the model runs. verif/simulation/verilator.py builds it for each pipeline and
// writes harness.h, which includes the model and defines SIM_TOP (its class), SIM_S_BYTES and SIM_M_BYTES (bytes per beat), and SIM_TAPS
// (a list of TAP(name, bytes, beats) entries: bytes per beat, beats per frame). SIM_SEED: the model has a sampler. SIM_E_BYTES: it takes
// samples instead, so many bytes each.
//
//   model INPUT OUTPUT FRAMES BEATS RESULTS SAMPLES IDLE BACKPRESSURE STALLS QUIET DRAIN SEED [RECORD [SKIPPED PERIOD]]
//
// INPUT: beats, SIM_S_BYTES each. OUTPUT: folder for result.bin (beats), times.bin (per frame the cycles of its first input transfer
// and of its last output transfer, 64 bit), counters.bin (four 32-bit counters), <tap>.bin and <tap>.times.bin (per frame the cycles of
// its first and last beat).
// Samples come from OUTPUT/epsilon.bin. BEATS: transfers per frame at the entrance; RESULTS: per result, of which a frame has SAMPLES.
// IDLE, BACKPRESSURE: how many of 256 cycles the inputs wait and the output is not ready, drawn from STALLS. QUIET: cycles without a
// transfer after which the simulation is given up. DRAIN: cycles that it goes on for after the last result. SEED: the sampler's. RECORD:
// a file of waves, of all cycles; or, where SIM_ACTIVITY is defined, one of toggles (SAIF), from the first transfer of frame SKIPPED
// to the last transfer of the last frame, in cycles of PERIOD picoseconds. Verilator counts from 0, so that a bit that is 1 at first
// has one toggle too many there; RECORD.first has the toggles of the first values alone.
// Prints "frames N" as results come; exit status 0 when all have come, 2 when a file cannot be read or written, 3 on a protocol error,
// 4 when given up.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "verilated.h"

#include "harness.h"

#ifdef SIM_ACTIVITY
#include "verilated_saif_c.h"
#elif VM_TRACE
#include "verilated_fst_c.h"
#endif

namespace {

struct Random {  // xorshift64*; only the stall pattern depends on it
    uint64_t state;
    bool below(unsigned limit) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return ((state * 0x2545F4914F6CDD1DULL) >> 56) < limit;
    }
};

std::vector<uint8_t> load(const std::string& path, size_t size) {
    std::vector<uint8_t> data(size);
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file || std::fread(data.data(), 1, size, file) != size) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        std::exit(2);
    }
    std::fclose(file);
    return data;
}

std::FILE* create(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (!file) {
        std::fprintf(stderr, "cannot write %s: %s\n", path.c_str(), std::strerror(errno));
        std::exit(2);
    }
    return file;
}

void close(std::FILE* file, const std::string& path) {
    const bool failed = std::fflush(file) || std::ferror(file);
    const char* reason = std::strerror(errno);
    if (std::fclose(file) || failed) {
        std::fprintf(stderr, "cannot write %s: %s\n", path.c_str(), reason);
        std::exit(2);
    }
}

struct Tap {  // a stream inside the pipeline
    std::FILE* file;
    uint64_t beats;
    std::vector<uint64_t> times;
    uint64_t taken = 0;
    void take(const void* data, size_t bytes, uint64_t cycle) {
        std::fwrite(data, 1, bytes, file);
        const uint64_t frame = taken / beats, place = taken % beats;
        ++taken;
        if (2 * frame >= times.size()) return;
        if (place == 0) times[2 * frame] = cycle;
        if (place == beats - 1) times[2 * frame + 1] = cycle;
    }
    void close_in(const std::string& stem) {
        close(file, stem + ".bin");
        std::FILE* written = create(stem + ".times.bin");
        std::fwrite(times.data(), 8, times.size(), written);
        close(written, stem + ".times.bin");
    }
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 13) return 2;
    const std::string folder = argv[2];
    uint64_t numbers[10];
    for (int i = 0; i < 10; ++i) numbers[i] = std::strtoull(argv[3 + i], nullptr, 10);
    const uint64_t frames = numbers[0], beats = numbers[1], length = numbers[2], samples = numbers[3], quiet = numbers[7];
    const uint64_t results = length * samples;
    const unsigned idle = numbers[4], backpressure = numbers[5];
    uint64_t drain = numbers[8];
    Random random{numbers[6] * 2 + 1};
    const std::vector<uint8_t> data = load(argv[1], frames * beats * SIM_S_BYTES);
#ifdef SIM_E_BYTES
    const std::vector<uint8_t> epsilon = load(folder + "/epsilon.bin", frames * samples * SIM_E_BYTES);
    uint64_t drawn = 0;
    bool drawing = false;
#endif

    VerilatedContext context;
    SIM_TOP top{&context};
    std::FILE* result = create(folder + "/result.bin");
#define TAP(name, bytes, beats) Tap tap_##name{create(folder + "/" #name ".bin"), beats, std::vector<uint64_t>(2 * frames)};
    SIM_TAPS
#undef TAP
#ifdef SIM_ACTIVITY
    if (argc < 16) return 2;
    const uint64_t skipped = std::strtoull(argv[14], nullptr, 10), period = std::strtoull(argv[15], nullptr, 10);
    uint64_t recorded = 0;
    VerilatedSaifC first, toggles;  // one that was opened before would not see what it has seen
    context.traceEverOn(true);
    top.trace(&first, 99);
    top.trace(&toggles, 99);
    bool beginning = false;
    auto record = [&] {
        if (beginning) {
            first.open((std::string(argv[13]) + ".first").c_str());
            first.dump(uint64_t{0});
            first.close();
            toggles.open(argv[13]);
            beginning = false;
        }
        if (toggles.isOpen()) toggles.dump(recorded++ * period / 2);
    };
#define DUMP(cycle, half) record()
#elif VM_TRACE
    VerilatedFstC waves;
    if (argc > 13) {
        context.traceEverOn(true);
        top.trace(&waves, 99);
        waves.open(argv[13]);
    }
#define DUMP(cycle, half) if (argc > 13) waves.dump(10 * (cycle) + 5 * (half))
#else
#define DUMP(cycle, half)
#endif

    std::vector<uint64_t> times(2 * frames);
    uint64_t sent = 0, received = 0, last_transfer = 0, shown = 0;
    uint8_t held[SIM_M_BYTES], seen[SIM_M_BYTES];
    bool offering = false, holding = false, held_last = false;
    int status = 0;
    top.aresetn = 0;
    top.s_axis_tvalid = 0;
    top.m_axis_tready = 0;
#ifdef SIM_SEED
    top.seed = numbers[9];
#endif
    for (uint64_t cycle = 0; received < frames * results || drain-- > 0; ++cycle) {
        const bool reset = cycle < 4;
        top.aresetn = !reset;
        if (!reset && sent < frames * beats && (offering || !random.below(idle))) {
            top.s_axis_tvalid = 1;
            std::memcpy(&top.s_axis_tdata, &data[sent * SIM_S_BYTES], SIM_S_BYTES);
            top.s_axis_tlast = sent % beats == beats - 1;
        } else {
            top.s_axis_tvalid = 0;
            std::memset(&top.s_axis_tdata, 0xA5, SIM_S_BYTES);
            top.s_axis_tlast = cycle & 1;
        }
#ifdef SIM_E_BYTES
        top.s_axis_eps_tvalid = !reset && drawn < frames * samples && (drawing || !random.below(idle));
        if (top.s_axis_eps_tvalid) std::memcpy(&top.s_axis_eps_tdata, &epsilon[drawn * SIM_E_BYTES], SIM_E_BYTES);
#endif
        top.m_axis_tready = !reset && !random.below(backpressure);
        top.aclk = 0;
        top.eval();
        DUMP(cycle, 0);
        if (!reset) {
            offering = top.s_axis_tvalid && !top.s_axis_tready;  // S2: held until the transfer
            if (top.s_axis_tvalid && top.s_axis_tready) {
                if (sent % beats == 0) times[2 * (sent / beats)] = cycle;
                ++sent;
                last_transfer = cycle;
            }
#ifdef SIM_E_BYTES
            drawing = top.s_axis_eps_tvalid && !top.s_axis_eps_tready;
            if (top.s_axis_eps_tvalid && top.s_axis_eps_tready) ++drawn;
#endif
            std::memcpy(seen, &top.m_axis_tdata, SIM_M_BYTES);
            if (holding && (!top.m_axis_tvalid || std::memcmp(held, seen, SIM_M_BYTES) || held_last != (bool)top.m_axis_tlast)) {
                std::fprintf(stderr, "S2: m_axis changed before its transfer, in cycle %llu\n", (unsigned long long)cycle);
                status = 3;
                break;
            }
            holding = top.m_axis_tvalid && !top.m_axis_tready;
            if (holding) {
                std::memcpy(held, seen, SIM_M_BYTES);
                held_last = top.m_axis_tlast;
            }
            if (top.m_axis_tvalid && top.m_axis_tready) {
                if ((bool)top.m_axis_tlast != (received % length == length - 1)) {
                    std::fprintf(stderr, "tlast is misplaced at result beat %llu\n", (unsigned long long)received);
                    status = 3;
                    break;
                }
                std::fwrite(seen, 1, SIM_M_BYTES, result);
                ++received;
                last_transfer = cycle;
                if (received % results == 0) {
                    times[2 * (received / results) - 1] = cycle;
                    if (received / results - shown >= (frames + 99) / 100) {
                        shown = received / results;
                        std::printf("frames %llu\n", (unsigned long long)shown);
                        std::fflush(stdout);
                    }
                }
            }
#define TAP(name, bytes, beats) if (top.taps_##name##_valid) tap_##name.take(&top.taps_##name##_data, bytes, cycle);
            SIM_TAPS
#undef TAP
            if (cycle - last_transfer > quiet) {
                std::fprintf(stderr, "no transfer for %llu cycles; %llu of %llu frames came out\n", (unsigned long long)quiet,
                             (unsigned long long)(received / results), (unsigned long long)frames);
                status = 4;
                break;
            }
        }
        top.aclk = 1;
        top.eval();
        DUMP(cycle, 1);
#ifdef SIM_ACTIVITY
        // the window ends with a whole cycle; what follows the last transfer is not what a busy pipeline does
        if (toggles.isOpen() ? sent == frames * beats : sent == skipped * beats && sent < frames * beats && !reset) {
            if (!toggles.isOpen()) {
                beginning = true;
            } else {
                DUMP(cycle, 2);
                toggles.close();
            }
        }
#endif
    }
    // the last transfer is counted at the edge after it
    top.s_axis_tvalid = 0;
    for (int half = 0; half < 4; ++half) {
        top.aclk = half & 1;
        top.eval();
    }
    const uint32_t counters[4] = {top.counters_frames_in, top.counters_frames_out, top.counters_malformed, top.counters_dropped};
    std::FILE* file = create(folder + "/counters.bin");
    std::fwrite(counters, sizeof counters, 1, file);
    close(file, folder + "/counters.bin");
    file = create(folder + "/times.bin");
    std::fwrite(times.data(), 8, times.size(), file);
    close(file, folder + "/times.bin");
    close(result, folder + "/result.bin");
#define TAP(name, bytes, beats) tap_##name.close_in(folder + "/" #name);
    SIM_TAPS
#undef TAP
#if VM_TRACE && !defined(SIM_ACTIVITY)
    if (argc > 13) waves.close();
#endif
    top.final();
    return status;
}
