// A driver for tests: a device whose memory is the host's and whose kernels do nothing. It refuses what NVIDIA's
// refuses, and what that would be slow or wrong with: copies must be of its own memory, device and pinned, a context be
// current on the calling thread, nothing be used once it was given back. What TRUEGRAIN_DRIVER says goes wrong: old,
// 535 (reads no PTX 8.3), no-device, small (an old GPU), refuse (the PTX), compiler (there is none), lost (in a
// launch), full (memory). Built as libcuda.so.1 it is found in the place of NVIDIA's.
#define _GNU_SOURCE
#include "../stub/cuda.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { INVALID = 1, MEMORY = 2, UNREADY = 3, DEVICE = 101, CONTEXT = 201, PTX = 218, COMPILER = 221, VERSION = 222,
	HANDLE = 400, STATE = 401, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700, UNSUPPORTED = 801,
	CAPTURED = 900, ISOLATION = 905 };
enum { FIRST = 100 }; // the handle of device 0
#define PRIMARY ((CUcontext)0x10)
#define MANY 4096

static int wrong(const char *what) {
	const char *w = getenv("TRUEGRAIN_DRIVER");
	return w && !strcmp(w, what);
}
static int version(void) { return wrong("old") ? 11040 : wrong("535") ? 12020 : 12040; }
static int major(void) { return wrong("small") ? 7 : 9; }

// A copy (from), or a fill with n values of size bytes.
struct work {
	char *to;
	const char *from;
	size_t n;
	unsigned value;
	int size;
};
struct piece { char *at; size_t n; int host; };
struct queue { int alive, capturing, n; struct work work[MANY]; };
struct mark { int alive, timed, recorded, pending; struct queue *on; int captured; };
struct recording { int alive, n; struct work *work; };
struct entry { char name[128]; int threads, params, sizes[64], shared, dynamic; };

static int ready, launched;
static __thread CUcontext now;
static struct piece pieces[MANY];
static struct queue queues[64];
static struct mark marks[MANY];
static struct recording graphs[64], execs[64];
static char *modules[512];
static struct entry entries[MANY];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static CUresult usable(void) {
	if (!ready) return UNREADY;
	if (now != PRIMARY) return CONTEXT;
	return wrong("lost") && launched > 1 ? ILLEGAL_ADDRESS : 0;
}
// CALL is a call in the context; what it looks up is locked until it returns.
static void unlock(int *held) { (void)held, pthread_mutex_unlock(&lock); }
#define LOCK int held __attribute__((cleanup(unlock))) = pthread_mutex_lock(&lock)
#define CALL LOCK; for (CUresult bad = usable(); bad;) return bad
#define END(list) (list + sizeof list / sizeof *list)
#define IS(list, x) ((void *)(x) >= (void *)list && (void *)(x) < (void *)END(list) && (x)->alive)
#define NEW(list, what) \
	for (what = list; what < END(list) && what->alive; what++); \
	if (what == END(list)) return MEMORY;

// owned says that n bytes lie in one allocation of this kind.
static int owned(const void *p, size_t n, int host) {
	for (struct piece *o = pieces; o < END(pieces); o++)
		if (o->at && o->host == host && (char *)p >= o->at && (char *)p + n <= o->at + o->n) return 1;
	return 0;
}
static CUresult give(void **p, size_t n, int host) {
	if (!n || n > 1u << 30) return n ? MEMORY : INVALID;
	for (int i = 0; i < MANY; i++)
		if (!pieces[i].at) {
			char *at = aligned_alloc(512, (n + 511) & ~(size_t)511);
			return pieces[i] = (struct piece){at, n, host}, *p = at, 0;
		}
	return MEMORY;
}
static CUresult take(void *p, int host) {
	for (int i = 0; i < MANY; i++)
		if (p && pieces[i].at == p && pieces[i].host == host) return free(p), pieces[i].at = 0, 0;
	return INVALID;
}
static void perform(const struct work *w, int n) {
	for (; n--; w++)
		if (w->from) memmove(w->to, w->from, w->n);
		else for (size_t i = 0; i < w->n; i++) memcpy(w->to + i * w->size, &w->value, w->size);
}
// queued does work now, or keeps it for the graph.
static CUresult queued(struct queue *q, struct work w) {
	if (!IS(queues, q)) return HANDLE;
	if (!q->capturing) return perform(&w, 1), 0;
	if (q->n == MANY) return MEMORY;
	return q->work[q->n++] = w, 0;
}

