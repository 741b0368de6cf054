// A driver for tests: a device whose memory is the host's and whose kernels do nothing. What TRUEGRAIN_DRIVER
// says goes wrong: old, no-device, small (an old GPU), refuse (the PTX), lost (in a launch), full (memory).
// Built as libcuda.so.1 it is found in the place of NVIDIA's.
#include "../stub/cuda.h"
#include <stdio.h>
#include <string.h>

static int wrong(const char *what) {
	const char *w = getenv("TRUEGRAIN_DRIVER");
	return w && !strcmp(w, what);
}
static int launched, captured;
static CUcontext now;

CUresult cuGetErrorName(CUresult r, const char **s) {
	return *s = r == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : r == 218 ? "CUDA_ERROR_INVALID_PTX" : 0, *s ? 0 : 1;
}
CUresult cuInit(unsigned flags) { return wrong("no-device") ? 100 : flags; }
CUresult cuDriverGetVersion(int *v) { return *v = wrong("old") ? 11040 : 12040, 0; }
CUresult cuDeviceGetCount(int *n) { return *n = 1, 0; }
CUresult cuDeviceGet(CUdevice *d, int i) { return *d = i, 0; }
CUresult cuDeviceGetName(char *s, int n, CUdevice d) { return snprintf(s, n, "test device %d", d), 0; }
CUresult cuDeviceTotalMem(size_t *n, CUdevice d) { return *n = 1u << 30, d; }
CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice d) {
	return *v = a == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT ? 7 : 1500000, d;
}
CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice d) {
	return *major = wrong("small") ? 7 : 8, *minor = 6, d;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) { return *c = (CUcontext)0x10, d; }
CUresult cuCtxGetCurrent(CUcontext *c) { return *c = now, 0; }
CUresult cuCtxSetCurrent(CUcontext c) { return now = c, 0; }

CUresult cuMemAlloc(CUdeviceptr *p, size_t n) {
	if (wrong("full") && n > 1 << 20) return 2;
	return *p = (CUdeviceptr)aligned_alloc(512, (n + 511) & ~(size_t)511), 0;
}
CUresult cuMemFree(CUdeviceptr p) { return free((void *)p), 0; }
CUresult cuMemAllocHost(void **p, size_t n) { return *p = malloc(n), 0; }
CUresult cuMemFreeHost(void *p) { return free(p), 0; }
CUresult cuMemGetInfo(size_t *f, size_t *t) { return *f = 123456, *t = 1u << 30, 0; }
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t n, CUstream s) {
	return memcpy((void *)to, from, n), s ? 0 : 400;
}
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t n, CUstream s) {
	return memcpy(to, (void *)from, n), s ? 0 : 400;
}
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) {
	return memcpy((void *)to, (void *)from, n), s ? 0 : 400;
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char v, size_t n, CUstream s) {
	return memset((void *)to, v, n), s ? 0 : 400;
}
CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short v, size_t n, CUstream s) {
	for (size_t i = 0; i < n; i++) ((unsigned short *)to)[i] = v;
	return s ? 0 : 400;
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned v, size_t n, CUstream s) {
	for (size_t i = 0; i < n; i++) ((unsigned *)to)[i] = v;
	return s ? 0 : 400;
}

CUresult cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned n, CUjit_option *o, void **v) {
	if (!strstr(image, ".version") || n != 5 || o[2] != CU_JIT_ERROR_LOG_BUFFER) return 200;
	if (wrong("refuse")) {
		snprintf(v[2], (size_t)v[3], "ptxas application ptx input, line 9; error : Unknown symbol");
		return 218; // CUDA_ERROR_INVALID_PTX
	}
	return *m = (CUmodule)0x20, 0;
}
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) { return *f = (CUfunction)m, *name ? 0 : 500; }
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int v) {
	return f && a == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES && v > 48 << 10 ? 0 : 1;
}
CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                        unsigned shared, CUstream s, void **args, void **extra) {
	launched++;
	return f && s && gx * gy * gz > 0 && bx * by * bz > 0 && args && !extra && shared < 228 << 10 ? 0 : 1;
}
CUresult cuTensorMapEncodeTiled(CUtensorMap *m, CUtensorMapDataType t, unsigned rank, void *p, const uint64_t *dim,
                                const uint64_t *stride, const uint32_t *box, const uint32_t *step,
                                CUtensorMapInterleave i, CUtensorMapSwizzle w, CUtensorMapL2promotion l,
                                CUtensorMapFloatOOBfill f) {
	int matrices = rank == 2 || (rank == 3 && stride[1] == dim[1] * stride[0] && dim[2] == 2 && box[2] == 1);
	return memset(m, 0, sizeof *m), (uintptr_t)m % 64 || !matrices || box[1] > 256;
}
CUresult cuTensorMapEncodeIm2col(CUtensorMap *m, CUtensorMapDataType t, unsigned rank, void *p, const uint64_t *dim,
                                 const uint64_t *stride, const int *lower, const int *upper, unsigned channels,
                                 unsigned pixels, const uint32_t *step, CUtensorMapInterleave i, CUtensorMapSwizzle w,
                                 CUtensorMapL2promotion l, CUtensorMapFloatOOBfill f) {
	return memset(m, 0, sizeof *m), (uintptr_t)m % 64 || rank != 4 || channels != 64 || stride[0] != 2 * dim[0];
}

CUresult cuStreamCreate(CUstream *s, unsigned flags) { return *s = (CUstream)0x30, flags != CU_STREAM_NON_BLOCKING; }
CUresult cuStreamDestroy(CUstream s) { return s ? 0 : 400; }
CUresult cuStreamSynchronize(CUstream s) {
	if (wrong("lost") && launched) return 700; // CUDA_ERROR_ILLEGAL_ADDRESS
	return s ? 0 : 400;
}
CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned flags) { return s && e ? flags : 400; }
CUresult cuEventCreate(CUevent *e, unsigned flags) { return *e = (CUevent)0x40, flags; }
CUresult cuEventDestroy(CUevent e) { return e ? 0 : 400; }
CUresult cuEventRecord(CUevent e, CUstream s) { return e && s ? 0 : 400; }
CUresult cuEventSynchronize(CUevent e) { return e ? 0 : 400; }
CUresult cuEventElapsedTime(float *ms, CUevent a, CUevent b) { return *ms = 2.5f, a && b ? 0 : 400; }
CUresult cuStreamBeginCapture(CUstream s, CUstreamCaptureMode m) {
	return captured++, s && m == CU_STREAM_CAPTURE_MODE_RELAXED ? 0 : 1;
}
CUresult cuStreamEndCapture(CUstream s, CUgraph *g) { return *g = (CUgraph)0x50, s && captured == 1 ? captured = 0, 0 : 1; }
CUresult cuGraphInstantiateWithFlags(CUgraphExec *x, CUgraph g, unsigned long long flags) {
	return *x = (CUgraphExec)0x60, g ? (CUresult)flags : 1;
}
CUresult cuGraphDestroy(CUgraph g) { return g ? 0 : 1; }
CUresult cuGraphLaunch(CUgraphExec x, CUstream s) { return x && s ? 0 : 1; }
CUresult cuGraphExecDestroy(CUgraphExec x) { return x ? 0 : 1; }
