package autograd

import (
	"time"

	"truegrain/kernels"
)

// Node describes one op that a tape ran.
type Node struct {
	Op   kernels.Op // the kernel's argument struct; nil for a view, which computes nothing
	Name string     // the op's stem, or "reshape"
	Path string     // the layer that ran it: "layer4.2.conv1"
	In   []*Var     // operands, absent ones left out
	Out  *Var
	Time time.Duration // of the forward call; on a device that works asynchronously, of the launch

	backward func(dy kernels.Buf)
	scratch  []*memory // what the forward saved for the backward
}

// Cost is what the op took.
func (n *Node) Cost() kernels.Cost {
	if n.Op == nil {
		return kernels.Cost{}
	}
	return n.Op.Cost()
}

// inputs is the operand list of an op; nil stands for an absent one.
type inputs []*Var

func (in inputs) present() []*Var {
	var out []*Var
	for _, v := range in {
		if v != nil {
			out = append(out, v)
		}
	}
	return out
}