CUresult cuGetErrorName(CUresult r, const char **s) {
	*s = r == ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS" : r == PTX ? "CUDA_ERROR_INVALID_PTX" :
		r == COMPILER ? "CUDA_ERROR_JIT_COMPILER_NOT_FOUND" : 0;
	return *s ? 0 : INVALID;
}
CUresult cuInit(unsigned flags) {
	Dl_info of; // whoever else looks for the driver's calls must not find the program's
	const char *loading = getenv("CUDA_MODULE_LOADING");
	if (!dladdr(dlsym(RTLD_DEFAULT, "cuInit"), &of) || !strstr(of.dli_fname, "libcuda.so.1")) return INVALID;
	if (!loading || strcmp(loading, "EAGER")) return INVALID;
	return wrong("no-device") ? 100 : flags ? INVALID : (ready = 1, 0);
}
CUresult cuDriverGetVersion(int *v) { return *v = version(), 0; }
CUresult cuDeviceGetCount(int *n) { return *n = 1, ready ? 0 : UNREADY; }
CUresult cuDeviceGet(CUdevice *d, int i) { return *d = FIRST + i, i ? DEVICE : 0; }
CUresult cuDeviceGetName(char *s, int n, CUdevice d) {
	return snprintf(s, n, "test device %d", d - FIRST), d == FIRST ? 0 : DEVICE;
}
CUresult cuDeviceTotalMem(size_t *n, CUdevice d) { return *n = 1u << 30, d == FIRST ? 0 : DEVICE; }
CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice d) {
	return *v = a == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT ? 7 : 1500000, d == FIRST ? 0 : DEVICE;
}
CUresult cuDeviceComputeCapability(int *a, int *b, CUdevice d) {
	return *a = major(), *b = major() == 9 ? 0 : 5, d == FIRST ? 0 : DEVICE;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) {
	return *c = PRIMARY, !ready ? UNREADY : d == FIRST ? 0 : DEVICE;
}
CUresult cuCtxGetCurrent(CUcontext *c) { return *c = now, ready ? 0 : UNREADY; }
CUresult cuCtxSetCurrent(CUcontext c) { return now = c, ready ? 0 : UNREADY; }

// What nobody calls but the test: it says what has not been given back.
CUresult cuCtxSynchronize(void) {
	int left[6] = {0};
	for (int i = 0; i < MANY; i++) left[pieces[i].host] += pieces[i].at != 0, left[2] += marks[i].alive;
	for (int i = 0; i < 64; i++) left[3] += queues[i].alive, left[4] += graphs[i].alive + execs[i].alive;
	for (char **p = modules; p < END(modules); p++) left[5] += *p != 0;
	if (!(left[0] | left[1] | left[2] | left[3] | left[4] | left[5])) return 0;
	printf("not given back: %d of memory, %d pinned, %d events, %d streams, %d graphs, %d modules\n", left[0], left[1],
		left[2], left[3], left[4], left[5]);
	return fflush(stdout), INVALID;
}

CUresult cuMemAlloc(CUdeviceptr *p, size_t n) {
	CALL;
	return wrong("full") && n > 1 << 20 ? MEMORY : give((void **)p, n, 0);
}
CUresult cuMemFree(CUdeviceptr p) { CALL; return take((void *)p, 0); }
CUresult cuMemAllocHost(void **p, size_t n) { CALL; return give(p, n, 1); }
CUresult cuMemFreeHost(void *p) { CALL; return take(p, 1); }
CUresult cuMemGetInfo(size_t *f, size_t *t) { CALL; return *f = 123456, *t = 1u << 30, 0; }
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t n, CUstream s) {
	CALL;
	if (!owned((void *)to, n, 0) || !owned(from, n, 1)) return INVALID;
	return queued((struct queue *)s, (struct work){(char *)to, from, n});
}
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t n, CUstream s) {
	CALL;
	if (!owned((void *)from, n, 0) || !owned(to, n, 1)) return INVALID;
	return queued((struct queue *)s, (struct work){to, (char *)from, n});
}
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) {
	CALL;
	if (!owned((void *)from, n, 0) || !owned((void *)to, n, 0)) return INVALID;
	return queued((struct queue *)s, (struct work){(char *)to, (char *)from, n});
}
static CUresult fill(CUdeviceptr to, unsigned v, int size, size_t n, CUstream s) {
	CALL;
	if (!n || to % size || !owned((void *)to, n * size, 0)) return INVALID;
	return queued((struct queue *)s, (struct work){(char *)to, 0, n, v, size});
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char v, size_t n, CUstream s) { return fill(to, v, 1, n, s); }
CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short v, size_t n, CUstream s) { return fill(to, v, 2, n, s); }
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned v, size_t n, CUstream s) { return fill(to, v, 4, n, s); }

