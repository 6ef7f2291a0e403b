// A system (hdl/link/link.py) in simulation, whose serial line is a file descriptor: bytes from standard input go to rx, bytes from tx go to
// standard output, which may be one and the same pseudo-terminal. verif/board/simulated.py builds it and writes harness.h, which
// includes the model and defines SIM_TOP, its class, and how its clock and reset are driven and which lamps are lit: SIM_CLOCK,
// SIM_RESET and SIM_LAMPS.
//
//   model DIVISOR
//
// DIVISOR: cycles per bit. On SIGUSR1 it writes a line to standard error: the cycles from the first start bit on rx since the last such
// line to the last stop bit on tx, and which lamps are lit. Ends when its parent does, or when standard input does; prints nothing of its own to standard output.
// While nothing moves on the line and nothing has for QUIET cycles, the simulation crawls, to leave the processor to others.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <csignal>
#include <deque>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "verilated.h"

#include "harness.h"

namespace {

volatile std::sig_atomic_t asked = 0;

constexpr uint64_t QUIET = 200000;
constexpr uint64_t SETTLED = 256;     // cycles after which tx means something
constexpr unsigned LOOK = 64;         // cycles between two looks at the files
constexpr size_t AHEAD = 4096;        // bytes read ahead of the line: more wait outside
constexpr size_t BEHIND = 1 << 16;    // bytes that nobody has taken, beyond which the clock stops

void clock(SIM_TOP& top, uint64_t cycle, bool level) {
    SIM_RESET(top, (cycle < 4));
    SIM_CLOCK(top, level);
    top.eval();
}

struct Sender {  // of one byte at a time
    unsigned divisor, cycle = 0;
    int bits = -1;
    std::deque<uint8_t> waiting;
    bool busy() const { return bits >= 0 || !waiting.empty(); }
    bool level() {
        if (bits < 0) {
            if (waiting.empty()) return true;
            bits = (0x100 | waiting.front()) << 1;
            waiting.pop_front();
            cycle = 0;
        }
        const bool now = bits >> (cycle / divisor) & 1;
        if (++cycle == 10 * divisor) bits = -1;
        return now;
    }
};

struct Receiver {  // samples in the middle of bits
    unsigned divisor, cycle = 0;
    bool active = false;
    unsigned bits = 0;
    std::deque<uint8_t> received;
    void see(bool level) {
        if (!active) {
            active = !level;
            cycle = 0;
            bits = 0;
        } else if (++cycle % divisor == divisor / 2) {
            bits |= (unsigned)level << (cycle / divisor);
            if (cycle / divisor == 9) {
                if (bits >> 9 & 1) received.push_back(bits >> 1 & 0xFF);
                active = false;
            }
        }
    }
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    const pid_t parent = getppid();
    const unsigned divisor = std::strtoul(argv[1], nullptr, 10);
    Sender sender{divisor};
    Receiver receiver{divisor};
    for (int file : {0, 1}) fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_NONBLOCK);

    VerilatedContext context;
    SIM_TOP top{&context};
    uint64_t moved = 0, first = 0, last = 0;
    std::signal(SIGUSR1, [](int) { asked = 1; });
    for (uint64_t cycle = 0;; ++cycle) {
        if (!first && sender.busy()) first = cycle;
        top.rx = sender.level();
        clock(top, cycle, false);
        if (cycle >= SETTLED) {
            const bool before = receiver.active;
            receiver.see(top.tx);
            if (before && !receiver.active) last = cycle + divisor - divisor / 2;
        }
        clock(top, cycle, true);
        if (cycle % LOOK) continue;

        if (asked) {
            asked = 0;
            std::fprintf(stderr, "%llu %u\n", (unsigned long long)(last - first), (unsigned)(SIM_LAMPS(top)));
            first = 0;
        }
        if (sender.busy() || receiver.active || !receiver.received.empty()) moved = cycle;
        if (sender.waiting.size() < AHEAD) {
            uint8_t some[AHEAD];
            const ssize_t count = read(0, some, sizeof some);
            if (count > 0) sender.waiting.insert(sender.waiting.end(), some, some + count);
            if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) break;
        }
        do {
            while (!receiver.received.empty()) {
                const ssize_t count = write(1, &receiver.received.front(), 1);
                if (count == 1) receiver.received.pop_front();
                else if (count < 0 && errno == EAGAIN) break;
                else if (count < 0 && errno != EINTR) return 1;
            }
            const bool crawl = cycle - moved > QUIET, full = receiver.received.size() > BEHIND;
            if (crawl || full) {
                if (getppid() != parent) return 0;
                pollfd line{full ? 1 : 0, (short)(full ? POLLOUT : POLLIN), 0};
                poll(&line, 1, full ? 100 : 2);
            }
        } while (receiver.received.size() > BEHIND);
    }
    top.final();
    return 0;
}
