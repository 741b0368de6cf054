// What happens behind the threads' backs: cp.async arrives when it is waited for and not before, its
// destination being poisoned meanwhile, so that a missing wait shows.
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

void clear_async() {
    for (int t = 0; t < threads; t++) {
        fibers[t].groups.clear();
        fibers[t].open.clear();
    }
}
} // namespace simt