CUresult cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned n, CUjit_option *o, void **v) {
	static const CUjit_option want[] = {CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES,
		CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CU_JIT_LOG_VERBOSE};
	int a = 0, b = 0, target = 0;
	CALL;
	if (sscanf(image, ".version %d.%d .target sm_%d", &a, &b, &target) != 3) return 200;
	if (n != 5 || memcmp(o, want, sizeof want) || v[4] != (void *)1) return INVALID;
	memset(v[0], 'i', (size_t)v[1]), memset(v[2], 'e', (size_t)v[3]); // a full log, which nothing ends
	if (wrong("compiler")) return COMPILER;
	if (1000 * (a + 4) + 10 * b > version()) return VERSION; // 8.0 came with CUDA 12.0, 8.3 with 12.3
	if (wrong("refuse") || target > 10 * major()) {
		snprintf(v[2], (size_t)v[3], "ptxas application ptx input, line 9; error : Unknown symbol");
		*(char *)v[0] = 0;
		return PTX;
	}
	*(char *)v[0] = *(char *)v[2] = 0;
	for (char **p = modules; p < END(modules); p++)
		if (!*p) return *m = (CUmodule)p, *p = strdup(image), 0;
	return MEMORY;
}
CUresult cuModuleUnload(CUmodule m) {
	char **p = (char **)m;
	CALL;
	if (p < modules || p >= END(modules) || !*p) return HANDLE;
	return free(*p), *p = 0, 0;
}

// parse reads an entry's parameters and its bounds.
static CUresult parse(struct entry *e, const char *text) {
	char head[160], *p;
	snprintf(head, sizeof head, ".entry %s(", e->name);
	if (!(text = strstr(text, head))) return NOT_FOUND;
	const char *end = strchr(text, ')'), *body = strchr(text, '{');
	for (text = strstr(text, ".param"); text && text < end; text = strstr(text + 1, ".param")) {
		int bits = 0, bytes = 0;
		if (sscanf(text, ".param .%*[uf]%d", &bits) != 1) bytes = atoi(strchr(text, '[') + 1);
		e->sizes[e->params++] = bits ? bits / 8 : bytes;
	}
	e->threads = (p = strstr(end, ".maxntid ")) && p < body ? atoi(p + 9) : 1024;
	return 0;
}
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
	struct entry *e = entries;
	CALL;
	if ((char **)m < modules || (char **)m >= END(modules) || !*(char **)m) return HANDLE;
	while (e->name[0] && e < END(entries)) e++;
	if (e == END(entries)) return MEMORY;
	snprintf(e->name, sizeof e->name, "%s", name);
	return *f = (CUfunction)e, e->dynamic = 48 << 10, parse(e, *(char **)m);
}
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int v) {
	CALL;
	if (a != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || v < 0 || v > 227 << 10) return INVALID;
	return ((struct entry *)f)->dynamic = v, 0;
}
CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                        unsigned shared, CUstream s, void **args, void **extra) {
	struct entry *e = (struct entry *)f;
	struct queue *q = (struct queue *)s;
	CALL;
	if (e < entries || e >= entries + MANY || !IS(queues, q)) return HANDLE;
	if (!gx || !gy || !gz || gx > 0x7fffffff || gy > 65535 || gz > 65535 || extra) return INVALID;
	if (!bx || !by || !bz || bz > 64 || bx * by * bz > e->threads || shared > e->dynamic) return INVALID;
	for (int i = 0; i < e->params; i++) { // each at a multiple of its size, and none into the next one
		int align = e->sizes[i] % 8 ? 4 : 8;
		if (((char *)args[i] - (char *)args[0]) % align) return INVALID;
		if (i && (char *)args[i - 1] + e->sizes[i - 1] > (char *)args[i]) return INVALID;
	}
	return launched++, 0;
}

