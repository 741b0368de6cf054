// The checker: a .cu compiled with -fsanitize=thread calls __tsan_readN and __tsan_writeN at every access,
// and they are here. They look for
//   shared memory: reads of bytes that this block has not written; races (a clock a warp, an epoch in each);
//   global memory: accesses outside the operands of the launch; reads of bytes that were never written; two
//   blocks at one address, one of them writing.
// Shadow cells are 2 bytes wide. What is found is named with the line of the source.
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <set>
#include <string>
#include <unistd.h>
#include "runtime.h"

namespace simt {
void shared_range(int i, const unsigned char** lo, const unsigned char** hi);
bool on_stack(uintptr_t);

const int WARPS = 32, BOXES = 32, CLOCKS = WARPS + BOXES; // of warps, and of mbarriers that boxes arrive at
struct Cell { // two bytes of shared memory
    uint32_t block, write_clock, write_epoch;
    uint32_t readers; // the warps that have read it since it was written: only their clocks count
    uint16_t write_warp, write_thread; // write_warp: of CLOCKS
    bool written;
    uint16_t read_lane[WARPS];
    uint32_t read_clock[WARPS], read_epoch[WARPS];
};
struct Buffer {
    size_t bytes;
    std::vector<uint32_t> writer, reader; // the last block of each two bytes
    std::vector<char> written;
};
struct Operand { uintptr_t from, to; };

static std::vector<Cell> cells[2];
static const unsigned char *low[2], *high[2];
static uint32_t block_number, launch_start, epochs, clocks[WARPS][CLOCKS], epoch[WARPS];
static uint32_t arrived[BOXES]; // boxes, at each mbarrier
static int warp_count;
static std::map<const void*, std::vector<uint32_t>> released; // the clocks that an mbarrier carries
static std::map<const void*, int> targets;                    // the mbarriers that boxes arrive at
static std::map<uintptr_t, Buffer> buffers;
static std::vector<Operand> operands;
static std::set<std::pair<uintptr_t, std::string>> seen;
static std::string found;
static int count;

static std::string line_of(uintptr_t pc) {
    Dl_info lib;
    if (!pc || !dladdr((void*)pc, &lib) || !lib.dli_fname) return "an asynchronous copy";
    char command[600], text[256];
    snprintf(command, sizeof command, "addr2line -i -s -e '%s' 0x%lx 2>/dev/null", lib.dli_fname,
             (unsigned long)(pc - 1 - (uintptr_t)lib.dli_fbase));
    std::string s;
    FILE* f = popen(command, "r");
    while (f && fgets(text, sizeof text, f)) {
        text[strcspn(text, " \n")] = 0;
        s += (s.empty() ? "" : " < ") + std::string(text);
    }
    if (f) pclose(f);
    return s;
}

static void report(uintptr_t pc, int thread, const std::string& what) {
    if (!seen.insert({pc, what}).second || ++count > 10) return;
    char where[96];
    const uint3& b = now.block;
    snprintf(where, sizeof where, ", block %u,%u,%u, thread %d, ", b.x, b.y, b.z, thread);
    found += (found.empty() ? "" : "\n") + what + where + line_of(pc);
}

// Has what (warp, lane) did at its clock and epoch happened before lane `me` of warp w goes on?
static bool before(uint32_t clock, int warp, int lane, uint32_t at, int w, int me) {
    return warp == w ? lane == me || at < epoch[w] : clock <= clocks[w][warp];
}

static Cell& fresh(Cell& c) {
    if (c.block != block_number) c.block = block_number, c.readers = 0, c.written = false;
    return c;
}
static std::string after_write(const Cell& c, Access kind) {
    return "race: shared memory " + std::string(kind == READ ? "read" : "written") +
           " without barrier after a write of thread " + std::to_string(c.write_thread);
}
static std::string after_read(const Cell& c, int warp) {
    return "race: shared memory written without barrier after a read of thread " +
           std::to_string(warp * 32 + c.read_lane[warp]);
}

static void check_shared(Cell& c, uintptr_t pc, Access kind, int thread) {
    int w = thread >> 5, lane = thread & 31;
    fresh(c);
    if (kind == MULTIPLIED && c.written && c.write_warp < WARPS)
        report(pc, thread, "multiplied without fence.proxy.async: shared memory written by thread " +
                               std::to_string(c.write_thread));
    if (kind == MULTIPLIED) kind = READ;
    if (kind == READ && !c.written) return report(pc, thread, "shared memory read before any write");
    if (c.written && !before(c.write_clock, c.write_warp, c.write_thread & 31, c.write_epoch, w, lane))
        report(pc, thread, after_write(c, kind));
    if (kind == READ) {
        c.read_clock[w] = clocks[w][w], c.read_lane[w] = lane, c.read_epoch[w] = epoch[w];
        c.readers |= 1u << w;
        return;
    }
    for (uint32_t m = c.readers; m; m &= m - 1) {
        int k = __builtin_ctz(m);
        if (!before(c.read_clock[k], k, c.read_lane[k], c.read_epoch[k], w, lane))
            report(pc, thread, after_read(c, k));
    }
    c.written = true;
    c.write_warp = w, c.write_thread = thread, c.write_clock = clocks[w][w], c.write_epoch = epoch[w];
    c.readers = 0;
}

// A box may overwrite what its thread had seen the end of when it sent the box, and only who waited for its
// mbarrier may read it.
static void check_box(Cell& c, uintptr_t pc, int thread, const std::vector<uint32_t>& known, int target) {
    int w = thread >> 5;
    fresh(c);
    if (c.written && c.write_warp != w && c.write_clock > known[c.write_warp])
        report(pc, thread, after_write(c, WRITE));
    for (uint32_t m = c.readers & ~(1u << w); m; m &= m - 1) {
        int k = __builtin_ctz(m);
        if (c.read_clock[k] > known[k]) report(pc, thread, after_read(c, k));
    }
    c.written = true;
    c.write_warp = WARPS + target, c.write_thread = thread, c.write_clock = arrived[target];
    c.readers = 0;
}

// The buffer that an address lies in, or null; the last one is remembered.
static std::pair<const uintptr_t, Buffer>* last_buffer;
static std::pair<const uintptr_t, Buffer>* buffer_of(uintptr_t a) {
    if (last_buffer && a - last_buffer->first < last_buffer->second.bytes) return last_buffer;
    auto it = buffers.upper_bound(a);
    if (it == buffers.begin() || a - (--it)->first >= it->second.bytes) return 0;
    return last_buffer = &*it;
}

// Whether an address is that of a constant of the kernels. Pages that are a library's are remembered.
static bool constant(uintptr_t a) {
    static uintptr_t pages[16];
    uintptr_t page = a >> 12, &known = pages[page % 16];
    Dl_info lib;
    if (known != page && dladdr((void*)a, &lib)) known = page;
    return known == page;
}

static void check_global(uintptr_t a, int bytes, uintptr_t pc, Access kind, int thread) {
    const char* verb = kind == READ ? "read" : "written";
    auto at = buffer_of(a);
    if (!at) {
        if (!constant(a)) report(pc, thread, std::string("memory ") + verb + " outside every buffer");
        return;
    }
    bool inside = false;
    for (const Operand& o : operands) inside |= a >= o.from && a + bytes <= o.to;
    if (!inside)
        return report(pc, thread, std::string("out of bounds: ") + verb + " outside this launch's operands");
    Buffer* b = &at->second;
    for (size_t k = (a - at->first) / 2; k <= (a - at->first + bytes - 1) / 2; k++) {
        if (kind == READ && !b->written[k]) report(pc, thread, "global memory read before any write");
        if (b->writer[k] > launch_start && b->writer[k] != block_number)
            report(pc, thread, std::string("race: global memory ") + verb + " after a write of another block");
        if (kind == WRITE && b->reader[k] > launch_start && b->reader[k] != block_number)
            report(pc, thread, "race: global memory written after a read of another block");
        if (kind == WRITE) b->written[k] = 1;
        (kind == WRITE ? b->writer : b->reader)[k] = block_number;
    }
}

static void check(uintptr_t a, int bytes, Access kind, int thread, uintptr_t pc) {
    if (on_stack(a)) return;
    for (int i = 0; i < 2; i++) {
        uintptr_t lo = (uintptr_t)low[i];
        if (a < lo || a >= (uintptr_t)high[i]) continue;
        if (a + bytes > (uintptr_t)high[i]) report(pc, thread, "out of bounds: beyond the shared memory");
        for (uintptr_t k = (a - lo) / 2; k <= (a + bytes - 1 - lo) / 2 && k < cells[i].size(); k++)
            check_shared(cells[i][k], pc, kind, thread);
        return;
    }
    if (a >= (uintptr_t)now.dynamic && a < (uintptr_t)now.dynamic + MAX_SHARED)
        return report(pc, thread, "out of bounds: beyond the dynamic shared memory of the launch");
    check_global(a, bytes, pc, kind, thread);
}

void check_access(const void* p, int bytes, Access kind, int thread) {
    check((uintptr_t)p, bytes, kind, thread, (uintptr_t)access_pc);
}

std::vector<uint32_t> check_sent(int thread) {
    const uint32_t* c = clocks[thread >> 5];
    return {c, c + CLOCKS};
}

void check_arrived(const void* to, int bytes, int thread, const std::vector<uint32_t>& known,
                   const void* barrier) {
    int target = targets.emplace(barrier, (int)targets.size()).first->second;
    if (target >= BOXES) fail("boxes arrive at more than %d mbarriers", BOXES);
    arrived[target]++;
    uintptr_t a = (uintptr_t)to - (uintptr_t)low[1];
    if (a + bytes > (uintptr_t)(high[1] - low[1]))
        return report((uintptr_t)access_pc, thread, "out of bounds: a box beyond the dynamic shared memory");
    for (uintptr_t k = a / 2; k < (a + bytes) / 2; k++)
        check_box(cells[1][k], (uintptr_t)access_pc, thread, known, target);
    auto& o = released[barrier];
    o.resize(CLOCKS);
    o[WARPS + target] = arrived[target];
}

static void new_block(int threads) {
    for (int i = 0; i < 2; i++) {
        shared_range(i, &low[i], &high[i]);
        size_t n = (high[i] - low[i] + 1) / 2;
        if (cells[i].size() < n) cells[i].resize(n);
    }
    block_number++;
    released.clear(), targets.clear();
    memset(arrived, 0, sizeof arrived);
    warp_count = (threads + 31) / 32;
    memset(clocks, 0, sizeof clocks);
    for (int w = 0; w < WARPS; w++) clocks[w][w] = 1, epoch[w] = ++epochs;
}

// What a thread did before its arrival at an mbarrier happened before what those do that waited for it.
static void through(Sync kind, int w, const void* object) {
    auto& o = released[object];
    o.resize(CLOCKS);
    for (int k = 0; k < CLOCKS; k++) {
        if (kind == RELEASED && clocks[w][k] > o[k]) o[k] = clocks[w][k];
        if (kind == ACQUIRED && o[k] > clocks[w][k]) clocks[w][k] = o[k];
    }
    if (kind == RELEASED) clocks[w][w]++;
    else epoch[w] = ++epochs;
}

// What threads that met did before happened before all that any of them does next.
void check_sync(Sync kind, const int* ids, int n, const void* object) {
    if (kind == NEW_BLOCK) return new_block(n);
    if (kind != MET) return through(kind, *ids >> 5, object);
    uint32_t m[CLOCKS] = {};
    bool in[WARPS] = {};
    for (int i = 0; i < n; i++) in[ids[i] >> 5] = true;
    for (int w = 0; w < warp_count; w++)
        for (int k = 0; in[w] && k < CLOCKS; k++) m[k] = m[k] > clocks[w][k] ? m[k] : clocks[w][k];
    for (int w = 0; w < warp_count; w++) {
        if (!in[w]) continue;
        memcpy(clocks[w], m, sizeof m);
        epoch[w] = ++epochs;
        if (n > 32) clocks[w][w]++;
    }
}
} // namespace simt

