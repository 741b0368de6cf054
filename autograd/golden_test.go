package autograd_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/nn/golden"
	"truegrain/tensor"
)

// goldenOp is one entry of the metadata "cases": an op, the prefix of its tensors, shapes and attributes as
// PyTorch calls them.
type goldenOp struct {
	Op, Key                           string
	X, X2, W, Q, Size, Pads           []int
	B, K, O, KV, Start, Stop          int
	Stride, Padding, Dilation, Groups int
	OutputPadding                     int  `json:"output_padding"`
	CeilMode                          bool `json:"ceil_mode"`
}

// order says where each of our axes stands in PyTorch's shape; nil is the same order.
type order []int

var (
	plain   order
	picture = order{0, 2, 3, 1} // NCHW to (B,H,W,C), OIHW to (OC,KH,KW,C), IOHW to (C,KH,KW,OC)
	heads   = order{0, 2, 1, 3} // (B,NH,T,HD) to (B,T,NH,HD)
)

// ours permutes from PyTorch's order to ours.
func (o order) ours(v []float32, shape []int) ([]float32, []int) {
	if o == nil {
		return v, shape
	}
	to := make([]int, len(o))
	for i, axis := range o {
		to[i] = shape[axis]
	}
	out := make([]float32, len(v))
	for i := range v {
		from, rest := 0, i
		at := make([]int, len(o))
		for a := len(o) - 1; a >= 0; a-- {
			at[o[a]], rest = rest%to[a], rest/to[a]
		}
		for a, n := range shape {
			from = from*n + at[a]
		}
		out[i] = v[from]
	}
	return out, to
}

// torch permutes back; shape is ours.
func (o order) torch(v []float32, shape []int) []float32 {
	inverse := make(order, len(o))
	for i, axis := range o {
		inverse[axis] = i
	}
	if o == nil {
		inverse = nil
	}
	v, _ = inverse.ours(v, shape)
	return v
}

// goldenRun is one case on one backend.
type goldenRun struct {
	goldenOp
	c      *golden.Case
	tape   *autograd.Tape
	leaves map[string]leaf
}

type leaf struct {
	*autograd.Var
	order order
}

// leaf makes the input <key>.<name>, uniform in [−bound,bound).
func (r *goldenRun) leaf(name string, o order, bound float64, shape ...int) *autograd.Var {
	v, ours := o.ours(r.c.Array(r.Key+"."+name, tensor.Shape(shape).Len(), -bound, bound), shape)
	x := r.tape.Input(r.tape.Upload(tensor.FromSlice(v, ours...)).Tensor)
	r.leaves[name] = leaf{x, o}
	return x
}

// target is the constant <key>.t of a loss, uniform in [0,1), through f.
func (r *goldenRun) target(f func(float64) float64) *autograd.Var {
	v := r.c.Array(r.Key+".t", tensor.Shape(r.X).Len(), 0, 1)
	for i := range v {
		v[i] = float32(f(float64(v[i])))
	}
	return r.tape.Upload(tensor.FromSlice(v, r.X...))
}

func (r *goldenRun) conv() autograd.Conv {
	both := func(v int) [2]int { return [2]int{v, v} }
	return autograd.Conv{Stride: both(r.Stride), Padding: both(r.Padding), Dilation: both(r.Dilation),
		OutPadding: both(r.OutputPadding), Groups: r.Groups}
}

func (r *goldenRun) bias() *autograd.Var {
	if r.B == 0 {
		return nil
	}
	return r.leaf("b", plain, 1, r.B)
}

func (r *goldenRun) pooling() autograd.Pooling {
	c := r.conv()
	return autograd.Pooling{Kernel: [2]int{r.K, r.K}, Stride: c.Stride, Padding: c.Padding, Ceil: r.CeilMode}
}

func (r *goldenRun) batchNorm(n autograd.BatchNorm, residual bool) *autograd.Var {
	c := r.X[1]
	x, gamma, beta := r.leaf("x", picture, 1, r.X...), r.leaf("w", plain, 1, c), r.leaf("b", plain, 1, c)
	var res *autograd.Var
	if residual {
		res = r.leaf("r", picture, 1, r.X...)
	}
	n.Eps, n.Momentum = 1e-5, 0.1
	return r.tape.BatchNorm(x, gamma, beta, res, n)
}

