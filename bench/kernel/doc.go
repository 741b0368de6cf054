// Package kernel is what the benchmarks know about each op: how its shapes are written, what operands it has,
// what a call must cost, and how to check an implementation against the oracle. It is also where one's own
// implementation is registered, to be checked and timed beside the built-in one:
//
//	func init() {
//		kernel.Register("mine", func(op kernels.Conv2D) { ... })
//	}
//
// and then go run ./bench kernels --op conv2d --impl builtin,mine.
package kernel
