// Package cuda computes on NVIDIA GPUs with kernels of its own: src/*.cu, compiled to the PTX of ptx/*.ptx,
// which is embedded. The ops are launch wrappers against a small driver interface (driver.go) with two
// implementations: CUDA's driver (tag cuda; backend cuda:0) and an emulator that runs the same sources on the
// CPU (tag emu; backend emu). Without either tag the package is the table of kernels and its test. README.md
// has the design.
package cuda
