//go:build emu

package emu

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	void (*seed)(uint64_t);
	const char *(*params)(const char *);
	const char *(*launch)(const char *, const unsigned *, const unsigned *, unsigned, void **);
	void (*buffer)(void *, size_t);
	void (*written)(void *, size_t, int);
	void (*operands)(const uintptr_t *, int);
	const char *(*found)(void);
} api;

static const char *open_api(api *a, const char *path) {
	void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!h) return dlerror();
	*(void **)&a->seed = dlsym(h, "simt_seed");
	*(void **)&a->params = dlsym(h, "simt_params");
	*(void **)&a->launch = dlsym(h, "simt_launch");
	*(void **)&a->buffer = dlsym(h, "simt_buffer");
	*(void **)&a->written = dlsym(h, "simt_written");
	*(void **)&a->operands = dlsym(h, "simt_operands");
	*(void **)&a->found = dlsym(h, "simt_found");
	if (!a->seed || !a->params || !a->launch || !a->buffer || !a->written || !a->operands || !a->found)
		return "not an emulator library of this version";
	return 0;
}
static void call_seed(api *a, uint64_t s) { a->seed(s); }
static const char *call_params(api *a, const char *name) { return a->params(name); }
static const char *call_launch(api *a, const char *name, const unsigned *d, unsigned shared,
                               unsigned char *args, const uint16_t *at, int n) {
	void *p[64];
	for (int i = 0; i < n; i++) p[i] = args + at[i];
	return a->launch(name, d, d + 3, shared, p);
}
static uintptr_t new_buffer(api *a, size_t n) {
	void *p = aligned_alloc(512, (n + 511) & ~(size_t)511);
	if (p) a->buffer(p, n);
	return (uintptr_t)p;
}
static void free_buffer(api *a, uintptr_t p) { a->buffer((void *)p, 0); free((void *)p); }
static void call_written(api *a, uintptr_t p, size_t n, int w) { a->written((void *)p, n, w); }
static void poison(api *a, uintptr_t p, size_t n) { memset((void *)p, 0xff, n); a->written((void *)p, n, 0); }
static void call_operands(api *a, const uintptr_t *r, int n) { a->operands(r, n); }
static const char *call_found(api *a) { return a->found(); }
static void *pointer(uintptr_t p) { return (void *)p; }
static void copy(uintptr_t to, uintptr_t from, size_t n) { memmove((void *)to, (void *)from, n); }
static void copy_in(uintptr_t to, const void *from, size_t n) { memcpy((void *)to, from, n); }
static void copy_out(void *to, uintptr_t from, size_t n) { memcpy(to, (void *)from, n); }
static void set(uintptr_t to, const void *v, int size, size_t n) {
	for (size_t i = 0; i < n; i++) memcpy((char *)to + i * size, v, size);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// Library is one loaded emulator. It runs one launch at a time.
type Library struct {
	mu  sync.Mutex
	api C.api
}

// Open loads a library that 'make emu' has built.
func Open(path string) (*Library, error) {
	l := new(Library)
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	if e := C.open_api(&l.api, p); e != nil {
		return nil, errors.New(C.GoString(e))
	}
	return l, nil
}

// Seed fixes the order in which threads wake and copies arrive; 0 is the order of their numbers.
func (l *Library) Seed(s uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	C.call_seed(&l.api, C.uint64_t(s))
}

// Params is the letters of a kernel's parameters: p pointer, i and l integers of 4 and 8 bytes, f and d
// floats, s a struct. It is empty if there is no such kernel.
func (l *Library) Params(entry string) string {
	name := C.CString(entry)
	defer C.free(unsafe.Pointer(name))
	return C.GoString(C.call_params(&l.api, name))
}

// Range is memory that a launch may touch.
type Range struct{ Addr, Bytes uintptr }

// Launch is one kernel call. Args holds the arguments, At where each begins.
type Launch struct {
	Entry       string
	Grid, Block [3]uint32
	Shared      int
	Args        []byte
	At          []uint16
	Operands    []Range
}

// Launch runs a kernel to its end. The error says what the emulator or its checker found.
func (l *Library) Launch(k Launch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(k.At) > 64 {
		return fmt.Errorf("%d parameters; 64 are the most", len(k.At))
	}
	name := C.CString(k.Entry)
	defer C.free(unsafe.Pointer(name))
	dims := [6]C.uint{C.uint(k.Grid[0]), C.uint(k.Grid[1]), C.uint(k.Grid[2]),
		C.uint(k.Block[0]), C.uint(k.Block[1]), C.uint(k.Block[2])}
	C.call_operands(&l.api, (*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(k.Operands))), C.int(len(k.Operands)))
	wrong := C.call_launch(&l.api, name, &dims[0], C.uint(k.Shared), (*C.uchar)(unsafe.SliceData(k.Args)),
		(*C.uint16_t)(unsafe.SliceData(k.At)), C.int(len(k.At)))
	var errs []error
	if found := C.call_found(&l.api); found != nil {
		errs = append(errs, errors.New(C.GoString(found)))
	}
	if wrong != nil {
		errs = append(errs, errors.New(C.GoString(wrong)))
	}
	return errors.Join(errs...)
}

// Alloc gives memory that holds nothing yet, or 0.
func (l *Library) Alloc(n int) uintptr {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := uintptr(C.new_buffer(&l.api, C.size_t(n)))
	if p != 0 {
		C.poison(&l.api, C.uintptr_t(p), C.size_t(n))
	}
	return p
}

// Free gives it back.
func (l *Library) Free(p uintptr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	C.free_buffer(&l.api, C.uintptr_t(p))
}

// Bytes are n bytes of memory of Alloc, for who runs kernels on them in Go.
func Bytes(p uintptr, n int) []byte { return unsafe.Slice((*byte)(C.pointer(C.uintptr_t(p))), n) }

// Poison says that memory holds nothing any more.
func (l *Library) Poison(p uintptr, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	C.poison(&l.api, C.uintptr_t(p), C.size_t(n))
}

// CopyIn, CopyOut and Copy move bytes.
func (l *Library) CopyIn(to uintptr, from unsafe.Pointer, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	C.copy_in(C.uintptr_t(to), from, C.size_t(n))
	C.call_written(&l.api, C.uintptr_t(to), C.size_t(n), 1)
}

// CopyOut moves bytes to the host.
func (l *Library) CopyOut(to unsafe.Pointer, from uintptr, n int) {
	C.copy_out(to, C.uintptr_t(from), C.size_t(n))
}

// Copy moves bytes within the device.
func (l *Library) Copy(to, from uintptr, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	C.copy(C.uintptr_t(to), C.uintptr_t(from), C.size_t(n))
	C.call_written(&l.api, C.uintptr_t(to), C.size_t(n), 1)
}

// Set repeats a value of 1, 2 or 4 bytes n times.
func (l *Library) Set(to uintptr, v uint32, size, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	C.set(C.uintptr_t(to), unsafe.Pointer(&v), C.int(size), C.size_t(n))
	C.call_written(&l.api, C.uintptr_t(to), C.size_t(n*size), 1)
}
