// What the forward and the backward of attention share on sm_90a, heads of 64 in bfloat16. A tile is 128
// tokens of one head, its rows (queries, or keys), 64 for each of two warpgroups, which meet the others, the
// columns, 64 at a time. One warp fetches both by boxes of 64 tokens (TMA): rows into two buffers, columns
// into a ring of slots, each as soon as it is empty, so that it runs ahead over the end of a tile. Blocks
// stay: block i has tiles i, i + blocks, ... Rows meet columns in shared memory (wgmma); what is made of
// their products is the left operand of the second ones, in registers.
#pragma once
#include "attentionmma.cuh"
#include "hopper.cuh"

const int BOX = 64 * 64, SLOTS = 4; // elements of a box; of the ring
#define KERNEL_ATTENTION(BLOCKS) extern "C" __global__ void __launch_bounds__(384, BLOCKS)

// Operands over the same n tokens: q and dy, or k and v; the forward's q has no b. In so many tiles of a head
// these tokens are the rows.
struct Boxes {
    const tensormap *a, *b;
    int n, tiles;
};
struct Place { // the first of 64 rows of a head, of all b·nh; they are keys
    int head, t;
    bool keys;
};

// Of the queries, for the backward: they go with their boxes where queries are the columns.
struct Statistics {
    const float *lse, *delta;
};

// 64 rows and the columns that they meet, of which so many are there.
struct Met {
    const bf16 *a, *b, *c, *d; // both operands of the rows and of the columns
    const float* stats;
    int left;
};

// Rows of the forward are queries alone. Dynamic shared memory: declareTokens of ../table.go.
template <bool BACK> struct TokenFeed {
    Boxes queries, keys;
    Statistics of;
    int nh, tiles, tiles_of_head;
    static const int ROWS = (BACK ? 4 : 2) * BOX; // elements of a buffer
    bf16 *rows, *cols;
    float* stats; // lse to base 2 and δ, 64 of each a slot
    mbarrier *rows_full, *rows_empty, *full, *empty;

    DI_MEMBER void begin(const Boxes& q, const Boxes& k, const Statistics& s, const Shape& o) {
        DYNAMIC_SHARED(memory);
        queries = q, keys = k, of = s, nh = o.nh;
        tiles_of_head = q.tiles + k.tiles, tiles = o.b * nh * tiles_of_head;
        rows = (bf16*)memory, cols = rows + 2 * ROWS, stats = (float*)(cols + SLOTS * 2 * BOX);
        rows_full = (mbarrier*)(stats + (BACK ? SLOTS * 128 : 0)), rows_empty = rows_full + 2;
        full = rows_full + 4, empty = full + SLOTS;
        if (threadIdx.x == 0) {
            for (int i = 0; i < 2; i++) {
                mbarrier_init(&rows_full[i], 1);
                mbarrier_init(&rows_empty[i], 8); // a lane of each warp that multiplies
            }
            for (int i = 0; i < SLOTS; i++) {
                mbarrier_init(&full[i], BACK ? 2 : 1);
                mbarrier_init(&empty[i], 8);
            }
            mbarrier_fence_init();
        }
        __syncthreads();
    }
    // A head's tiles follow each other, so that they find its tokens in the cache. Where the number of blocks is
    // a multiple of theirs, a block takes another one of each head, as they do not last equally long.
    DI_MEMBER Place place(int tile) const {
        int head = tile / tiles_of_head, i = tile - head * tiles_of_head;
        if (!BACK) return {head, i * 128, false};
        if (gridDim.x % tiles_of_head == 0) i = (i + tile / gridDim.x) % tiles_of_head;
        bool k = i >= queries.tiles;
        return {head, (k ? i - queries.tiles : i) * 128, k};
    }
    DI_MEMBER const Boxes& rows_of(const Place& p) const { return p.keys ? keys : queries; }
    DI_MEMBER const Boxes& cols_of(const Place& p) const { return p.keys ? queries : keys; }
    DI_MEMBER void fetch(bf16* to, const tensormap* map, mbarrier* b, const Place& p, int t) const {
        tma_load(to, map, b, p.head % nh * 64, t, p.head / nh);
    }
    DI_MEMBER void fetch_rows(int at, const Place& p) const {
        bf16* to = rows + at * ROWS;
        const Boxes& row = rows_of(p);
        mbarrier_expect(&rows_full[at], ROWS * 2);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            fetch(to + i * BOX, row.a, &rows_full[at], p, p.t + 64 * i);
            if (BACK) fetch(to + (2 + i) * BOX, row.b, &rows_full[at], p, p.t + 64 * i);
        }
    }
    DI_MEMBER void fetch_cols(int slot, const Place& p, int t) const {
        bf16* to = cols + slot * 2 * BOX;
        const Boxes& col = cols_of(p);
        mbarrier_expect(&full[slot], 2 * BOX * 2);
        fetch(to, col.a, &full[slot], p, t);
        fetch(to + BOX, col.b, &full[slot], p, t);
    }
    DI_MEMBER void copy_stats(int slot, const Place& p, int t) const {
        int lane = threadIdx.x & 31;
        i64 at = (i64)p.head * queries.n;
        float* to = stats + slot * 128;
#pragma unroll
        for (int i = lane; i < 64; i += 32) {
            bool in = t + i < queries.n;
            to[i] = in ? of.lse[at + t + i] * LOG2E : 0.0f;
            to[64 + i] = in ? of.delta[at + t + i] : 0.0f;
        }
        __syncwarp();
    }
    // The warp that fetches.
    DI_MEMBER void fetch_all() const {
        bool first = (threadIdx.x & 31) == 0;
        int turn = 0, tile = 0;
#pragma unroll 1
        for (int i = blockIdx.x; i < tiles; i += gridDim.x, tile++) {
            Place p = place(i);
            if (tile > 1) mbarrier_wait(&rows_empty[tile & 1], (tile / 2 - 1) & 1);
            if (first) fetch_rows(tile & 1, p);
#pragma unroll 1
            for (int t = 0, n = cols_of(p).n; t < n; t += 64, turn++) {
                int slot = turn % SLOTS;
                if (turn >= SLOTS) mbarrier_wait(&empty[slot], (turn / SLOTS - 1) & 1);
                if (first) fetch_cols(slot, p, t);
                if (p.keys) copy_stats(slot, p, t);
                if (BACK && first) mbarrier_arrive(&full[slot]);
            }
        }
    }
    // One tile of the warps that multiply. A whole part of the columns is met at once, the last one 16 tokens at
    // a time:
    //   w.begin(Place), w.end(Place)   the warpgroup's own 64 rows
    //   w.meet<N>(Met)                 N columns
    // tile and turn count the tiles and the parts of columns of this block.
    template <class W> DI_MEMBER void meet(W& w, Place p, int tile, int& turn) const {
        int group = threadIdx.x >> 7, n = cols_of(p).n;
        bool first = (threadIdx.x & 31) == 0;
        p.t += 64 * group;
        bool here = p.t < rows_of(p).n;
        const bf16* mine = rows + (tile & 1) * ROWS + group * BOX;
        w.begin(p);
        mbarrier_wait(&rows_full[tile & 1], tile / 2 & 1);
#pragma unroll 1
        for (int t = 0; t < n; t += 64, turn++) {
            int slot = turn % SLOTS, left = here ? min(64, n - t) : 0;
            mbarrier_wait(&full[slot], turn / SLOTS & 1);
            Met m = {mine, mine + 2 * BOX, cols + slot * 2 * BOX, 0, stats + slot * 128, left};
            m.d = m.c + BOX;
            if (left == 64) w.template meet<64>(m);
#pragma unroll 1
            for (; m.left < 64 && m.left > 0; m.left -= 16, m.c += 16 * 64, m.d += 16 * 64, m.stats += 16)
                w.template meet<16>(m);
            __syncwarp();
            if (first) mbarrier_arrive(&empty[slot]);
        }
        if (first) mbarrier_arrive(&rows_empty[tile & 1]);
        w.end(p);
    }
    // Block (384): warps 0-7 multiply, with MANY registers a thread, one of the last four fetches, with FEW.
    // job.meet(feed, Place, tile, turn) hands the workers of a tile to meet.
    template <int FEW, int MANY, class JOB> DI_MEMBER void run(const JOB& job) const {
        if (threadIdx.x >= 256) {
            fewer_registers<FEW>();
            if (threadIdx.x < 288) fetch_all();
            return;
        }
        more_registers<MANY>();
        int turn = 0, tile = 0;
#pragma unroll 1
        for (int i = blockIdx.x; i < tiles; i += gridDim.x, tile++) job.meet(*this, place(i), tile, turn);
    }
};
DI int tiles_over(int n) { return (n + 127) / 128; }

