// Sends datagrams to datagram_receiver and reads its messages. verif/differential/datagrams.py builds it and writes harness.h, which includes the
// model and defines SIM_TOP, its class, DEPTH and MESSAGES, its configuration.
//
//   model DATAGRAMS MESSAGES SEED     of each datagram: sender (8 bytes), length (4), words (4), the words; of each message: sender, words
//
// Words come with pauses and without, datagrams close together and apart, and are read at every pace. No more are on their way than
// there is room for. Prints how many were refused; ends with status 3 if what was sent does not come out in time.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <vector>

#include "verilated.h"

#include "harness.h"

namespace {

constexpr unsigned LONGEST = 100000;  // cycles that all that is inside may take to come out
constexpr unsigned QUIET = 8;         // cycles without a message after which none is inside

template <class Number>
Number number(std::ifstream& from) {
    Number value = 0;
    from.read(reinterpret_cast<char*>(&value), sizeof value);
    return value;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    std::ifstream in(argv[1], std::ios::binary);
    std::ofstream out(argv[2], std::ios::binary);
    std::minstd_rand chance(std::strtoul(argv[3], nullptr, 10) + 1);
    VerilatedContext context;
    SIM_TOP top{&context};
    unsigned pace = 1, left = 0, read = 0, silent = 0, late = 0;
    const auto cycle = [&](bool valid, uint32_t word, bool last) {
        top.received_valid = valid;
        top.received_data = word;
        top.received_last = last;
        top.letters_take = top.letters_done = 0;
        top.clk = 0;
        top.eval();
        silent = top.letters_waiting ? 0 : silent + 1;
        if (late) {
            top.letters_done = --late == 0;  // a message is done with some time after its last word
        } else if (top.letters_waiting && chance() % pace == 0) {
            top.letters_take = 1;
            if (read == 0) {
                const uint64_t sender = top.letters_sender;
                out.write(reinterpret_cast<const char*>(&sender), sizeof sender);
                left = 2 + ((top.letters_word >> 16) + 3) / 4;
            }
            const uint32_t taken = top.letters_word;
            out.write(reinterpret_cast<const char*>(&taken), sizeof taken);
            if (++read == left) {
                read = 0;
                late = chance() % 3;
                top.letters_done = late == 0;
            }
        }
        top.eval();
        top.clk = 1;
        top.eval();
    };
    top.rst = 1;
    for (int i = 0; i < 4; ++i) cycle(false, 0, false);
    top.rst = 0;
    uint64_t count = 0;
    unsigned inside = 0, words_inside = 0;
    const auto empty = [&] {
        for (unsigned waited = 0; silent < QUIET; ++waited) {
            if (waited == LONGEST) {
                std::fprintf(stderr, "what was sent up to datagram %llu does not come out", (unsigned long long)count);
                std::exit(3);
            }
            cycle(false, 0, false);
        }
        inside = words_inside = 0;
    };
    std::vector<uint32_t> words;
    for (;;) {
        const uint64_t sender = number<uint64_t>(in);
        const uint32_t length = number<uint32_t>(in), size = number<uint32_t>(in);
        if (!in) break;
        words.resize(size);
        in.read(reinterpret_cast<char*>(words.data()), 4 * size);
        if (inside + 2 > MESSAGES - 1 || words_inside + size > DEPTH - 8) empty();
        if (chance() % 16 == 0) pace = 1 + chance() % 4;
        const bool pauses = chance() % 4 == 0;
        top.received_sender = sender;
        top.received_length = length;
        for (uint32_t i = 0; i < size; ++i) {
            cycle(true, words[i], i + 1 == size);
            while (pauses && chance() % 2) cycle(false, chance(), chance() & 1);
        }
        for (unsigned gap = 1 + chance() % 3; gap--;) cycle(false, chance(), chance() & 1);
        ++inside, words_inside += size, ++count;
        silent = 0;
    }
    silent = 0;
    empty();
    std::printf("%u\n", (unsigned)top.refused);
    if (read || late) std::fprintf(stderr, "a message ends after %u of %u words", read, left);
    return read || late ? 3 : 0;
}
