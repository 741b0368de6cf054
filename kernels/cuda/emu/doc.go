// Package emu runs the CUDA kernels of ../src on the CPU, for tests: the same .cu files, compiled by g++
// against simt/simt.h into a library that 'make emu' builds and that this package loads (tag emu). README.md
// has its design, what it finds, and what it can't see.
package emu
