// libcuda.a: every call of the driver's interface jumps to libcuda.so.1, looked for when the program
// starts. Without the library, or without a function in it, the call returns an error: one binary runs
// everywhere.
#include <dlfcn.h>
#include <stdlib.h>

#define FOLDER "/usr/local/nvidia/lib64/"

static int no_driver(void) { return 34; } // CUDA_ERROR_STUB_LIBRARY
static int too_old(void) { return 36; }   // CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER

#define FUNCTIONS(X) \
	X(cuInit) X(cuDriverGetVersion) X(cuGetErrorString) X(cuGetErrorName) X(cuDeviceGet) X(cuDeviceGetCount) \
	X(cuDeviceGetName) X(cuDeviceTotalMem_v2) X(cuDeviceGetAttribute) X(cuDeviceComputeCapability) \
	X(cuDeviceGetProperties) X(cuDeviceCanAccessPeer) X(cuCtxCreate_v2) X(cuCtxDestroy_v2) \
	X(cuCtxGetApiVersion) X(cuCtxGetCurrent) X(cuCtxSetCurrent) X(cuCtxGetDevice) X(cuCtxSynchronize) \
	X(cuCtxEnablePeerAccess) X(cuCtxDisablePeerAccess) X(cuDevicePrimaryCtxRetain) \
	X(cuDevicePrimaryCtxRelease_v2) X(cuModuleLoad) X(cuModuleLoadData) X(cuModuleLoadDataEx) \
	X(cuModuleUnload) X(cuModuleGetFunction) X(cuFuncGetAttribute) X(cuFuncSetAttribute) X(cuLaunchKernel) \
	X(cuMemAlloc_v2) X(cuMemFree_v2) X(cuMemAllocHost_v2) X(cuMemFreeHost) X(cuMemHostRegister_v2) \
	X(cuMemHostUnregister) X(cuMemGetAddressRange_v2) X(cuMemGetInfo_v2) X(cuMemcpy) X(cuMemcpyAsync) \
	X(cuMemcpyDtoD_v2) X(cuMemcpyDtoDAsync_v2) X(cuMemcpyDtoH_v2) X(cuMemcpyDtoHAsync_v2) X(cuMemcpyHtoD_v2) \
	X(cuMemcpyHtoDAsync_v2) X(cuMemcpyPeer) X(cuMemcpyPeerAsync) X(cuMemsetD8_v2) X(cuMemsetD8Async) \
	X(cuMemsetD32_v2) X(cuMemsetD16Async) X(cuMemsetD32Async) X(cuPointerGetAttribute) X(cuStreamCreate) \
	X(cuStreamDestroy_v2) X(cuStreamQuery) X(cuStreamSynchronize) X(cuStreamWaitEvent) \
	X(cuStreamBeginCapture_v2) X(cuStreamEndCapture) X(cuEventCreate) X(cuEventDestroy_v2) X(cuEventRecord) \
	X(cuEventSynchronize) X(cuEventElapsedTime) X(cuGraphInstantiateWithFlags) X(cuGraphLaunch) \
	X(cuGraphExecDestroy) X(cuGraphDestroy) X(cuTensorMapEncodeTiled) X(cuTensorMapEncodeIm2col)

// Hidden: the program's linker finds them, and no library that looks for the driver's own by name.
#if defined(__x86_64__)
#define X(name)                                                                                              \
	void *driver_##name = (void *)no_driver;                                                                  \
	__asm__(".text\n.globl " #name "\n.hidden " #name "\n.type " #name ",@function\n"                          \
		#name ": jmp *driver_" #name "(%rip)\n");
#elif defined(__aarch64__)
#define X(name)                                                                                              \
	void *driver_##name = (void *)no_driver;                                                                  \
	__asm__(".text\n.globl " #name "\n.hidden " #name "\n.type " #name ",%function\n"                          \
		#name ": adrp x16, driver_" #name                                                                      \
		"\nldr x16, [x16, :lo12:driver_" #name "]\nbr x16\n");
#else
#error "the stub knows x86-64 and arm64"
#endif
FUNCTIONS(X)
#undef X

__attribute__((constructor)) static void find_driver(void) {
	void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL), *f;
	if (!lib) { // in containers; the driver looks for its compiler by name, which finds the one that is loaded
		lib = dlopen(FOLDER "libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
		if (lib) dlopen(FOLDER "libnvidia-ptxjitcompiler.so.1", RTLD_NOW | RTLD_GLOBAL);
	}
	if (!lib) return;
	setenv("CUDA_MODULE_LOADING", "EAGER", 0); // kernels with their module, not in the first launch of each
#define X(name) driver_##name = (f = dlsym(lib, #name)) ? f : (void *)too_old;
	FUNCTIONS(X)
#undef X
}
