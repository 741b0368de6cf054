//go:build cuda

package cuda

/*
#include <cuda.h>
#include <string.h>

// A driver call works in the context that is current on its thread, and goroutines change threads: every call
// here sets the context first.
static void current(uintptr_t c) {
	CUcontext now = 0;
	if (cuCtxGetCurrent(&now) || now != (CUcontext)c) cuCtxSetCurrent((CUcontext)c);
}
static CUresult context(uintptr_t *c, int dev) { return cuDevicePrimaryCtxRetain((CUcontext *)c, dev); }
static CUresult alloc(uintptr_t c, unsigned long long *p, size_t n) { current(c); return cuMemAlloc(p, n); }
static CUresult release(uintptr_t c, unsigned long long p) { current(c); return cuMemFree(p); }
static CUresult alloc_host(uintptr_t c, void **p, size_t n) { current(c); return cuMemAllocHost(p, n); }
static CUresult free_host(uintptr_t c, void *p) { current(c); return cuMemFreeHost(p); }
static CUresult memory(uintptr_t c, size_t *f, size_t *t) { current(c); return cuMemGetInfo(f, t); }

static CUresult load(uintptr_t c, uintptr_t *m, const void *image, char *info, char *err, unsigned n) {
	CUjit_option o[] = {CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, CU_JIT_ERROR_LOG_BUFFER,
		CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CU_JIT_LOG_VERBOSE};
	void *v[] = {info, (void *)(uintptr_t)n, err, (void *)(uintptr_t)n, (void *)1};
	current(c);
	return cuModuleLoadDataEx((CUmodule *)m, image, 5, o, v);
}
static CUresult unload(uintptr_t c, uintptr_t m) { current(c); return cuModuleUnload((CUmodule)m); }
static CUresult function(uintptr_t c, uintptr_t *f, uintptr_t m, const char *name, int shared) {
	current(c);
	CUresult r = cuModuleGetFunction((CUfunction *)f, (CUmodule)m, name);
	if (!r && shared > 48 << 10)
		r = cuFuncSetAttribute((CUfunction)*f, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, shared);
	return r;
}
static CUresult launch(uintptr_t c, uintptr_t f, const unsigned *d, unsigned shared, uintptr_t s,
                       unsigned char *args, const uint16_t *at, int n) {
	void *p[64];
	for (int i = 0; i < n; i++) p[i] = args + at[i];
	current(c);
	return cuLaunchKernel((CUfunction)f, d[0], d[1], d[2], d[3], d[4], d[5], shared, (CUstream)s, p, 0);
}
static CUresult copy_in(uintptr_t c, unsigned long long to, void *from, size_t n, uintptr_t s) {
	current(c);
	return cuMemcpyHtoDAsync(to, from, n, (CUstream)s);
}
static CUresult copy_out(uintptr_t c, void *to, unsigned long long from, size_t n, uintptr_t s) {
	current(c);
	return cuMemcpyDtoHAsync(to, from, n, (CUstream)s);
}
static CUresult copy(uintptr_t c, unsigned long long to, unsigned long long from, size_t n, uintptr_t s) {
	current(c);
	return cuMemcpyDtoDAsync(to, from, n, (CUstream)s);
}
static CUresult set(uintptr_t c, unsigned long long to, unsigned v, int size, size_t n, uintptr_t s) {
	current(c);
	if (size == 4) return cuMemsetD32Async(to, v, n, (CUstream)s);
	if (size == 2) return cuMemsetD16Async(to, (unsigned short)v, n, (CUstream)s);
	return cuMemsetD8Async(to, (unsigned char)v, n, (CUstream)s);
}
static CUresult tensor_map(uintptr_t c, void *out, unsigned long long at, uint64_t rows, uint64_t cols,
                           uint64_t ld, uint32_t box_rows, uint32_t box_cols, uint32_t rank, uint64_t batch) {
	CUtensorMap m __attribute__((aligned(128)));
	uint64_t dim[] = {cols, rows, batch}, stride[] = {2 * ld, 2 * ld * rows};
	uint32_t box[] = {box_cols, box_rows, 1}, step[] = {1, 1, 1};
	current(c);
	CUresult r = cuTensorMapEncodeTiled(&m, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, rank, (void *)at, dim, stride, box,
		step, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
		CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
	memcpy(out, &m, sizeof m);
	return r;
}
static CUresult patch_map(uintptr_t c, void *out, unsigned long long at, const uint64_t *dim,
                          const int *corners, const uint32_t *step, uint32_t positions) {
	CUtensorMap m __attribute__((aligned(128)));
	uint64_t stride[] = {2 * dim[0], 2 * dim[0] * dim[1], 2 * dim[0] * dim[1] * dim[2]};
	uint32_t steps[] = {1, step[0], step[1], 1};
	current(c);
	CUresult r = cuTensorMapEncodeIm2col(&m, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 4, (void *)at, dim, stride,
		corners, corners + 2, 64, positions, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
		CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
	memcpy(out, &m, sizeof m);
	return r;
}
static CUresult new_stream(uintptr_t c, uintptr_t *s) {
	current(c);
	return cuStreamCreate((CUstream *)s, CU_STREAM_NON_BLOCKING);
}
static CUresult free_stream(uintptr_t c, uintptr_t s) { current(c); return cuStreamDestroy((CUstream)s); }
static CUresult wait_stream(uintptr_t c, uintptr_t s) { current(c); return cuStreamSynchronize((CUstream)s); }
static CUresult new_event(uintptr_t c, uintptr_t *e) { current(c); return cuEventCreate((CUevent *)e, 0); }
static CUresult free_event(uintptr_t c, uintptr_t e) { current(c); return cuEventDestroy((CUevent)e); }
static CUresult record(uintptr_t c, uintptr_t e, uintptr_t s) {
	current(c);
	return cuEventRecord((CUevent)e, (CUstream)s);
}
static CUresult wait_event(uintptr_t c, uintptr_t e) { current(c); return cuEventSynchronize((CUevent)e); }
static CUresult after(uintptr_t c, uintptr_t s, uintptr_t e) {
	current(c);
	return cuStreamWaitEvent((CUstream)s, (CUevent)e, 0);
}
static CUresult elapsed(uintptr_t c, float *ms, uintptr_t a, uintptr_t b) {
	current(c);
	return cuEventElapsedTime(ms, (CUevent)a, (CUevent)b);
}
static CUresult begin_capture(uintptr_t c, uintptr_t s) {
	current(c);
	return cuStreamBeginCapture((CUstream)s, CU_STREAM_CAPTURE_MODE_RELAXED);
}
static CUresult end_capture(uintptr_t c, uintptr_t s, uintptr_t *exec) {
	CUgraph g = 0;
	current(c);
	CUresult r = cuStreamEndCapture((CUstream)s, &g);
	if (!r) r = cuGraphInstantiateWithFlags((CUgraphExec *)exec, g, 0);
	if (g) cuGraphDestroy(g);
	return r;
}
static CUresult replay(uintptr_t c, uintptr_t g, uintptr_t s) {
	current(c);
	return cuGraphLaunch((CUgraphExec)g, (CUstream)s);
}
static CUresult free_graph(uintptr_t c, uintptr_t g) {
	current(c);
	return cuGraphExecDestroy((CUgraphExec)g);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unsafe"

	"github.com/barnex/cuda5/cu"

	"truegrain/kernels"
)

// cudaDriver is one device's primary context.
type cudaDriver struct {
	info kernels.Hardware
	ctx  C.uintptr_t
	said sync.Map // what the compiler said of each module
}

// Said is what the driver's compiler said of a module that was loaded.
func (d *cudaDriver) Said(module string) string {
	v, _ := d.said.Load(module)
	s, _ := v.(string)
	return s
}

// codeName is what the driver calls a code, or the package cu, which knows the older ones.
func codeName(r cu.Result) string {
	var name *C.char
	if C.cuGetErrorName(C.CUresult(r), &name) == 0 && name != nil {
		return fmt.Sprintf("%s (%d)", C.GoString(name), int(r))
	}
	return r.String()
}

// driverError is cudaError for the codes of C.
func driverError(op string, r C.CUresult, log string) error { return cudaError(op, cu.Result(r), log) }

// retain makes the context of a device.
func (d *cudaDriver) retain(device cu.Device) error {
	return driverError("open", C.context(&d.ctx, C.int(device)), "")
}

func (d *cudaDriver) Info() kernels.Hardware { return d.info }

// Close leaves the primary context to the process: other libraries may share it.
func (d *cudaDriver) Close() error { return nil }

func (d *cudaDriver) Alloc(bytes int) (addr, error) {
	var p C.ulonglong
	err := driverError("alloc", C.alloc(d.ctx, &p, C.size_t(bytes)), "")
	return addr(p), err
}

func (d *cudaDriver) Free(a addr) error {
	return driverError("free", C.release(d.ctx, C.ulonglong(a)), "")
}

func (d *cudaDriver) AllocHost(bytes int) (p unsafe.Pointer, err error) {
	err = driverError("alloc pinned memory", C.alloc_host(d.ctx, &p, C.size_t(bytes)), "")
	return p, err
}

func (d *cudaDriver) FreeHost(p unsafe.Pointer) error {
	return driverError("free pinned memory", C.free_host(d.ctx, p), "")
}

func (d *cudaDriver) Memory() (free, total int, err error) {
	var f, t C.size_t
	err = driverError("memory", C.memory(d.ctx, &f, &t), "")
	return int(f), int(t), err
}

func (d *cudaDriver) Forget(addr, int, stream) {}

// Load compiles PTX for this device; the driver keeps the result in its cache on disk.
func (d *cudaDriver) Load(module string, ptx []byte) (moduleHandle, error) {
	const size = 1 << 14
	image := C.CBytes(append(ptx, 0))
	defer C.free(image)
	logs := (*[2 * size]byte)(C.calloc(2*size, 1))
	defer C.free(unsafe.Pointer(logs))
	var m C.uintptr_t
	info, failed := (*C.char)(unsafe.Pointer(&logs[0])), (*C.char)(unsafe.Pointer(&logs[size]))
	r := C.load(d.ctx, &m, image, info, failed, size-1) // the last byte stays 0
	log := strings.TrimSpace(fmt.Sprintf("compute capability %d.%d\n%s%s", d.info.Major, d.info.Minor,
		C.GoString(failed), C.GoString(info)))
	d.said.Store(module, log)
	return moduleHandle(m), driverError("compile "+module+".ptx", r, log)
}

// Unload gives a module's memory back.
func (d *cudaDriver) Unload(m moduleHandle) error {
	return driverError("unload", C.unload(d.ctx, C.uintptr_t(m)), "")
}

func (d *cudaDriver) Function(m moduleHandle, entry string, shared int) (functionHandle, error) {
	name := C.CString(entry)
	defer C.free(unsafe.Pointer(name))
	var f C.uintptr_t
	err := driverError("find "+entry, C.function(d.ctx, &f, C.uintptr_t(m), name, C.int(shared)), "")
	return functionHandle(f), err
}

func (d *cudaDriver) Launch(l *launch, s stream) error {
	if len(l.at) > 64 {
		return errors.New("more than 64 parameters")
	}
	dims := [6]C.uint{C.uint(l.grid[0]), C.uint(l.grid[1]), C.uint(l.grid[2]),
		C.uint(l.block[0]), C.uint(l.block[1]), C.uint(l.block[2])}
	return driverError("launch", C.launch(d.ctx, C.uintptr_t(l.function), &dims[0], C.uint(l.shared),
		C.uintptr_t(s), (*C.uchar)(unsafe.SliceData(l.args)), (*C.uint16_t)(unsafe.SliceData(l.at)),
		C.int(len(l.at))), "")
}

func (d *cudaDriver) TensorMap(m boxes) ([]byte, error) {
	out := make([]byte, 128)
	err := driverError("tensor map", C.tensor_map(d.ctx, unsafe.Pointer(&out[0]), C.ulonglong(m.of.Addr()),
		C.uint64_t(m.rows), C.uint64_t(m.cols), C.uint64_t(m.ld), C.uint32_t(m.boxRows), C.uint32_t(m.boxCols),
		C.uint32_t(m.rank()), C.uint64_t(m.batch)), "")
	return out, err
}

func (d *cudaDriver) PatchMap(m patches) ([]byte, error) {
	out := make([]byte, 128)
	dim := [4]C.uint64_t{C.uint64_t(m.c), C.uint64_t(m.w), C.uint64_t(m.h), C.uint64_t(m.n)}
	corners := [4]C.int{C.int(m.lower[0]), C.int(m.lower[1]), C.int(m.upper[0]), C.int(m.upper[1])}
	step := [2]C.uint32_t{C.uint32_t(m.step[0]), C.uint32_t(m.step[1])}
	err := driverError("map of patches", C.patch_map(d.ctx, unsafe.Pointer(&out[0]), C.ulonglong(m.of.Addr()),
		&dim[0], &corners[0], &step[0], C.uint32_t(m.positions)), "")
	return out, err
}

func (d *cudaDriver) CopyIn(to addr, from unsafe.Pointer, bytes int, s stream) error {
	return driverError("copy to device",
		C.copy_in(d.ctx, C.ulonglong(to), from, C.size_t(bytes), C.uintptr_t(s)), "")
}

func (d *cudaDriver) CopyOut(to unsafe.Pointer, from addr, bytes int, s stream) error {
	return driverError("copy from device",
		C.copy_out(d.ctx, to, C.ulonglong(from), C.size_t(bytes), C.uintptr_t(s)), "")
}

func (d *cudaDriver) Copy(to, from addr, bytes int, s stream) error {
	return driverError("copy",
		C.copy(d.ctx, C.ulonglong(to), C.ulonglong(from), C.size_t(bytes), C.uintptr_t(s)), "")
}

func (d *cudaDriver) Set(to addr, v uint32, size, n int, s stream) error {
	if n == 0 {
		return nil
	}
	return driverError("fill",
		C.set(d.ctx, C.ulonglong(to), C.uint(v), C.int(size), C.size_t(n), C.uintptr_t(s)), "")
}

func (d *cudaDriver) NewStream() (stream, error) {
	var s C.uintptr_t
	err := driverError("new stream", C.new_stream(d.ctx, &s), "")
	return stream(s), err
}

func (d *cudaDriver) FreeStream(s stream) error {
	return driverError("free stream", C.free_stream(d.ctx, C.uintptr_t(s)), "")
}

func (d *cudaDriver) Wait(s stream) error {
	return driverError("wait", C.wait_stream(d.ctx, C.uintptr_t(s)), "")
}

func (d *cudaDriver) NewEvent() (event, error) {
	var e C.uintptr_t
	err := driverError("new event", C.new_event(d.ctx, &e), "")
	return event(e), err
}

func (d *cudaDriver) FreeEvent(e event) error {
	return driverError("free event", C.free_event(d.ctx, C.uintptr_t(e)), "")
}

func (d *cudaDriver) Record(e event, s stream) error {
	return driverError("record", C.record(d.ctx, C.uintptr_t(e), C.uintptr_t(s)), "")
}

func (d *cudaDriver) WaitEvent(e event) error {
	return driverError("wait for event", C.wait_event(d.ctx, C.uintptr_t(e)), "")
}

func (d *cudaDriver) After(s stream, e event) error {
	return driverError("order streams", C.after(d.ctx, C.uintptr_t(s), C.uintptr_t(e)), "")
}

func (d *cudaDriver) Elapsed(from, to event) (float32, error) {
	var ms C.float
	err := driverError("elapsed", C.elapsed(d.ctx, &ms, C.uintptr_t(from), C.uintptr_t(to)), "")
	return float32(ms), err
}

func (d *cudaDriver) BeginCapture(s stream) error {
	return driverError("begin capture", C.begin_capture(d.ctx, C.uintptr_t(s)), "")
}

func (d *cudaDriver) EndCapture(s stream) (graph, error) {
	var g C.uintptr_t
	err := driverError("end capture", C.end_capture(d.ctx, C.uintptr_t(s), &g), "")
	return graph(g), err
}

func (d *cudaDriver) Replay(g graph, s stream) error {
	return driverError("replay", C.replay(d.ctx, C.uintptr_t(g), C.uintptr_t(s)), "")
}

func (d *cudaDriver) FreeGraph(g graph) error {
	return driverError("free graph", C.free_graph(d.ctx, C.uintptr_t(g)), "")
}
