// Fibers and their scheduler, barriers, and the launch. A switch saves the callee-saved registers on the
// fiber's stack: about 5 ns a thread and barrier.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <sys/mman.h>
#include "runtime.h"

namespace simt {
Now now;
Fiber fibers[MAX_THREADS];
Warp warps[MAX_THREADS / 32];
Fiber* current;
int threads, alive;
bool shuffle_order;
void* access_pc;

struct Kernel {
    Trampoline run;
    const char* params;
};
static std::map<std::string, Kernel>& kernels() {
    static std::map<std::string, Kernel> k;
    return k;
}
Export::Export(const char* name, Trampoline run, const char* params) { kernels()[name] = {run, params}; }

static const Kernel* kernel;
static void** kernel_params;
static unsigned char *stacks, *dynamic_memory;
static unsigned dynamic_bytes;
alignas(128) static unsigned char arena[MAX_ARRAYS]; // the declared arrays of the block, with gaps between them
static size_t arena_used;
static std::vector<std::pair<const void*, void*>> arrays;
static void* main_sp;
static int at_barrier[BARRIERS], queue[2 * MAX_THREADS], head, tail;
static uint64_t random_state;
static std::string failure;

uint32_t random_number() {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(random_state >> 33);
}

static void fiber_main();
extern "C" __attribute__((visibility("hidden"))) void simt_switch(void** from, void* to);
#if defined(__x86_64__)
asm(".text\n.globl simt_switch\n.hidden simt_switch\nsimt_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\nmov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");
static void* fresh_stack(unsigned char* top) {
    void** s = (void**)((uintptr_t)top & ~15ull) - 1;
    *s = 0;
    *--s = (void*)fiber_main;
    for (int i = 0; i < 6; i++) *--s = 0;
    return s;
}
#elif defined(__aarch64__)
asm(".text\n.globl simt_switch\n.hidden simt_switch\nsimt_switch:\nsub sp, sp, #160\n"
    "stp x19,x20,[sp]\nstp x21,x22,[sp,#16]\nstp x23,x24,[sp,#32]\nstp x25,x26,[sp,#48]\n"
    "stp x27,x28,[sp,#64]\nstp x29,x30,[sp,#80]\nstp d8,d9,[sp,#96]\nstp d10,d11,[sp,#112]\n"
    "stp d12,d13,[sp,#128]\nstp d14,d15,[sp,#144]\nmov x9,sp\nstr x9,[x0]\nmov sp,x1\n"
    "ldp x19,x20,[sp]\nldp x21,x22,[sp,#16]\nldp x23,x24,[sp,#32]\nldp x25,x26,[sp,#48]\n"
    "ldp x27,x28,[sp,#64]\nldp x29,x30,[sp,#80]\nldp d8,d9,[sp,#96]\nldp d10,d11,[sp,#112]\n"
    "ldp d12,d13,[sp,#128]\nldp d14,d15,[sp,#144]\nadd sp,sp,#160\nret\n");
static void* fresh_stack(unsigned char* top) {
    void** s = (void**)((uintptr_t)top & ~15ull) - 20;
    memset(s, 0, 160);
    s[11] = (void*)fiber_main;
    return s;
}
#endif

static std::string states() {
    const char* name[] = {"running", "at a barrier", "in a collective", "at an mbarrier", "returned"};
    int count[5] = {};
    std::string s;
    for (int t = 0; t < threads; t++) {
        int st = fibers[t].state;
        if (count[st]++ < 3) s += "; thread " + std::to_string(t) + " " + name[st];
    }
    for (int i = 0; i < 5; i++)
        if (count[i]) s += "; " + std::to_string(count[i]) + " threads " + name[i];
    return s;
}

// The launch ends here: the text goes back to its caller, the fibers are left where they are.
void fail(const char* format, ...) {
    char text[512];
    va_list a;
    va_start(a, format);
    vsnprintf(text, sizeof text, format, a);
    va_end(a);
    char where[96];
    snprintf(where, sizeof where, " (block %u,%u,%u, thread %d)", now.block.x, now.block.y, now.block.z,
             current ? current->thread : -1);
    failure = text + std::string(where) + states();
    void* unused;
    simt_switch(&unused, main_sp);
    abort();
}

void stop(const char* why) { fail("%s", why); }

// The first thread of a block to come by lays the array out.
void* shared_array(const void* key, size_t bytes) {
    for (const auto& a : arrays)
        if (a.first == key) return a.second;
    if (arena_used + bytes > sizeof arena) fail("more than %d bytes of declared shared memory", MAX_ARRAYS);
    void* at = arena + arena_used;
    arena_used += (bytes + 255) / 128 * 128;
    arrays.push_back({key, at});
    return at;
}

static void push(int t) {
    queue[tail] = t;
    tail = (tail + 1) % (2 * MAX_THREADS);
}

void wake(const int* ids, int n) {
    int order[MAX_THREADS];
    for (int i = 0; i < n; i++) order[i] = ids[i];
    for (int i = n - 1; shuffle_order && i > 0; i--)
        std::swap(order[i], order[(uint64_t)random_number() * (i + 1) >> 31]); // random numbers have 31 bits
    for (int i = 0; i < n; i++) {
        fibers[order[i]].state = RUNNING;
        push(order[i]);
    }
}

void wait() {
    late_box(false);
    while (head == tail) {
        if (late_box(true)) continue;
        if (alive == 0) {
            Fiber* f = current;
            current = 0;
            simt_switch(&f->sp, main_sp);
            return;
        }
        fail("deadlock: no thread can run");
    }
    Fiber* f = current;
    current = &fibers[queue[head]];
    head = (head + 1) % (2 * MAX_THREADS);
    now.thread = current->index;
    if (f != current) simt_switch(&f->sp, current->sp);
}

static void try_barrier(int id, int want) {
    int need = want < 0 ? alive : want;
    if (!at_barrier[id] || at_barrier[id] < need) return;
    at_barrier[id] = 0;
    int others[MAX_THREADS], n = 0, all[MAX_THREADS], m = 0;
    for (int t = 0; t < threads; t++) {
        if (fibers[t].state != AT_BARRIER || fibers[t].barrier != id) continue;
        all[m++] = t;
        if (&fibers[t] == current) current->state = RUNNING;
        else others[n++] = t;
    }
    check_sync(MET, all, m);
    wake(others, n);
}

void barrier(int id, int want) {
    if (want > 0 && want % 32) fail("bar.sync of %d threads, which are no whole warps", want);
    current->state = AT_BARRIER;
    current->barrier = id;
    current->want = want;
    at_barrier[id]++;
    try_barrier(id, want);
    if (current->state == AT_BARRIER) wait();
}

static void fiber_main() {
    for (;;) {
        kernel->run(kernel_params);
        finish_thread_copies();
        current->state = DONE;
        warps[current->thread >> 5].done |= 1u << (current->thread & 31);
        alive--;
        for (int id = 0; id < BARRIERS; id++) // __syncthreads waits for those alive
            for (int t = 0; at_barrier[id] && t < threads; t++)
                if (fibers[t].state == AT_BARRIER && fibers[t].barrier == id && fibers[t].want < 0) {
                    try_barrier(id, -1);
                    break;
                }
        wait(); // until the next block begins
    }
}

static void run_block() {
    memset(arena, 0xff, sizeof arena); // NaN as float and as bfloat16
    arena_used = 0;
    arrays.clear();
    memset(now.dynamic, 0xff, dynamic_bytes);
    memset(at_barrier, 0, sizeof at_barrier);
    memset(warps, 0, sizeof warps);
    alive = threads;
    head = tail = 0;
    clear_async();
    check_sync(NEW_BLOCK, 0, threads);
    int ids[MAX_THREADS];
    for (int t = 0; t < threads; t++) ids[t] = t;
    wake(ids, threads);
    current = &fibers[queue[head]];
    head = (head + 1) % (2 * MAX_THREADS);
    now.thread = current->index;
    simt_switch(&main_sp, current->sp);
    current = 0;
}

static void prepare(const unsigned* block) {
    if (!stacks) {
        stacks = (unsigned char*)mmap(0, (size_t)MAX_THREADS * (STACK + STAGGER), PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        dynamic_memory = (unsigned char*)aligned_alloc(1 << 18, 1 << 18); // so that 18 bits of an address tell where
    }
    now.dynamic = dynamic_memory;
    for (int t = 0; t < threads; t++) {
        Fiber& f = fibers[t];
        f.thread = t;
        f.index = {t % block[0], t / block[0] % block[1], t / (block[0] * block[1])};
        unsigned char* top = stacks + (size_t)(t + 1) * (STACK + STAGGER); // not one cache set for all
        memset(top - USED, 0xff, USED);                                    // a variable not set is NaN
        f.sp = fresh_stack(top);
    }
}
void shared_range(int i, const unsigned char** lo, const unsigned char** hi) {
    *lo = i ? now.dynamic : arena;
    *hi = i ? now.dynamic + dynamic_bytes : arena + sizeof arena;
}
bool on_stack(uintptr_t a) {
    return a >= (uintptr_t)stacks && a < (uintptr_t)stacks + (size_t)MAX_THREADS * (STACK + STAGGER);
}
} // namespace simt

using namespace simt;

#define API extern "C" __attribute__((visibility("default")))

API void simt_seed(uint64_t seed) {
    random_state = seed;
    shuffle_order = seed != 0;
}

// The letters of the kernel's parameters, or null if there is no such kernel.
API const char* simt_params(const char* name) {
    auto k = kernels().find(name);
    return k == kernels().end() ? 0 : k->second.params;
}

// Runs a kernel to its end. params points at the arguments. Null, or what went wrong.
API const char* simt_launch(const char* name, const unsigned* grid, const unsigned* block, unsigned shared,
                            void** params) {
    failure.clear();
    kernel = &kernels().at(name);
    kernel_params = params;
    uint64_t n = (uint64_t)block[0] * block[1] * block[2];
    if (n == 0 || n > MAX_THREADS || shared > MAX_SHARED || !grid[0] || !grid[1] || !grid[2] ||
        grid[1] > 65535 || grid[2] > 65535)
        return "invalid launch: grid, block or dynamic shared memory beyond the limits";
    threads = (int)n;
    dynamic_bytes = shared;
    prepare(block);
    now.block_dim = {block[0], block[1], block[2]};
    now.grid_dim = {grid[0], grid[1], grid[2]};
    for (unsigned z = 0; z < grid[2]; z++)
        for (unsigned y = 0; y < grid[1]; y++)
            for (unsigned x = 0; x < grid[0] && failure.empty(); x++) {
                now.block = {x, y, z};
                run_block();
            }
    return failure.empty() ? 0 : failure.c_str();
}
