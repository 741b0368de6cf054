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

// Element (i of m or n, k).
static float element(const Matrix& o, int i, int k) {
    int row = o.across ? k : i, in_row = o.across ? i % 64 : k;
    uintptr_t at = o.first + row / 8 * o.atom + row % 8 * 128 + in_row * 2 + (o.across ? i / 64 * o.box : 0);
    const unsigned short* p = (const unsigned short*)(at ^ ((at >> 7 & 7) << 4));
    check_access(p, 2, MULTIPLIED, current->thread);
    return __uint_as_float((unsigned)*p << 16);
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

static void compute(const Product& p) {
    static float A[64][16], B[16][256];
    access_pc = p.pc;
    for (int t = 0; t < 128; t++) {
        if (!p.d[t]) fail("wgmma: thread %d of its warpgroup has not issued it", t);
        if (p.in[t]) take_held(A, p, t);
    }
    for (int k = 0; k < 16; k++) {
        for (int i = 0; !p.in[0] && i < 64; i++) A[i][k] = element(p.a, i, k);
        for (int j = 0; j < p.n; j++) B[k][j] = element(p.b, j, k);
    }
    for (int t = 0; t < 128; t++)
        for (int i = 0; i < p.n / 2; i++) {
            int row = (t >> 5) * 16 + (t & 31) / 4 + (i >> 1 & 1) * 8;
            int col = i / 4 * 8 + (t & 3) * 2 + (i & 1);
            float s = p.add ? p.d[t][i] : 0.0f;
            for (int k = 0; k < 16; k++) s += A[row][k] * B[k][col];
            p.d[t][i] = s;
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
