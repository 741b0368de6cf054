// Products of bfloat16 matrices on sm_90a, C[m,n] = Σ_k A(m,k)·B(n,k): tiles of 128 x N, 64 of k a step. One
// thread fetches: it sends the boxes of both operands (TMA) into a ring of slots, each as soon as it is
// empty, and runs ahead of the others over the end of a tile. Two warpgroups multiply 64 x N each (wgmma),
// one product still running while the next is issued. Blocks stay: block i has tiles i, i + blocks, ...
//
// A JOB says what is multiplied:
//   static const bool A_ACROSS, B_ACROSS   neighbours in memory are neighbours in m or n, not in k
//   int m, n, tiles                        sizes of the result, and in how many tiles
//   Tile tile(int i)
//   void fetch(bf16* a, bf16* b, mbarrier*, Tile, int step)   128·64 and N·64 elements, in boxes of 64 a row
//   E epilogue(Tile)                       of epilogue.cuh
#pragma once
#include "epilogue.cuh"
#include "hopper.cuh"

const int RM = 128, RK = 64, PIECE = placed<64>::size; // floats of a warp's sums on their way

struct Tile {
    int m0, n0, z, steps; // z: which part of k
};
// Tiles next to each other in time share rows and columns: 8 rows of tiles at a time, column by column.
DI Tile tile_of(int i, int m, int n, int width) {
    int down = (m + RM - 1) / RM, across = (n + width - 1) / width, z = i / (down * across);
    i -= z * down * across;
    int first = i / (8 * across) * 8, rows = min(8, down - first), r = i - first * across;
    return {(first + r % rows) * RM, r / rows * width, z, 0};
}
DI int tiles_of(int m, int n, int width) { return ((m + RM - 1) / RM) * ((n + width - 1) / width); }

template <int N> struct Ring { // in dynamic shared memory
    static const int SLOTS = N == 256 ? 4 : 6, A = RM * RK, B = N * RK; // elements of a slot
    bf16 *as, *bs;
    float* pieces; // 16 rows of 64, for each warp that multiplies
    mbarrier *full, *empty;
    DI_MEMBER void begin(unsigned char* memory) {
        as = (bf16*)memory, bs = as + SLOTS * A, pieces = (float*)(bs + SLOTS * B);
        full = (mbarrier*)(pieces + 8 * PIECE), empty = full + SLOTS;
        if (threadIdx.x == 0) {
            for (int i = 0; i < SLOTS; i++) {
                mbarrier_init(&full[i], 1);
                mbarrier_init(&empty[i], 8); // a lane of each warp that multiplies
            }
            mbarrier_fence_init();
        }
        __syncthreads();
    }
};

template <int N, class JOB> DI void fetch_all(const Ring<N>& ring, const JOB& job) {
    const int SLOTS = ring.SLOTS;
    int turn = 0;
    for (int i = blockIdx.x; i < job.tiles; i += gridDim.x) {
        Tile t = job.tile(i);
        for (int k = 0; k < t.steps; k++, turn++) {
            int s = turn % SLOTS;
            if (turn >= SLOTS) mbarrier_wait(&ring.empty[s], (turn / SLOTS - 1) & 1);
            mbarrier_expect(&ring.full[s], (ring.A + ring.B) * 2);
            job.fetch(ring.as + s * ring.A, ring.bs + s * ring.B, &ring.full[s], t, k);
        }
    }
}

// Step i of 16 of k.
template <bool ACROSS> DI Operand operand(const bf16* p, int i) {
    return ACROSS ? wgmma_operand_across(p + i * 16 * 64, 64 * RK * 2) : wgmma_operand(p + i * 16);
}

// Σ and Σ² of 64 rows and columns whose results the warps of a group have laid out, 16 rows each.
template <class JOB, class E> DI void put_columns(const E& e, float* piece, const JOB& job, int m0, int n0) {
    int lane = threadIdx.x & 31, t = threadIdx.x & 127, group = threadIdx.x >> 7, n = n0 + t % 64;
    float s[2] = {}, q[2] = {}, sum = 0.0f;
    add_columns<64>(s, q, e, piece);
    __syncwarp();
    piece[lane] = s[0], piece[lane + 32] = s[1], piece[lane + 64] = q[0], piece[lane + 96] = q[1];
    bar_sync(group, 128);
    for (int w = 0; w < 4; w++) sum += piece[(w - (t >> 5)) * PIECE + t];
    if (m0 < job.m && n < job.n) e.sums[((i64)(m0 / 64) * 2 + t / 64) * job.n + n] = sum;
    bar_sync(group, 128);
}

