// wgmma: the threads of a warpgroup record the product, and it is computed when they wait for its group.
#include "runtime.h"

namespace simt {
struct Matrix { // what a descriptor says: addresses and bytes
    uintptr_t first;
    int box, atom; // to the next 64 of m or n where those are neighbours; to the next 8 rows
    bool across;
};
struct Product {
    int n;
    bool add;
    Matrix a, b;
    void* pc;
    float* d[128];           // each thread's fragment
    const unsigned* in[128]; // and its registers of a, if that is not in shared memory, with what was in them
    unsigned held[128][4];
};
struct Group {
    std::vector<std::vector<Product>> committed;
    std::vector<Product> open;
    bool fenced[128];
};
static Group groups[MAX_THREADS / 128];
const int GROUP_BARRIER = 8; // barriers from here on are the emulator's own, one a warpgroup

void clear_wgmma() {
    for (Group& g : groups) {
        g.committed.clear(), g.open.clear();
        memset(g.fenced, 0, sizeof g.fenced);
    }
}

// Registers that the threads have used are fenced off before products use them: after each wait, therefore.
void wgmma_fence() { groups[current->thread >> 7].fenced[current->thread & 127] = true; }

// The fields of a matrix descriptor, as the PTX ISA has them. A swizzle goes by the address, so that with a base
// offset of 0 the first element lies in the first of 8 rows, and rows are read to the end of their 128 bytes.
static Matrix decoded(Described o) {
    auto field = [&](int from, int bits) { return (int)(o.bits >> from & ((1ull << bits) - 1)); };
    if (field(62, 2) != 1) fail("wgmma: an operand of swizzle %d, where boxes have 1, 128 bytes", field(62, 2));
    if (field(14, 2) | field(30, 2) | field(46, 16)) fail("wgmma: a descriptor %llx", (unsigned long long)o.bits);
    int at = field(0, 14) * 16;
    if (o.across ? at % 1024 : at % 1024 > 96) fail("wgmma: an operand that begins %d bytes into its atom", at % 1024);
    return {(uintptr_t)now.dynamic + at, field(16, 14) * 16, field(32, 14) * 16, o.across};
}

void wgmma(int n, float* d, bool add, Described a, const unsigned* held, Described b) {
    Group& g = groups[current->thread >> 7];
    int t = current->thread & 127;
    if (!g.fenced[t]) fail("wgmma without wgmma_fence since the last wait");
    Product* mine = 0;
    for (Product& p : g.open)
        if (!mine && !p.d[t]) mine = &p;
    if (!mine) {
        g.open.push_back({n, add, held ? Matrix() : decoded(a), decoded(b), __builtin_return_address(0), {}, {}, {}});
        mine = &g.open.back();
    }
    mine->d[t] = d;
    mine->in[t] = held;
    if (held) memcpy(mine->held[t], held, sizeof mine->held[t]);
}

// Calls put(i of m or n, k, value) for i < n and the 16 of k. Eight neighbours lie together, whatever the swizzle.
template <class F> static void read(const Matrix& o, int n, F put) {
    for (int i = 0; i < (o.across ? 16 : n); i++)
        for (int j = 0; j < (o.across ? n : 16); j += 8) {
            uintptr_t at = o.first + i / 8 * o.atom + i % 8 * 128 + j % 64 * 2 + j / 64 * o.box;
            const unsigned short* p = (const unsigned short*)(at ^ ((at >> 7 & 7) << 4));
            check_access(p, 16, MULTIPLIED, current->thread);
            for (int e = 0; e < 8; e++) {
                float v = __uint_as_float((unsigned)p[e] << 16);
                if (o.across) put(j + e, i, v);
                else put(i, j + e, v);
            }
        }
}

static float half_of(unsigned u, int e) { return __uint_as_float(e ? u & 0xffff0000u : u << 16); }

// The part of a that thread t holds, which must be what it was when the product was issued.
static void take_held(float (&A)[64][16], const Product& p, int t) {
    int row = (t >> 5) * 16 + (t & 31) / 4, col = (t & 3) * 2;
    if (memcmp(p.in[t], p.held[t], sizeof p.held[t]))
        fail("wgmma: registers of thread %d were changed before the product was waited for", t);
    for (int i = 0; i < 4; i++)
        for (int e = 0; e < 2; e++) A[row + (i & 1) * 8][col + (i >> 1) * 8 + e] = half_of(p.held[t][i], e);
}

// Element i of a thread's fragment is of row i/2 % 2 of its two and of column e = i % 2 of its two in group i/4
// of eight. So thread t, vectors of a fragment and both operands in their order: d += a·b, k going up.
typedef float Lanes8 __attribute__((vector_size(32)));
typedef float Lanes16 __attribute__((vector_size(64)));
template <int HALF, class Lanes> static void multiply(const Product& p, const float (&A)[64][16]) {
    const int LANES = sizeof(Lanes) / 4;
    static Lanes a[32][16], b[4][16][HALF / LANES];
    for (int r = 0; r < 32; r++)
        for (int k = 0; k < 16; k++)
            for (int i = 0; i < LANES; i++) a[r][k][i] = A[r / 8 * 16 + r % 8 + (i >> 1 & 1) * 8][k];
    read(p.b, 2 * HALF, [](int j, int k, float v) {
        float* to = (float*)b[j >> 1 & 3][k] + j / 8 * 4 + j % 2;
        to[0] = to[2] = v;
    });
    for (int t = 0; t < 128; t++) {
        Lanes d[HALF / LANES] = {};
        if (p.add) memcpy(d, p.d[t], sizeof d);
        for (int k = 0; k < 16; k++)
            for (int i = 0; i < HALF / LANES; i++) d[i] += a[t >> 2][k] * b[t & 3][k][i];
        memcpy(p.d[t], d, sizeof d);
    }
}

static void compute(const Product& p) {
    static float A[64][16];
    access_pc = p.pc;
    for (int t = 0; t < 128; t++) {
        if (!p.d[t]) fail("wgmma: thread %d of its warpgroup has not issued it", t);
        if (p.in[t]) take_held(A, p, t);
    }
    if (!p.in[0]) read(p.a, 64, [](int i, int k, float v) { A[i][k] = v; });
    switch (p.n) {
    case 16: return multiply<8, Lanes8>(p, A);
    case 64: return multiply<32, Lanes16>(p, A);
    case 128: return multiply<64, Lanes16>(p, A);
    default: return multiply<128, Lanes16>(p, A);
    }
}

void wgmma_commit() {
    int id = GROUP_BARRIER + (current->thread >> 7);
    Group& g = groups[current->thread >> 7];
    barrier(id, 128);
    if ((current->thread & 127) == 0) {
        g.committed.push_back(std::move(g.open));
        g.open.clear();
    }
    barrier(id, 128);
}

void wgmma_wait(int left) {
    int id = GROUP_BARRIER + (current->thread >> 7);
    Group& g = groups[current->thread >> 7];
    barrier(id, 128);
    if ((current->thread & 127) == 0)
        while ((int)g.committed.size() > left) {
            for (const Product& p : g.committed[0]) compute(p);
            g.committed.erase(g.committed.begin());
        }
    g.fenced[current->thread & 127] = false;
    barrier(id, 128);
}
} // namespace simt
