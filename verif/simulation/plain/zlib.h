// In place of zlib's header where the system has none: what Verilator's writer of waves calls, without compressing anything. A
// stream may consist of stored blocks alone (RFC 1950, RFC 1951), so that every reader understands it.
#pragma once
#include <cstring>
#include <initializer_list>

typedef unsigned char Bytef;
typedef unsigned long uLong, uLongf;
enum { Z_OK = 0, Z_BUF_ERROR = -5 };

static inline uLong compressBound(uLong size) { return size + 5 * (size / 65535 + 1) + 6; }

static inline int compress2(Bytef* to, uLongf* room, const Bytef* from, uLong size, int) {
    if (*room < compressBound(size)) return Z_BUF_ERROR;
    Bytef* at = to;
    *at++ = 0x78;
    *at++ = 0x01;
    uLong done = 0;
    do {
        const uLong length = size - done < 65535 ? size - done : 65535;
        *at++ = done + length == size;  // the last block?
        for (uLong word : {length, ~length}) {
            *at++ = word & 0xff;
            *at++ = word >> 8 & 0xff;
        }
        std::memcpy(at, from + done, length);
        at += length;
        done += length;
    } while (done < size);
    uLong a = 1, b = 0;  // Adler-32
    for (uLong i = 0; i < size; ++i) {
        a = (a + from[i]) % 65521;
        b = (b + a) % 65521;
    }
    for (uLong byte : {b >> 8, b, a >> 8, a}) *at++ = byte & 0xff;
    *room = static_cast<uLongf>(at - to);
    return Z_OK;
}
