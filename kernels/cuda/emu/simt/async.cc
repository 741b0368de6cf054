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
    current->copies.push_back({to, from, bytes, total, __builtin_return_address(0)});
}

void cp_async_commit() {
    int n = (int)current->copies.size();
    for (int g : current->groups) n -= g;
    current->groups.push_back(n);
}

void cp_async_wait(int left) {
    auto& groups = current->groups;
    auto& copies = current->copies;
    int over = (int)groups.size() - left, n = 0;
    if (over <= 0) return;
    for (int g = 0; g < over; g++) n += groups[g];
    for (int i = 0; i < n; i++) {
        const Copy& c = copies[i];
        access_pc = c.pc;
        if (c.bytes) check_access(c.from, c.bytes, READ, current->thread);
        check_access(c.to, c.total, WRITE, current->thread);
        memcpy(c.to, c.from, c.bytes);
        memset((char*)c.to + c.bytes, 0, c.total - c.bytes);
    }
    copies.erase(copies.begin(), copies.begin() + n);
    groups.erase(groups.begin(), groups.begin() + over);
}

void finish_thread_copies() {
    if (current->copies.empty()) return;
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
    int at[4], offset[2]; // column, row and matrix; or the first position's channel, column, row and picture
    int thread;
    void* pc;
    std::vector<uint32_t> known; // to the thread when it sent the box: for the checker
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

static void send(const Box& box) {
    Box x = box;
    x.thread = current->thread, x.known = check_sent(x.thread);
    if ((uintptr_t)x.to & 1023) fail("a swizzled box must begin at a multiple of 1024 in shared memory");
    memset(x.to, 0xff, (size_t)x.map.element * x.map.box[0] * x.map.box[1]);
    boxes.push_back(x);
}
void tma_load(void* to, const tensormap* m, mbarrier* b, int rank, int c, int r, int z) {
    if ((int)m->rank != rank) fail("a box at %d coordinates of a tensor map of %d", rank, (int)m->rank);
    send({to, *m, b, {c, r, z}, {}, 0, __builtin_return_address(0), {}});
}
void tma_patches(void* to, const tensormap* m, mbarrier* b, int c, int x, int y, int n, int dx, int dy) {
    if (m->rank != 4) fail("patches of a tensor map of boxes");
    if (dx < 0 || dx > 255 || dy < 0 || dy > 255) fail("patches: an offset of (%d, %d), not 0 to 255", dx, dy);
    send({to, *m, b, {c, x, y, n}, {dx, dy}, 0, __builtin_return_address(0), {}});
}

// One row of a box: what is there of its elements, and zeros.
static void copy_row(const Box& x, int row, const char* from, int64_t there) {
    const tensormap& m = x.map;
    int64_t n = there > (int)m.box[0] ? m.box[0] : there;
    if (n > 0) check_access(from, (int)n * m.element, READ, x.thread);
    for (unsigned k = 0; k < m.box[0]; k++) {
        char* to = (char*)swizzled((uintptr_t)x.to + (row * m.box[0] + k) * m.element);
        if ((int64_t)k < n) memcpy(to, from + k * m.element, m.element);
        else memset(to, 0, m.element);
    }
}
static void copy_box(const Box& x) {
    const tensormap& m = x.map;
    for (unsigned i = 0; i < m.box[1]; i++) {
        int64_t row = (int64_t)x.at[1] + i, z = x.at[2];
        bool in = row >= 0 && row < (int64_t)m.dim[1] && z >= 0 && z < (int64_t)m.dim[2];
        const char* from = m.base + z * m.stride[1] + row * m.stride[0] + (int64_t)x.at[0] * m.element;
        copy_row(x, i, from, in ? (int64_t)m.dim[0] - x.at[0] : 0);
    }
}
// Positions go on by step from lower to the picture's end + upper, columns first, then rows, then pictures.
static void copy_patches(const Box& x) {
    const tensormap& m = x.map;
    int c = x.at[0], col = x.at[1], row = x.at[2], n = x.at[3];
    for (unsigned i = 0; i < m.box[1]; i++) {
        int64_t w = col + x.offset[0], h = row + x.offset[1];
        bool in = w >= 0 && w < (int64_t)m.dim[1] && h >= 0 && h < (int64_t)m.dim[2] && n < (int64_t)m.dim[3];
        const char* from = m.base + n * (int64_t)m.stride[2] + h * m.stride[1] + w * m.stride[0];
        copy_row(x, i, from + (int64_t)c * m.element, in ? (int64_t)m.dim[0] - c : 0);
        if ((col += m.step[0]) < (int)m.dim[1] + m.upper[0]) continue;
        col = m.lower[0];
        if ((row += m.step[1]) < (int)m.dim[2] + m.upper[1]) continue;
        row = m.lower[1], n++;
    }
}

static void arrive(const Box& x) {
    int size = x.map.element * x.map.box[0] * x.map.box[1];
    access_pc = x.pc;
    if (x.map.rank == 4) copy_patches(x);
    else copy_box(x);
    check_arrived(x.to, size, x.thread, x.known, x.barrier);
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
        fibers[t].copies.clear();
    }
}
} // namespace simt