// running is a running statistic <key>.<name>, uniform in [lo,hi).
func (r *goldenRun) running(t *testing.T, name string, lo, hi float64) *autograd.Param {
	be := r.tape.Backend()
	p, err := autograd.NewParam(be, name, autograd.Plain, r.X[1])
	require.NoError(t, err)
	be.Upload(p.Value.Buf, kernels.Of(r.c.Array(r.Key+"."+name, r.X[1], lo, hi)))
	return p
}

// attention runs on separate operands and, if packed, on the packed projection.
func (r *goldenRun) attention(packed bool) *autograd.Var {
	b, nh, hd := r.Q[0], r.Q[1], r.Q[3]
	q := r.leaf("q", heads, 3, r.Q...)
	k := r.leaf("k", heads, 3, b, nh, r.KV, hd)
	v := r.leaf("v", heads, 1, b, nh, r.KV, hd)
	if !packed {
		return r.tape.CrossAttention(q, k, v)
	}
	one := func(x *autograd.Var) *autograd.Var { return r.tape.Reshape(x, b, -1, 1, nh, hd) }
	return r.tape.Attention(r.tape.Concat(2, one(q), one(k), one(v)))
}

// run computes the op and says how its result is ordered.
func (r *goldenRun) run(t *testing.T) (y *autograd.Var, o order) {
	if y = r.onPictures(t); y != nil {
		return y, picture
	}
	if y = r.attend(); y != nil {
		return y, heads
	}
	if y = r.onRows(); y != nil {
		return y, plain
	}
	if y = r.loss(); y != nil {
		return y, plain
	}
	t.Fatalf("op %q of the golden file is not known here", r.Op)
	return nil, nil
}

func (r *goldenRun) onPictures(t *testing.T) *autograd.Var {
	tp := r.tape
	switch r.Op {
	case "conv2d":
		return tp.Conv2D(r.leaf("x", picture, 1, r.X...), r.leaf("w", picture, 1, r.W...), r.bias(), nil,
			r.conv())
	case "conv_transpose2d":
		x, w := r.leaf("x", picture, 1, r.X...), r.leaf("w", picture, 1, r.W...)
		return tp.ConvTranspose2D(x, w, r.bias(), nil, r.conv())
	case "max_pool2d":
		return tp.MaxPool2D(r.leaf("x", picture, 1, r.X...), r.pooling())
	case "avg_pool2d":
		return tp.AvgPool2D(r.leaf("x", picture, 1, r.X...), r.pooling())
	case "adaptive_avg_pool2d":
		return tp.AdaptiveAvgPool2D(r.leaf("x", picture, 1, r.X...), r.O, r.O)
	case "interpolate_bilinear":
		return tp.Resize(r.leaf("x", picture, 1, r.X...), r.Size[0], r.Size[1])
	case "pad":
		return tp.Pad(r.leaf("x", picture, 1, r.X...), r.Pads[2], r.Pads[3], r.Pads[0], r.Pads[1])
	case "batch_norm_train":
		return r.batchNorm(autograd.BatchNorm{}, false)
	case "batch_norm_eval":
		n := autograd.BatchNorm{RunningMean: r.running(t, "mean", -1, 1),
			RunningVar: r.running(t, "var", 0.5, 2)}
		return r.batchNorm(n, false)
	case "batch_norm_add_relu":
		return r.batchNorm(autograd.BatchNorm{ReLU: true}, true)
	}
	return nil
}

func (r *goldenRun) attend() *autograd.Var {
	switch r.Op {
	case "attention":
		return r.attention(false)
	case "attention_packed":
		return r.attention(true)
	}
	return nil
}