// s (64 x N) = rows · colsᵀ
template <int N> DI void dot_rows(float (&s)[N / 2], const bf16* rows, const bf16* cols) {
    wgmma_first<false, false>(s, wgmma_operand(rows), wgmma_operand(cols));
#pragma unroll
    for (int k = 16; k < 64; k += 16)
        wgmma<false, false>(s, wgmma_operand(rows + k), wgmma_operand(cols + k));
}
// p, rounded, as left operand.
template <int N> DI void hold_products(unsigned (&f)[N / 16][4], const float (&p)[N / 2]) {
#pragma unroll
    for (int i = 0; i < N / 4; i++) f[i / 4][i % 4] = pack_bf16(p[2 * i], p[2 * i + 1]);
}
// sum (64 x 64) += p · cols
template <int N> DI void add_cols(float (&sum)[32], const unsigned (&p)[N / 16][4], const bf16* cols) {
#pragma unroll
    for (int i = 0; i < N / 16; i++)
        wgmma_held(sum, p[i], wgmma_operand_across(cols + i * 16 * 64, BOX * 2));
}
// The first of a head's n tokens, ld elements from one to the next.
DI bf16* head_of(bf16* p, int head, int n, int ld, const Shape& o) {
    int b = head / o.nh;
    return p + (i64)b * n * ld + (head - b * o.nh) * 64;
}
DI void put_rows(bf16* to, const float (&v)[32], float f0, float f1, int t, int n, int ld, int acc) {
    put_tokens<64>(to, (const float(&)[8][4])v, f0, f1, t, n, ld, 64, acc);
}
// The column, of those that are met, of element i of a thread's products, and its row among 64.
DI int col_of(int i) { return i / 4 * 8 + (threadIdx.x & 3) * 2 + (i & 1); }
DI int row_of(int r) { return (threadIdx.x >> 5 & 3) * 16 + (threadIdx.x & 31) / 4 + 8 * r; }
