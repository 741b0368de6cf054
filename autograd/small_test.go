package autograd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/autograd/gradcheck"
	"truegrain/kernels"
	"truegrain/tensor"
)

// param makes a parameter with values uniform in ±½ from its place in order.
func param(t testing.TB, be kernels.Backend, name string, shape ...int) *autograd.Param {
	t.Helper()
	p, err := autograd.NewParam(be, name, autograd.Plain, shape...)
	require.NoError(t, err)
	seed := uint64(len(name)) + uint64(name[len(name)-1])
	be.Upload(p.Value.Buf, kernels.Of(gradcheck.Uniform(seed, -0.5, 0.5, shape)[0].Values))
	return p
}

// small is a network with every way that memory goes: scopes, sums handed to a batch norm, views, residuals,
// saved statistics, work space, an attention map.
type small struct {
	w1, w2, gamma, beta, qkv, lnG, lnB, head *autograd.Param
}

func newSmall(t testing.TB, be kernels.Backend) *small {
	return &small{
		w1: param(t, be, "conv1.weight", 4, 3, 3, 3), w2: param(t, be, "conv2.weight", 4, 3, 3, 4),
		gamma: param(t, be, "bn.gamma", 4), beta: param(t, be, "bn.beta", 4),
		qkv: param(t, be, "block.qkv", 12, 4), lnG: param(t, be, "ln.g", 4), lnB: param(t, be, "ln.b", 4),
		head: param(t, be, "head", 2, 4),
	}
}

func (m *small) params() []*autograd.Param {
	return []*autograd.Param{m.w1, m.w2, m.gamma, m.beta, m.qkv, m.lnG, m.lnB, m.head}
}

// logits maps pictures (B,8,8,3) to (B,2).
func (m *small) logits(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	same := autograd.Conv{Padding: [2]int{1, 1}}
	return t.Sequence(x,
		func(x *autograd.Var) *autograd.Var {
			c := same
			c.Sums = t.Training()
			return t.Conv2D(x, t.Param(m.w1), nil, nil, c)
		},
		func(x *autograd.Var) *autograd.Var {
			n := autograd.BatchNorm{RunningMean: m.beta, RunningVar: m.lnG, Eps: 1, ReLU: true}
			if t.Training() {
				n.RunningMean, n.RunningVar = nil, nil
			}
			return t.BatchNorm(x, t.Param(m.gamma), t.Param(m.beta), nil, n)
		},
		func(x *autograd.Var) *autograd.Var { return t.Dropout(x, 0.2) },
		func(x *autograd.Var) *autograd.Var { return t.MaxPool2D(x, autograd.Pooling{Kernel: [2]int{2, 2}}) },
		func(x *autograd.Var) *autograd.Var {
			defer t.Enter("conv2")()
			c := same
			c.Act = kernels.WithReLU
			return t.Mark(t.Conv2D(x, t.Param(m.w2), nil, x, c))
		},
		func(x *autograd.Var) *autograd.Var { return t.Reshape(x, x.Dim(0), -1, 4) },
		m.block(t),
		func(x *autograd.Var) *autograd.Var { return t.MeanAxis(x, 1) },
		func(x *autograd.Var) *autograd.Var {
			return t.Linear(x, t.Param(m.head), nil, nil, kernels.NoActivation)
		},
	)
}

func (m *small) block(t *autograd.Tape) func(*autograd.Var) *autograd.Var {
	return func(x *autograd.Var) *autograd.Var {
		defer t.Enter("block")()
		qkv := t.Linear(t.LayerNorm(x, t.Param(m.lnG), t.Param(m.lnB), 1e-5), t.Param(m.qkv), nil, nil,
			kernels.NoActivation)
		return t.GELU(t.Add(x, t.Attention(t.Reshape(qkv, x.Dim(0), -1, 3, 2, 2))))
	}
}

// input is a picture batch in memory that no tape owns.
func (m *small) input(be kernels.Backend, b int) tensor.Tensor {
	buf, err := be.Alloc(be.DType(), b*8*8*3)
	if err != nil {
		panic(err)
	}
	be.Upload(buf, kernels.Of(gradcheck.Normal(7, []int{buf.Len()})[0].Values))
	return tensor.New(buf, b, 8, 8, 3)
}

// learn runs the loss and its backward, and gives the loss and the gradient of the picture.
func (m *small) learn(t *autograd.Tape, x tensor.Tensor) (loss float64, dx []float32, err error) {
	in := t.Input(x)
	classes := make([]int32, x.Dim(0))
	l := t.CrossEntropy(m.logits(t, in), t.UploadInts(classes))
	if err = t.Backward(l); err != nil {
		return 0, nil, err
	}
	loss, err = l.Scalar()
	return loss, in.Gradient().Float32s(t.Backend()), err
}
