// In place of LZ4's header where the system has none: what Verilator's writer of waves calls, without compressing anything. A block
// of LZ4 may consist of literals alone (github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md), so that every reader understands it.
#pragma once
#include <cstring>

static inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

static inline int LZ4_compress_default(const char* from, char* to, int size, int room) {
    if (room < LZ4_compressBound(size)) return 0;
    unsigned char* at = reinterpret_cast<unsigned char*>(to);
    *at++ = static_cast<unsigned char>((size < 15 ? size : 15) << 4);  // the literals' length, and no match
    if (size >= 15) {
        int rest = size - 15;
        for (; rest >= 255; rest -= 255) *at++ = 255;
        *at++ = static_cast<unsigned char>(rest);
    }
    std::memcpy(at, from, size);
    return static_cast<int>(at + size - reinterpret_cast<unsigned char*>(to));
}