func (r *goldenRun) onRows() *autograd.Var {
	tp := r.tape
	switch r.Op {
	case "linear":
		x, w := r.leaf("x", plain, 1, r.X...), r.leaf("w", plain, 1, r.W...)
		return tp.Linear(x, w, r.bias(), nil, kernels.NoActivation)
	case "layer_norm":
		d := r.X[len(r.X)-1]
		return tp.LayerNorm(r.leaf("x", plain, 1, r.X...), r.leaf("w", plain, 1, d),
			r.leaf("b", plain, 1, d), 1e-6)
	case "concat":
		return tp.Concat(1, r.leaf("x", plain, 1, r.X...), r.leaf("x2", plain, 1, r.X2...))
	case "slice":
		return tp.Slice(r.leaf("x", plain, 1, r.X...), 1, r.Start, r.Stop)
	case "relu":
		return tp.ReLU(r.leaf("x", plain, 6, r.X...))
	case "gelu":
		return tp.GELU(r.leaf("x", plain, 6, r.X...))
	case "sigmoid":
		return tp.Sigmoid(r.leaf("x", plain, 6, r.X...))
	case "softmax":
		return tp.Softmax(r.leaf("x", plain, 6, r.X...))
	}
	return nil
}

func (r *goldenRun) loss() *autograd.Var {
	tp := r.tape
	switch r.Op {
	case "bce":
		return tp.BCE(tp.Sigmoid(r.leaf("x", plain, 4, r.X...)), r.target(math.RoundToEven))
	case "bce_logits":
		return tp.BCELogits(r.leaf("x", plain, 4, r.X...), r.target(math.RoundToEven))
	case "mse":
		return tp.MSE(r.leaf("x", plain, 4, r.X...), r.target(func(v float64) float64 { return v }))
	case "cross_entropy":
		classes := make([]int32, r.X[0])
		for i, u := range r.c.Uniform(r.Key+".t", len(classes)) {
			classes[i] = int32(u * float64(r.X[1]))
		}
		return tp.CrossEntropy(r.leaf("x", plain, 4, r.X...), tp.UploadInts(classes))
	}
	return nil
}

func goldenOpCases(t *testing.T, c *golden.Case) (ops []goldenOp) {
	var all []goldenOp
	require.NoError(t, json.Unmarshal([]byte(c.Meta["cases"]), &all))
	require.NotEmpty(t, all)
	for _, op := range all {
		if op.Op == "step" { // train/optim has the optimiser steps
			continue
		}
		ops = append(ops, op)
		if op.Op == "attention" && op.Q[2] == op.KV {
			op.Op = "attention_packed"
			ops = append(ops, op)
		}
	}
	return ops
}

// TestGoldenOps compares every op and its gradients with PyTorch's, on every backend that this machine has,
// and on processors with every fast path forced on and off, too.
func TestGoldenOps(t *testing.T) {
	for _, c := range golden.Cases(t, "ops") {
		ops := goldenOpCases(t, c)
		for _, spec := range specs(t) {
			be, err := kernels.Open(spec)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, be.Close()) })
			for _, op := range ops {
				t.Run(spec+"/"+op.Op+"/"+op.Key, func(t *testing.T) { goldenCase(t, be, c, op) })
			}
		}
	}
}

func specs(t *testing.T) (out []string) {
	for _, dev := range kernels.Devices() {
		if dev.Err != nil {
			t.Logf("%s: %v", dev.Spec, dev.Err)
			continue
		}
		out = append(out, dev.Spec)
		if strings.HasPrefix(dev.Spec, "cpu:") {
			out = append(out, dev.Spec+",on", dev.Spec+",off")
		}
	}
	return out
}

func goldenCase(t *testing.T, be kernels.Backend, c *golden.Case, op goldenOp) {
	tape := autograd.NewTape(be, autograd.WithTrain())
	if op.Op == "batch_norm_eval" {
		tape = autograd.NewTape(be)
	}
	defer tape.Reset()
	r := &goldenRun{goldenOp: op, c: c, tape: tape, leaves: map[string]leaf{}}
	y, o := r.run(t)

	shape := c.Shape(op.Key + ".y") // PyTorch's
	probe, ours := o.ours(c.Array(op.Key+".probe", y.Len(), -1, 1), shape)
	dy := tape.Upload(tensor.FromSlice(probe, y.Shape()...))
	values, err := y.Values()
	require.NoError(t, err)
	golden.Require(t, c, op.Key+".y", o.torch(values, ours))

	require.NoError(t, tape.BackwardFrom(y, dy.Tensor))
	require.NotEmpty(t, r.leaves)
	for name, l := range r.leaves {
		g := l.Gradient()
		require.False(t, g.IsZero(), "no gradient reached %s", name)
		golden.Require(t, c, op.Key+".d"+name, l.order.torch(g.Float32s(be), l.Shape()))
	}
}
