// The inside of the emulator: fibers, their states, and the hooks of the checker.
#pragma once
#include <vector>
#include "simt.h"
#undef threadIdx
#undef blockIdx
#undef blockDim
#undef gridDim

namespace simt {
const int MAX_THREADS = 1024, STACK = 64 << 10, STAGGER = 320, USED = 4096, BARRIERS = 16;
const int MAX_SHARED = 232448;  // what a block of sm_90 may ask for
const int MAX_ARRAYS = 48 << 10; // and what its declared arrays may take

enum State { RUNNING, AT_BARRIER, TOGETHER, AT_MBARRIER, DONE };
struct Copy { // cp.async on its way
    void* to;
    const void* from;
    int bytes, total;
    void* pc;
};
struct Fiber {
    void* sp;
    uint3 index;
    int thread, barrier, want; // want: the count a barrier was called with
    State state;
    const void* waits_for; // an mbarrier
    Op op;                 // operands of what a warp does together
    unsigned mask;
    uint64_t value, result;
    int a, width;
    void *to, *pc;
    const void* from;
    std::vector<Copy> copies; // of cp.async, oldest first
    std::vector<int> groups;  // how many of them each committed group has; the others are not committed
};
struct Warp {
    int together;  // lanes in a collective, of whatever kind
    unsigned done; // lanes that have returned
};
extern Fiber fibers[MAX_THREADS];
extern Warp warps[MAX_THREADS / 32];
extern Fiber* current;
extern int threads, alive;
extern bool shuffle_order;
extern void* access_pc; // the instruction that an access is made for

uint32_t random_number();
void wait();                             // gives the processor up until woken
void wake(const int* threads, int n);    // makes them runnable, in random order if there is a seed
void clear_async();                      // before a block
void clear_wgmma();
bool late_box(bool force);               // lets a box of a tensor map arrive, perhaps; false if there is none
void finish_thread_copies();             // at a thread's end
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// The checker (check.cc); in the fast library they do nothing.
enum Access { READ, WRITE, MULTIPLIED }; // read by a product of wgmma, through the proxy of copies
enum Sync { MET, RELEASED, ACQUIRED, NEW_BLOCK };
// RELEASED and ACQUIRED: by *threads, through an mbarrier.
// A box of a tensor map: what its thread knows of the others when it is sent, and its arrival with that.
#ifdef SIMT_CHECK
void check_access(const void* p, int bytes, Access, int thread);
void check_sync(Sync, const int* threads, int n, const void* object = 0);
std::vector<uint32_t> check_sent(int thread);
void check_arrived(const void* to, int bytes, int thread, const std::vector<uint32_t>& known,
                   const void* barrier);
#else
inline void check_access(const void*, int, Access, int) {}
inline void check_sync(Sync, const int*, int, const void* = 0) {}
inline std::vector<uint32_t> check_sent(int) { return {}; }
inline void check_arrived(const void*, int, int, const std::vector<uint32_t>&, const void*) {}
#endif
} // namespace simt
