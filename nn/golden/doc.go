// Package golden is test support: it rebuilds the inputs and weights of the golden parity files from their
// formula, reads what PyTorch computed for them in float64, and says how close is close enough.
//
// A file's tensors are float64 in PyTorch's shapes and orders (NCHW); FromNCHW and ToNCHW permute at the
// edge. The seed stands in each file's metadata, so the same tests run on files written with any other seed.
package golden