using namespace simt;

#pragma GCC visibility push(default)
extern "C" {
// A buffer of global memory, whose bytes hold something or nothing yet; bytes = 0 forgets it.
void simt_buffer(void* p, size_t bytes) {
    last_buffer = 0;
    if (!bytes) {
        buffers.erase((uintptr_t)p);
        return;
    }
    Buffer& b = buffers[(uintptr_t)p];
    b.bytes = bytes;
    b.writer.assign(bytes / 2 + 1, 0);
    b.reader.assign(bytes / 2 + 1, 0);
    b.written.assign(bytes / 2 + 1, 0);
}
void simt_written(void* p, size_t bytes, int written) {
    auto it = buffers.upper_bound((uintptr_t)p);
    if (it == buffers.begin() || !bytes) return;
    size_t from = ((uintptr_t)p - (--it)->first) / 2, to = ((uintptr_t)p + bytes - 1 - it->first) / 2;
    for (size_t k = from; k <= to && k < it->second.written.size(); k++) it->second.written[k] = written;
}
// What the next launch may touch: n pairs of address and size.
void simt_operands(const uintptr_t* of, int n) {
    operands.clear();
    for (int i = 0; i < n; i++) operands.push_back({of[2 * i], of[2 * i] + of[2 * i + 1]});
    launch_start = block_number;
}
// What the launch showed, or null; it is forgotten with the next call.
const char* simt_found() {
    static std::string last;
    last = found;
    found.clear(), seen.clear(), count = 0;
    return last.empty() ? 0 : last.c_str();
}
#define TSAN(n)                                                                                              \
    void __tsan_read##n(void* p) {                                                                           \
        if (current) check((uintptr_t)p, n, READ, current->thread, (uintptr_t)__builtin_return_address(0)); \
    }                                                                                                        \
    void __tsan_write##n(void* p) {                                                                          \
        if (current) check((uintptr_t)p, n, WRITE, current->thread, (uintptr_t)__builtin_return_address(0)); \
    }                                                                                                        \
    void __tsan_unaligned_read##n(void* p) __attribute__((alias("__tsan_read" #n)));                         \
    void __tsan_unaligned_write##n(void* p) __attribute__((alias("__tsan_write" #n)));
TSAN(1)
TSAN(2)
TSAN(4)
TSAN(8)
TSAN(16)
void __tsan_read_range(void* p, size_t n) {
    if (current) check((uintptr_t)p, (int)n, READ, current->thread, (uintptr_t)__builtin_return_address(0));
}
void __tsan_write_range(void* p, size_t n) {
    if (current) check((uintptr_t)p, (int)n, WRITE, current->thread, (uintptr_t)__builtin_return_address(0));
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
}
