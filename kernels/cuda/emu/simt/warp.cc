// What a warp does together: shuffles, votes, ldmatrix and mma. The last lane to arrive does the work for all
// from the operands of those that are parked.
#include "runtime.h"

namespace simt {
static float value_of(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }

// The lane that lane l reads from, within its segment of w lanes.
static int source(Op op, int l, int a, int w) {
    int first = l & ~(w - 1);
    switch (op) {
    case SHUFFLE_IDX: return first | (a & (w - 1));
    case SHUFFLE_XOR: return (l ^ a) < first + w ? l ^ a : l;
    case SHUFFLE_UP: return l - a >= first ? l - a : l;
    default: return l + a < first + w ? l + a : l;
    }
}

static void ldmatrix(Fiber* warp, int l) {
    Fiber& f = warp[l];
    for (int i = 0; i < f.a; i++) {
        unsigned short half[2];
        for (int e = 0; e < 2; e++) {
            bool t = f.op == LDMATRIX_TRANS;
            int row = t ? (l & 3) * 2 + e : l >> 2, col = t ? l >> 2 : (l & 3) * 2 + e;
            const unsigned short* p = (const unsigned short*)warp[i * 8 + row].from;
            if ((uintptr_t)p & 15) fail("ldmatrix: the address of a row is no multiple of 16");
            check_access(p + col, 2, READ, f.thread);
            half[e] = p[col];
        }
        ((unsigned*)f.to)[i] = half[0] | (unsigned)half[1] << 16;
    }
}

// D += A·B with the fragments spread over the lanes as the hardware spreads them.
static void mma(Fiber* warp) {
    float A[16][16], B[16][8], D[16][8];
    for (int l = 0; l < 32; l++) {
        const unsigned* a = (const unsigned*)warp[l].from;
        const float* d = (const float*)warp[l].to;
        unsigned b[2] = {(unsigned)warp[l].value, (unsigned)(warp[l].value >> 32)};
        int g = l >> 2, q = (l & 3) * 2;
        for (int e = 0; e < 2; e++) {
            for (int i = 0; i < 4; i++) A[g + (i & 1) * 8][q + e + (i >> 1) * 8] = value_of(a[i] >> (16 * e));
            for (int i = 0; i < 2; i++) {
                B[q + e + i * 8][g] = value_of(b[i] >> (16 * e));
                D[g + i * 8][q + e] = d[i * 2 + e];
            }
        }
    }
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++)
            for (int j = 0; j < 8; j++) D[i][j] += A[i][k] * B[k][j];
    for (int l = 0; l < 32; l++) {
        float* d = (float*)warp[l].to;
        for (int i = 0; i < 4; i++) d[i] = D[(l >> 2) + (i >> 1) * 8][(l & 3) * 2 + (i & 1)];
    }
}

static void perform(Op op, Fiber* warp, unsigned mask) {
    for (int l = 0; l < 32; l++) {
        if (!(mask >> l & 1)) continue;
        Fiber& f = warp[l];
        access_pc = f.pc;
        if (op == LDMATRIX || op == LDMATRIX_TRANS) ldmatrix(warp, l);
        if (op == BALLOT) {
            f.result = 0;
            for (int k = 0; k < 32; k++)
                if (mask >> k & 1) f.result |= (warp[k].value & 1) << k;
        }
        if (op < SHUFFLE_IDX || op > SHUFFLE_DOWN) continue;
        int s = source(op, l, f.a, f.width);
        if (!(mask >> s & 1)) fail("a shuffle of lane %d reads lane %d, not in mask %08x", l, s, mask);
        f.result = warp[s].value;
    }
    if (op == MMA_16816) mma(warp);
}

uint64_t together(Op op, unsigned mask, uint64_t value, int a, int width, void* to, const void* from) {
    int first = current->thread & ~31, lane = current->thread & 31, n = threads - first;
    unsigned there = mask & (n >= 32 ? ~0u : (1u << n) - 1);
    if (!(mask >> lane & 1)) fail("lane %d calls a collective with mask %08x without it", lane, mask);
    if (op >= LDMATRIX && there != ~0u) fail("mma and ldmatrix need all 32 lanes");
    Fiber& f = *current;
    f.pc = __builtin_return_address(0);
    f.state = TOGETHER;
    f.op = op, f.mask = mask, f.value = value, f.a = a, f.width = width, f.to = to, f.from = from;
    for (int k = 0; k < 32; k++) {
        if (!(there >> k & 1)) continue;
        const Fiber& o = fibers[first + k];
        if (o.state == DONE) fail("lane %d, in mask %08x of a collective, has returned", k, mask);
        if (o.state != TOGETHER || o.op != op || o.mask != mask) {
            wait();
            return current->result;
        }
    }
    int all[32], others[32], m = 0, c = 0;
    for (int k = 0; k < 32; k++) {
        if (!(there >> k & 1)) continue;
        all[m++] = first + k;
        if (k != lane) others[c++] = first + k;
    }
    perform(op, &fibers[first], there);
    check_sync(MET, all, m);
    f.state = RUNNING;
    wake(others, c);
    return f.result;
}
} // namespace simt
