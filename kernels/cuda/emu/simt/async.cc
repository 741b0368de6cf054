// What happens behind the threads' backs. cp.async arrives when it is waited for and not before, its
// destination being poisoned meanwhile, so that a missing wait shows. Boxes of a tensor map arrive late and
// in random order.
#include "runtime.h"

namespace simt {
void cp_async(void* to, const void* from, int bytes, int total) {
    if (((uintptr_t)to | (uintptr_t)from) & (total - 1))
        fail("cp.async: an address is no multiple of %d", total);
    if (bytes < 0 || bytes > total) fail("cp.async: %d of %d bytes", bytes, total);
    memset(to, 0xff, total);
    current->open.push_back({to, from, bytes, total, __builtin_return_address(0)});
}

void cp_async_commit() {
    current->groups.push_back(std::move(current->open));
    current->open.clear();
}

void cp_async_wait(int left) {
    auto& g = current->groups;
    while ((int)g.size() > left) {
        for (const Copy& c : g[0]) {
            access_pc = c.pc;
            if (c.bytes) check_access(c.from, c.bytes, READ, current->thread);
            check_access(c.to, c.total, WRITE, current->thread);
            memcpy(c.to, c.from, c.bytes);
            memset((char*)c.to + c.bytes, 0, c.total - c.bytes);
        }
        g.erase(g.begin());
    }
}

void finish_thread_copies() {
    if (current->open.empty() && current->groups.empty()) return;
    cp_async_commit();
    cp_async_wait(0);
}

struct Barrier {    // in the 8 bytes of an mbarrier
    int32_t bytes;  // that the phase still waits for
    uint16_t count; // arrivals of a phase
    uint16_t left;  // of this one; the top bit is the phase
};
struct Box {
    void* to;
    tensormap map; // a copy: here, parameters lie on the stack of a thread that may return before its boxes come
    mbarrier* barrier;
    int c, r, thread;
    void* pc;
};
static std::vector<Box> boxes;

void mbarrier_init(mbarrier* b, int count) { *(Barrier*)b = {0, (uint16_t)count, (uint16_t)count}; }

static void phase_over(mbarrier* b) {
    Barrier* m = (Barrier*)b;
    if ((m->left & 0x7fff) || m->bytes) return;
    m->left = ((m->left & 0x8000) ^ 0x8000) | m->count;
    int ids[MAX_THREADS], n = 0;
    for (int t = 0; t < threads; t++)
        if (fibers[t].state == AT_MBARRIER && fibers[t].waits_for == b) ids[n++] = t;
    wake(ids, n);
}

void mbarrier_arrive(mbarrier* b, int bytes) {
    Barrier* m = (Barrier*)b;
    if (!(m->left & 0x7fff)) fail("mbarrier: more arrivals than its count of %d", m->count);
    m->left--;
    m->bytes += bytes;
    check_sync(RELEASED, &current->thread, 1, b);
    phase_over(b);
}

void mbarrier_wait(mbarrier* b, int parity) {
    while (((Barrier*)b)->left >> 15 == (parity & 1)) {
        current->state = AT_MBARRIER;
        current->waits_for = b;
        wait();
    }
    check_sync(ACQUIRED, &current->thread, 1, b);
}

// The hardware's swizzle: within 8 rows of 128 bytes, the 16-byte pieces of a row change places.
static uintptr_t swizzled(uintptr_t a) { return a ^ ((a >> 7 & 7) << 4); }

void tma_load(void* to, const tensormap* m, mbarrier* b, int c, int r) {
    if ((uintptr_t)to & 1023) fail("a swizzled box must begin at a multiple of 1024 in shared memory");
    memset(to, 0xff, (size_t)m->element * m->box[0] * m->box[1]);
    boxes.push_back({to, *m, b, c, r, current->thread, __builtin_return_address(0)});
}

static void arrive(const Box& x) {
    const tensormap& m = x.map;
    int size = m.element * m.box[0] * m.box[1];
    access_pc = x.pc;
    for (unsigned i = 0; i < m.box[1]; i++) {
        int64_t row = (int64_t)x.r + i, cols = (int64_t)m.dim[0] - x.c;
        if (cols > m.box[0]) cols = m.box[0];
        bool in = row >= 0 && row < (int64_t)m.dim[1] && cols > 0;
        const char* from = m.base + row * m.stride[0] + (int64_t)x.c * m.element;
        if (in) check_access(from, (int)cols * m.element, READ, x.thread, true);
        for (unsigned k = 0; k < m.box[0]; k++) {
            char* to = (char*)swizzled((uintptr_t)x.to + (i * m.box[0] + k) * m.element);
            if (in && k < cols) memcpy(to, from + k * m.element, m.element);
            else memset(to, 0, m.element);
        }
    }
    check_access(x.to, size, WRITE, x.thread, true);
    check_sync(RELEASED, &x.thread, 1, x.barrier);
    ((Barrier*)x.barrier)->bytes -= size;
    phase_over(x.barrier);
}

bool late_box(bool force) {
    if (boxes.empty() || (!force && random_number() % 4)) return false;
    size_t i = shuffle_order ? random_number() % boxes.size() : 0;
    Box x = boxes[i];
    boxes.erase(boxes.begin() + i);
    arrive(x);
    return true;
}

void clear_async() {
    boxes.clear();
    clear_wgmma();
    for (int t = 0; t < threads; t++) {
        fibers[t].groups.clear();
        fibers[t].open.clear();
    }
}
} // namespace simt