// sized are the rules that both kinds of tensor map share: 16-byte addresses and strides, 128-byte swizzle.
static CUresult sized(CUtensorMap *m, CUtensorMapDataType t, unsigned rank, void *p, const uint64_t *dim,
                      const uint64_t *stride, const uint32_t *step, CUtensorMapInterleave i, CUtensorMapSwizzle w,
                      CUtensorMapL2promotion l, CUtensorMapFloatOOBfill f) {
	if (major() < 9) return UNSUPPORTED;
	if ((uintptr_t)m % 64 || t != CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 || (uintptr_t)p % 16) return INVALID;
	if (i != 0 || w != 3 || l > 3 || f > 1) return INVALID;
	for (unsigned k = 0; k < rank; k++) {
		if (dim[k] < 1 || dim[k] > 1ull << 32 || step[k] < 1 || step[k] > 8) return INVALID;
		if (!k) continue;
		if (stride[k - 1] % 16 || stride[k - 1] >= 1ull << 40) return INVALID;
		if (stride[k - 1] < (k > 1 ? dim[k - 1] * stride[k - 2] : 2 * dim[0])) return INVALID;
	}
	size_t bytes = stride[rank - 2] * (dim[rank - 1] - 1) + 2;
	return step[0] != 1 || !owned(p, bytes, 0) ? INVALID : (memset(m, 1, sizeof *m), 0);
}
CUresult cuTensorMapEncodeTiled(CUtensorMap *m, CUtensorMapDataType t, unsigned rank, void *p, const uint64_t *dim,
                                const uint64_t *stride, const uint32_t *box, const uint32_t *step,
                                CUtensorMapInterleave i, CUtensorMapSwizzle w, CUtensorMapL2promotion l,
                                CUtensorMapFloatOOBfill f) {
	CALL;
	if (rank < 2 || rank > 5) return INVALID;
	for (unsigned k = 0; k < rank; k++)
		if (box[k] < 1 || box[k] > 256) return INVALID;
	return box[0] * 2 % 16 || box[0] * 2 > 128 ? INVALID : sized(m, t, rank, p, dim, stride, step, i, w, l, f);
}
CUresult cuTensorMapEncodeIm2col(CUtensorMap *m, CUtensorMapDataType t, unsigned rank, void *p, const uint64_t *dim,
                                 const uint64_t *stride, const int *lower, const int *upper, unsigned channels,
                                 unsigned pixels, const uint32_t *step, CUtensorMapInterleave i, CUtensorMapSwizzle w,
                                 CUtensorMapL2promotion l, CUtensorMapFloatOOBfill f) {
	CALL;
	if (rank != 4 || channels * 2 % 16 || channels * 2 > 128 || !pixels || pixels > 1024) return INVALID;
	for (int k = 0; k < 2; k++) // corners of columns, then rows, in 8 bits; between them lies a position at least
		if (lower[k] < -128 || lower[k] > 127 || upper[k] < -128 || upper[k] > 127 ||
		    (int)dim[1 + k] - 1 + upper[k] < lower[k])
			return INVALID;
	return sized(m, t, rank, p, dim, stride, step, i, w, l, f);
}

