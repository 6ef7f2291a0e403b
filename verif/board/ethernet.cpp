// A system behind LiteEth in simulation, whose Ethernet PHY is either a UDP socket or a TAP device. verif/board/ethernet.py builds it
// and writes harness.h, which includes the model and defines SIM_TOP, its class.
//
//   model udp ADDRESS PORT     datagrams to a socket of this machine are those to the board's UDP port
//   model tap NAME             frames of a TAP device are those of the board's cable
//
// BOARD_IP is the board's, BOARD_PORT its UDP port, SYSTEM_KHZ the rate of its system's clock, at most the PHY's. Behind a socket, whoever
// asks is a neighbour of its own: ARP is answered for each. On SIGUSR1 it writes a line to standard error: PHY cycles so far, bytes to
// the board and from it, the cycles in which either was moving, and the cycles of the last request: from the first byte to the board
// behind a silence to the last byte from it. Ends when its parent does.

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "verilated.h"

#include "harness.h"

namespace {

using Bytes = std::vector<uint8_t>;

volatile std::sig_atomic_t asked = 0;

constexpr uint64_t MAC = 0x02'53'42'00'00'01, PEER = 0x02'53'42'00'00'02;
constexpr unsigned PHY_KHZ = 125000;
constexpr unsigned GAP = 12;           // byte times between two frames
constexpr uint64_t QUIET = 4000000;    // PHY cycles without a byte after which the simulation crawls
constexpr unsigned LOOK = 128;         // PHY cycles between two looks at the socket
constexpr uint64_t SILENCE = 1000;     // PHY cycles after which a byte to the board begins something new
constexpr size_t AHEAD = 64;           // frames read ahead of the cable

uint32_t crc(const Bytes& data, size_t size) {
    uint32_t state = ~0u;
    for (size_t i = 0; i < size; ++i) {
        state ^= data[i];
        for (int bit = 0; bit < 8; ++bit) state = state >> 1 ^ (state & 1 ? 0xEDB88320u : 0);
    }
    return ~state;
}

void put(Bytes& to, uint64_t value, unsigned size) {
    for (unsigned i = size; i--;) to.push_back(value >> 8 * i);
}

uint64_t get(const Bytes& from, size_t at, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) value = value << 8 | from[at + i];
    return value;
}

uint16_t sum(const Bytes& data, size_t at, size_t size) {
    uint32_t total = 0;
    for (size_t i = 0; i < size; i += 2) total += get(data, at + i, 2);
    while (total >> 16) total = (total & 0xFFFF) + (total >> 16);
    return ~total;
}

struct Cable {  // to the board: frames with preamble, check and gap; from it: frames without
    std::deque<Bytes> in, out;
    size_t at = 0;
    unsigned gap = 0;
    bool receiving = false;
    Bytes heard;
    uint64_t bytes_in = 0, bytes_out = 0, moving = 0, first = 0, last = 0, cycle = 0;

    void send(Bytes frame) {
        while (frame.size() < 60) frame.push_back(0);
        const uint32_t check = crc(frame, frame.size());
        for (int i = 0; i < 4; ++i) frame.push_back(check >> 8 * i);
        Bytes whole(7, 0x55);
        whole.push_back(0xD5);
        whole.insert(whole.end(), frame.begin(), frame.end());
        in.push_back(std::move(whole));
    }
    bool busy() const { return !in.empty() || receiving || !out.empty(); }
    void step(SIM_TOP& top) {
        ++cycle;
        top.phy_rx_dv = 0;
        if (gap) --gap;
        else if (!in.empty()) {
            top.phy_rx_dv = 1;
            top.phy_rx_data = in.front()[at++];
            ++bytes_in;
            if (cycle > SILENCE + std::max(first, last)) first = cycle;
            if (at == in.front().size()) {
                in.pop_front();
                at = 0;
                gap = GAP;
            }
        }
        if (top.phy_tx_en) {
            receiving = true;
            heard.push_back(top.phy_tx_data);
            ++bytes_out;
            last = cycle;
        } else if (receiving) {
            receiving = false;
            size_t start = 0;
            while (start < heard.size() && heard[start] == 0x55) ++start;
            if (heard.size() >= start + 5 && heard[start] == 0xD5) {
                Bytes frame(heard.begin() + start + 1, heard.end() - 4);
                Bytes whole(heard.begin() + start + 1, heard.end());
                uint32_t check = 0;
                for (int i = 3; i >= 0; --i) check = check << 8 | whole[whole.size() - 4 + i];
                if (crc(frame, frame.size()) == check) out.push_back(std::move(frame));
                else std::fprintf(stderr, "a frame from the board whose check is wrong\n");
            }
            heard.clear();
        }
        moving += top.phy_rx_dv || top.phy_tx_en;
    }
};

