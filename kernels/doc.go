// Package kernels is the contract between the engine and the machines it runs on.
//
// It holds the element types, the memory handle Buf, one argument struct per op with its formula, shapes and
// cost, and the interfaces that a backend implements. It computes nothing and imports nothing but the
// standard library: autograd, nn and models are written against it, and ref, cpu and cuda fill it.
//
// Every op has one stem, which names its file in every folder: softmax is kernels/softmax.go,
// kernels/ref/softmax.go, kernels/cpu/softmax.go, kernels/cuda/softmax.go with its src/softmax.cu, and
// autograd/softmax.go. The cases that every backend is tested by are in kernels/kerneltest/cases.go, those of
// the gradients in autograd/gradcheck/cases_test.go.
//
// # A new op
//
// In this package: the argument struct with formula, shapes, Stem, Cost and Run, a method in its family of
// Backend, and its refusal in Unsupported. Then plain loops in ref, a row in kerneltest/cases.go, and
// whatever is faster in cpu and cuda (a backend without it refuses it by name). In autograd: the checks, the
// forward call and the backward closure in one function, and a row in gradcheck/cases_test.go. Tests fail
// until those rows are there and bench/profile notes the op. What is made of ops that exist is no op: it is a
// function of a tape (the example of gradcheck).
//
// # Conventions
//
// Memory is contiguous and row-major with channels last: pictures are (B,H,W,C), tokens (B,T,D), convolution
// weights (OC,KH,KW,C/G), transposed convolution weights (C,KH,KW,OC/G), linear weights (OD,D). A field that
// is marked optional may be the zero Buf. Outputs never overlap inputs unless an op says so. Sizes of zero
// are legal everywhere and compute nothing (sums are then zero).
//
// A backward op takes the forward op's struct, embedded, the incoming gradient DY, and one Grad per wanted
// gradient, and serves those Grads in the order of its fields, each either written or added to (see Grad).
package kernels