CUresult cuStreamCreate(CUstream *s, unsigned flags) {
	struct queue *q;
	CALL;
	NEW(queues, q);
	return q->alive = 1, q->capturing = q->n = 0, *s = (CUstream)q, flags != CU_STREAM_NON_BLOCKING ? INVALID : 0;
}
CUresult cuStreamDestroy(CUstream s) {
	struct queue *q = (struct queue *)s;
	CALL;
	if (!IS(queues, q) || q->capturing) return HANDLE;
	return q->alive = 0, 0;
}
CUresult cuStreamSynchronize(CUstream s) {
	struct queue *q = (struct queue *)s;
	CALL;
	if (wrong("lost") && launched) return launched++, ILLEGAL_ADDRESS; // and so says every call behind it
	if (!IS(queues, q)) return HANDLE;
	if (q->capturing) return CAPTURED;
	for (int i = 0; i < MANY; i++)
		if (marks[i].on == q) marks[i].pending = 0;
	return 0;
}
CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned flags) {
	struct queue *q = (struct queue *)s;
	struct mark *v = (struct mark *)e;
	CALL;
	if (!IS(queues, q) || !IS(marks, v)) return HANDLE;
	return q->capturing != v->captured ? ISOLATION : flags ? INVALID : 0;
}
CUresult cuEventCreate(CUevent *e, unsigned flags) {
	struct mark *v;
	CALL;
	NEW(marks, v);
	return *v = (struct mark){.alive = 1, .timed = !(flags & 2)}, *e = (CUevent)v, 0;
}
CUresult cuEventDestroy(CUevent e) {
	struct mark *v = (struct mark *)e;
	CALL;
	if (!IS(marks, v)) return HANDLE;
	return v->alive = 0, v->on = 0, 0;
}
CUresult cuEventRecord(CUevent e, CUstream s) {
	struct queue *q = (struct queue *)s;
	struct mark *v = (struct mark *)e;
	CALL;
	if (!IS(queues, q) || !IS(marks, v)) return HANDLE;
	return v->recorded = v->pending = 1, v->captured = q->capturing, v->on = q, 0;
}
CUresult cuEventSynchronize(CUevent e) {
	struct mark *v = (struct mark *)e;
	CALL;
	if (!IS(marks, v)) return HANDLE;
	return v->pending = 0, v->captured ? CAPTURED : 0;
}
CUresult cuEventElapsedTime(float *ms, CUevent a, CUevent b) {
	struct mark *v = (struct mark *)a, *w = (struct mark *)b;
	CALL;
	if (!IS(marks, v) || !IS(marks, w) || !v->timed || !w->timed || !v->recorded || !w->recorded) return HANDLE;
	return *ms = 2.5f, v->pending || w->pending ? NOT_READY : 0;
}
// Another mode would refuse memory meanwhile, and the end on another thread.
CUresult cuStreamBeginCapture(CUstream s, CUstreamCaptureMode m) {
	struct queue *q = (struct queue *)s;
	CALL;
	if (!IS(queues, q)) return HANDLE;
	if (q->capturing) return STATE;
	return q->capturing = 1, q->n = 0, m == CU_STREAM_CAPTURE_MODE_RELAXED ? 0 : INVALID;
}
CUresult cuStreamEndCapture(CUstream s, CUgraph *g) {
	struct queue *q = (struct queue *)s;
	struct recording *r;
	CALL;
	if (!IS(queues, q)) return HANDLE;
	if (!q->capturing) return STATE;
	NEW(graphs, r);
	q->capturing = 0;
	*r = (struct recording){1, q->n, memcpy(malloc(sizeof q->work), q->work, q->n * sizeof *q->work)};
	return *g = (CUgraph)r, 0;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *x, CUgraph g, unsigned long long flags) {
	struct recording *from = (struct recording *)g, *r;
	CALL;
	if (!IS(graphs, from)) return HANDLE;
	NEW(execs, r);
	return *r = *from, *x = (CUgraphExec)r, flags ? INVALID : 0;
}
CUresult cuGraphDestroy(CUgraph g) {
	struct recording *r = (struct recording *)g;
	CALL;
	return IS(graphs, r) ? r->alive = 0, 0 : HANDLE;
}
CUresult cuGraphLaunch(CUgraphExec x, CUstream s) {
	struct recording *r = (struct recording *)x;
	struct queue *q = (struct queue *)s;
	CALL;
	if (!IS(execs, r) || !IS(queues, q)) return HANDLE;
	return perform(r->work, r->n), q->capturing ? CAPTURED : 0;
}
CUresult cuGraphExecDestroy(CUgraphExec x) {
	struct recording *r = (struct recording *)x;
	CALL;
	return IS(execs, r) ? r->alive = 0, 0 : HANDLE;
}
