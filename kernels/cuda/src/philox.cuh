// Philox4x32-10 (Salmon et al. 2011), as kernels.Philox: the same words from the same key and counter.
#pragma once
#include "common.cuh"

DI uint4 philox(unsigned k0, unsigned k1, uint4 c) {
#pragma unroll
    for (int i = 0; i < 10; i++) {
        unsigned hi0 = __umulhi(0xD2511F53u, c.x), lo0 = 0xD2511F53u * c.x;
        unsigned hi1 = __umulhi(0xCD9E8D57u, c.z), lo1 = 0xCD9E8D57u * c.z;
        c = make_uint4(hi1 ^ c.y ^ k0, lo1, hi0 ^ c.w ^ k1, lo0);
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    return c;
}
