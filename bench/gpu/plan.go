package gpu

import (
	"truegrain/bench/table"
	"truegrain/bench/workload"
)

// Plan says what is measured.
type Plan struct {
	Check   []table.Row // shapes that are held to ref, in float32 and in bfloat16
	Kernels []table.Row // shapes that are timed
	Models  []Model     // whole models that are timed, and compared with PyTorch
	Peers   []table.Row // kernels that are compared with PyTorch
	Python  []string    // what starts PyTorch's side
	Rounds  int         // turns that each takes
	Seconds float64     // of one turn
}

// Model is a model at a batch size; Impls are the ways to run it.
type Model struct {
	workload.Spec
	Impls []string
}

// The ways to train: all in float32, or products in bfloat16.
const (
	Float32 = "float32"
	Mixed   = "mixed"
)

// served are the sizes that models are served and trained at.
var served = []table.Run{{Model: "resnet50", Batch: 256}, {Model: "resnet50", Batch: 256, Train: true},
	{Model: "vit_l_16", Batch: 128}, {Model: "vit_l_16", Batch: 128, Train: true},
	{Model: "fcn_resnet50", Batch: 32, Size: 520}, {Model: "fcn_resnet50", Batch: 32, Size: 520, Train: true}}

// products are the shapes that matrix products and attention are judged by: square, those of ViT-L at batch
// 128, its attention, and convolutions of ResNet50 at batch 256.
var products = []struct{ op, pass, shape string }{
	{"gemm", "forward", "4096x4096x4096+tb"},
	{"gemm", "forward", "25216x3072x1024+tb"},
	{"gemm", "forward", "25216x4096x1024+tb"},
	{"gemm", "forward", "25216x1024x4096+tb"},
	{"attention", "forward", "128x16x197x64"},
	{"attention", "backward", "128x16x197x64+lse"},
	{"conv2d", "forward", "256x56x56x64-64k3p1"},
	{"conv2d", "forward", "256x14x14x256-256k3p1"},
	{"conv2d", "forward", "256x56x56x64-256k1"},
	{"conv2d", "dx", "256x14x14x256-256k3p1"},
	{"conv2d", "dw", "256x14x14x256-256k3p1"},
}

// Whole is the plan for a device with the memory of a data centre's.
func Whole(python ...string) (p Plan, err error) {
	p = Plan{Python: python, Rounds: 7, Seconds: 0.4} // so that all models take minutes
	if p.Check, err = table.All(); err != nil {
		return p, err
	}
	if p.Kernels, err = table.Of(served...); err != nil {
		return p, err
	}
	for _, r := range products {
		row := table.Row{Op: r.op, Pass: r.pass, Shape: r.shape, Uses: []table.Use{{Model: "named", Times: 1}}}
		p.Peers = append(p.Peers, row)
	}
	p.Kernels = append(append([]table.Row{}, p.Peers...), p.Kernels...)
	for _, r := range served {
		m := Model{Spec: workload.Spec{Model: r.Model, Batch: r.Batch, Size: r.Size, Train: r.Train},
			Impls: []string{"bfloat16", "exact"}}
		if r.Train {
			m.Impls = []string{Mixed, Float32}
		}
		p.Models = append(p.Models, m)
	}
	return p, nil
}