struct Socket {  // a UDP socket in the place of the network
    int file = -1;
    bool open(const char* address, unsigned port) {
        file = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_port = htons(port);
        int room = 1 << 20;
        setsockopt(file, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        if (inet_pton(AF_INET, address, &here.sin_addr) != 1) return false;
        if (bind(file, (sockaddr*)&here, sizeof here)) return false;
        socklen_t size = sizeof here;
        getsockname(file, (sockaddr*)&here, &size);
        std::printf("%u\n", (unsigned)ntohs(here.sin_port));
        return true;
    }
    void read(Cable& cable) {
        while (cable.in.size() < AHEAD) {
            uint8_t some[2048];
            sockaddr_in from{};
            socklen_t size = sizeof from;
            const ssize_t count = recvfrom(file, some, sizeof some, 0, (sockaddr*)&from, &size);
            if (count < 0) return;
            if (count > 1472) continue;  // of more, IP would make several
            Bytes frame;
            put(frame, MAC, 6);
            put(frame, PEER, 6);
            put(frame, 0x0800, 2);
            put(frame, 0x4500, 2);
            put(frame, 28 + count, 2);
            put(frame, 0, 4);
            put(frame, 0x4011, 2);
            put(frame, 0, 2);
            put(frame, ntohl(from.sin_addr.s_addr), 4);
            put(frame, BOARD_IP, 4);
            const uint16_t check = sum(frame, 14, 20);
            frame[24] = check >> 8;
            frame[25] = check;
            put(frame, ntohs(from.sin_port), 2);
            put(frame, BOARD_PORT, 2);
            put(frame, 8 + count, 2);
            put(frame, 0, 2);
            frame.insert(frame.end(), some, some + count);
            cable.send(frame);
        }
    }
    void write(Cable& cable) {
        for (; !cable.out.empty(); cable.out.pop_front()) {
            const Bytes& frame = cable.out.front();
            const uint64_t type = get(frame, 12, 2);
            if (type == 0x0806 && get(frame, 20, 2) == 1) {
                Bytes reply;
                put(reply, MAC, 6);
                put(reply, PEER, 6);
                put(reply, 0x0806, 2);
                put(reply, 0x0001080006040002, 8);
                put(reply, PEER, 6);
                put(reply, get(frame, 38, 4), 4);
                put(reply, MAC, 6);
                put(reply, BOARD_IP, 4);
                cable.send(reply);
            } else if (type == 0x0800 && frame[23] == 17) {
                sockaddr_in to{};
                to.sin_family = AF_INET;
                to.sin_addr.s_addr = htonl(get(frame, 30, 4));
                to.sin_port = htons(get(frame, 36, 2));
                sendto(file, &frame[42], get(frame, 38, 2) - 8, 0, (sockaddr*)&to, sizeof to);
            }
        }
    }
};

struct Tap {
    int file = -1;
    bool open(const char* name) {
        file = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK);
        ifreq wanted{};
        wanted.ifr_flags = IFF_TAP | IFF_NO_PI;
        std::strncpy(wanted.ifr_name, name, IFNAMSIZ - 1);
        if (file < 0 || ioctl(file, TUNSETIFF, &wanted)) return false;
        std::printf("%s\n", wanted.ifr_name);
        return true;
    }
    void read(Cable& cable) {
        while (cable.in.size() < AHEAD) {
            uint8_t some[2048];
            const ssize_t count = ::read(file, some, sizeof some);
            if (count <= 0) return;
            cable.send(Bytes(some, some + count));
        }
    }
    void write(Cable& cable) {
        for (; !cable.out.empty(); cable.out.pop_front())
            if (::write(file, cable.out.front().data(), cable.out.front().size()) < 0 && errno == EAGAIN) return;
    }
};

template <class Port>
int run(Port& port) {
    std::fflush(stdout);
    const pid_t parent = getppid();
    VerilatedContext context;
    SIM_TOP top{&context};
    Cable cable;
    uint64_t moved = 0;
    top.mac_address = MAC;
    top.ip_address = BOARD_IP;
    std::signal(SIGUSR1, [](int) { asked = 1; });
    unsigned phase = 0;  // of the system's clock: PHY_KHZ is half a cycle of it
    const auto half = [&](bool level) {  // of a PHY cycle
        top.phy_clk = level;
        phase += SYSTEM_KHZ;
        if (phase >= PHY_KHZ) {
            phase -= PHY_KHZ;
            top.clk = !top.clk;
        }
        top.eval();
    };
    for (uint64_t cycle = 0;; ++cycle) {  // of the PHY
        top.reset = top.phy_rst = cycle < 16;
        if (cycle >= 32) cable.step(top);
        half(false);
        half(true);
        if (cycle % LOOK) continue;
        if (asked) {
            asked = 0;
            std::fprintf(stderr, "%llu %llu %llu %llu %llu\n", (unsigned long long)cycle, (unsigned long long)cable.bytes_in,
                         (unsigned long long)cable.bytes_out, (unsigned long long)cable.moving,
                         (unsigned long long)(cable.last - cable.first));
        }
        if (cable.busy()) moved = cycle;
        port.read(cable);
        port.write(cable);
        if (cycle - moved > QUIET) {
            if (getppid() != parent) return 0;
            pollfd line{port.file, POLLIN, 0};
            poll(&line, 1, 20);
        } else if (cycle % (LOOK << 10) == 0 && getppid() != parent) return 0;
    }
}

}  // namespace

int main(int argc, char** argv) {
    Socket socket;
    Tap tap;
    if (argc == 4 && !std::strcmp(argv[1], "udp")) {
        if (!socket.open(argv[2], std::strtoul(argv[3], nullptr, 10))) {
            std::fprintf(stderr, "%s\n", std::strerror(errno));
            return 2;
        }
        return run(socket);
    }
    if (argc == 3 && !std::strcmp(argv[1], "tap")) {
        if (!tap.open(argv[2])) {
            std::fprintf(stderr, "%s\n", std::strerror(errno));
            return 2;
        }
        return run(tap);
    }
    return 2;
}
