// Package nn has the layers: parameters, hyper-parameters, and one call of autograd each. A Builder registers
// the parameters under the names of torchvision's state dict and initialises them as PyTorch does.
//
//	b := nn.NewBuilder(be, 1)
//	fc := nn.NewLinear(b.In("fc"), 512, 2)
//	if err := b.Err(); err != nil { ... }
//	y := fc.Forward(t, x) // recorded under the path "fc"
//
// Every layer enters its name on the tape and marks its result there, so that each can be tapped, timed and
// drawn by that name. Where a layer takes in the operation behind it (batch norm the residual and the ReLU),
// what is marked is the result of all of it.
package nn
