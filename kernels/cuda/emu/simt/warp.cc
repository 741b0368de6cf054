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

// Two neighbours of a row for each lane and matrix; transposed, of a column.
static void ldmatrix(Fiber* warp, bool across) {
    for (int l = 0; l < 32; l++) {
        if ((uintptr_t)warp[l].from & 15) fail("ldmatrix: the address of a row is no multiple of 16");
        access_pc = warp[l].pc;
        for (int i = 0; i < 4; i++) {
            unsigned short half[2];
            for (int e = 0; e < 2; e++) {
                int row = across ? (l & 3) * 2 + e : l >> 2, col = across ? l >> 2 : (l & 3) * 2 + e;
                const unsigned short* p = (const unsigned short*)warp[i * 8 + row].from + col;
                check_access(p, 2, READ, warp[l].thread);
                half[e] = *p;
            }
            ((unsigned*)warp[l].to)[i] = half[0] | (unsigned)half[1] << 16;
        }
    }
}

// D += A·B with the fragments spread over the lanes as the hardware spreads them; k goes up.
static void mma(Fiber* warp) {
    typedef float Row __attribute__((vector_size(32)));
    float A[16][16];
    Row B[16], D[16];
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
    for (int i = 0; i < 16; i += 4)
        for (int k = 0; k < 16; k++)
            for (int r = i; r < i + 4; r++) D[r] += A[r][k] * B[k];
    for (int l = 0; l < 32; l++) {
        float* d = (float*)warp[l].to;
        for (int i = 0; i < 4; i++) d[i] = D[(l >> 2) + (i >> 1) * 8][(l & 3) * 2 + (i & 1)];
    }
}

static void shuffle(Op op, Fiber* warp, unsigned mask) {
    for (int l = 0; l < 32; l++) {
        if (!(mask >> l & 1)) continue;
        int s = source(op, l, warp[l].a, warp[l].width);
        if (!(mask >> s & 1)) fail("a shuffle of lane %d reads lane %d, not in mask %08x", l, s, mask);
        warp[l].result = warp[s].value;
    }
}

static void ballot(Fiber* warp, unsigned mask) {
    unsigned votes = 0;
    for (int l = 0; l < 32; l++)
        if (mask >> l & 1) votes |= (warp[l].value & 1) << l;
    for (int l = 0; l < 32; l++) warp[l].result = votes;
}

static void perform(Op op, Fiber* warp, unsigned mask) {
    switch (op) {
    case SYNCWARP: return;
    case BALLOT: return ballot(warp, mask);
    case MMA_16816: return mma(warp);
    case LDMATRIX:
    case LDMATRIX_TRANS: return ldmatrix(warp, op == LDMATRIX_TRANS);
    default: return shuffle(op, warp, mask);
    }
}

// Whether all lanes of the mask are in this collective.
static bool complete(const Fiber& f, const Fiber* warp, unsigned there) {
    for (int k = 0; k < 32; k++) {
        const Fiber& o = warp[k];
        if (there >> k & 1 && (o.state != TOGETHER || o.op != f.op || o.mask != f.mask)) return false;
    }
    return true;
}

uint64_t together(Op op, unsigned mask, uint64_t value, int a, int width, void* to, const void* from) {
    int first = current->thread & ~31, lane = current->thread & 31, n = threads - first;
    unsigned there = mask & (n >= 32 ? ~0u : (1u << n) - 1);
    Warp& w = warps[first >> 5];
    if (!(mask >> lane & 1)) fail("lane %d calls a collective with mask %08x without it", lane, mask);
    if (op >= LDMATRIX && there != ~0u) fail("mma and ldmatrix need all 32 lanes");
    if (w.done & there)
        fail("lane %d, in mask %08x of a collective, has returned", __builtin_ctz(w.done & there), mask);
    Fiber& f = *current;
    f.pc = __builtin_return_address(0);
    f.state = TOGETHER;
    f.op = op, f.mask = mask, f.value = value, f.a = a, f.width = width, f.to = to, f.from = from;
    w.together++;
    if (w.together < __builtin_popcount(there) || !complete(f, &fibers[first], there)) {
        wait();
        return current->result;
    }
    int all[32], others[32], m = 0, c = 0;
    for (int k = 0; k < 32; k++) {
        if (!(there >> k & 1)) continue;
        all[m++] = first + k;
        if (k != lane) others[c++] = first + k;
    }
    perform(op, &fibers[first], there);
    check_sync(MET, all, m);
    w.together -= m;
    f.state = RUNNING;
    wake(others, c);
    return f.result;
}
} // namespace simt
