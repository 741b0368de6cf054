// libcudart.a: what the package cu wants of the runtime in order to link. Nothing calls it.
enum { INSUFFICIENT_DRIVER = 35 };
int cudaSetDevice(void) { return INSUFFICIENT_DRIVER; }
int cudaDeviceReset(void) { return INSUFFICIENT_DRIVER; }
int cudaSetDeviceFlags(void) { return INSUFFICIENT_DRIVER; }
int cudaMalloc(void) { return INSUFFICIENT_DRIVER; }
int cudaMallocHost(void) { return INSUFFICIENT_DRIVER; }
int cudaFreeHost(void) { return INSUFFICIENT_DRIVER; }
int cudaMemcpy(void) { return INSUFFICIENT_DRIVER; }