// The 64 x N sums of a warpgroup to rows m0 ... through the epilogue.
template <int N, class JOB, class E>
DI void put_group(const float (&d)[N / 2], float* piece, const E& e, const JOB& job, int m0, int n0) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5 & 3, row = m0 + warp * 16;
    bool wide = e.wide();
#pragma unroll 1
    for (int k = 0; k < N / 64 && n0 + 64 * k < job.n; k++) {
#pragma unroll
        for (int i = 0; i < N / 64; i++) {
            if (i != k) continue; // so that the index into the registers is a constant
#pragma unroll
            for (int j = 0; j < 8; j++) {
                const int at = (i * 8 + j) * 4;
                float* to = piece + place<64>(lane >> 2, 8 * j + (lane & 3) * 2);
                *(float2*)to = make_float2(d[at], d[at + 1]);
                *(float2*)(to + 2 * 64) = make_float2(d[at + 2], d[at + 3]);
            }
        }
        __syncwarp();
        put_part<64, 2>(e, piece, row, n0 + 64 * k, job.m, job.n, wide);
        if (e.sums) put_columns(e, piece, job, m0, n0 + 64 * k);
        __syncwarp();
    }
}

template <int N, class JOB> DI void multiply_all(const Ring<N>& ring, const JOB& job, int group) {
    const int SLOTS = ring.SLOTS;
    bool first = (threadIdx.x & 31) == 0;
    float* piece = ring.pieces + (threadIdx.x / 32 - 4) * PIECE;
    int turn = 0;
#pragma unroll 1
    for (int i = blockIdx.x; i < job.tiles; i += gridDim.x) {
        Tile t = job.tile(i);
        job.epilogue(t).ahead(threadIdx.x % 128, 128, t.m0 + group * 64, 64, job.m, t.n0, N, job.n);
        float d[N / 2];
#pragma unroll
        for (int k = 0; k < N / 2; k++) d[k] = 0.0f;
#pragma unroll 1
        for (int k = 0; k < t.steps; k++, turn++) {
            int s = turn % SLOTS;
            mbarrier_wait(&ring.full[s], (turn / SLOTS) & 1);
            const bf16 *a = ring.as + s * ring.A + group * 64 * RK, *b = ring.bs + s * ring.B;
            wgmma_fence();
#pragma unroll
            for (int q = 0; q < RK / 16; q++)
                wgmma<JOB::A_ACROSS, JOB::B_ACROSS>(d, operand<JOB::A_ACROSS>(a, q),
                                                    operand<JOB::B_ACROSS>(b, q));
            wgmma_commit();
            wgmma_wait<1>();
            if (first && k > 0) mbarrier_arrive(&ring.empty[(turn - 1) % SLOTS]);
        }
        wgmma_wait<0>();
        if (first && t.steps > 0) mbarrier_arrive(&ring.empty[(turn - 1) % SLOTS]);
        put_group<N>(d, piece, job.epilogue(t), job, t.m0 + group * 64, t.n0);
    }
}

// Block (384): warps 0-3 fetch, 4-7 and 8-11 multiply. RING_SHARED(N) bytes of dynamic shared memory.
template <int N, class JOB> DI void run(const JOB& job) {
    DYNAMIC_SHARED(memory);
    Ring<N> ring;
    ring.begin(memory);
    if (threadIdx.x < 128) {
        fewer_registers<40>();
        if (threadIdx.x == 0) fetch_all<N>(ring, job);
        return;
    }
    more_registers<232>();
    multiply_all<N>(ring, job, threadIdx.x / 128 - 1);
}
#define KERNEL_SM90 extern "C" __global__ void __launch_bounds__(384, 1)
