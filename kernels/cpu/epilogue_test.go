package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// act is the activation in float64.
func act(a kernels.Activation, v float64) float64 {
	switch a {
	case kernels.WithReLU:
		return max(v, 0)
	case kernels.WithGELU:
		return v / 2 * (1 + math.Erf(v/math.Sqrt2))
	}
	return v
}

func TestLinearEpilogue(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		b := testBackend(t, l)
		for i, a := range []kernels.Activation{kernels.WithGELU, kernels.WithReLU,
			kernels.NoActivation, kernels.WithGELU, kernels.WithReLU} {
			rng := rand.New(rand.NewPCG(9, uint64(a)))
			op := kernels.Linear{R: 31, D: 17, OD: 67, Act: a}
			if i%2 == 1 {
				op.D = passDepth + 100 // two passes: the activation is only for the last
			}
			x, w := randomFloats(rng, op.R*op.D), randomFloats(rng, op.OD*op.D)
			bias, res, y := randomFloats(rng, op.OD), randomFloats(rng, op.R*op.OD), make([]float32,
				op.R*op.OD)
			op.X, op.Weight, op.Bias, op.Residual, op.Y = of(x), of(w), of(bias), of(res), of(y)
			b.Linear(op)
			for i, got := range y {
				var s sum
				for d := range op.D {
					s.add(float64(x[i/op.OD*op.D+d]) * float64(w[i%op.OD*op.D+d]))
				}
				s.add(float64(bias[i%op.OD]))
				s.add(float64(res[i]))
				// No slope is above 1.13, and GELU rounds once more.
				require.InDelta(t, act(a, s.value), got, (4*math.Sqrt(s.n)+8)*0x1p-24*s.size,
					"%v element %d", a, i)
			}
		}
	})
}

// TestReLURules compares the fused backward with the rule applied to dy by hand and an op without activation.
func TestReLURules(t *testing.T) {
	b := testBackend(t, generic)
	rng := rand.New(rand.NewPCG(2, 2))
	lin := kernels.Linear{R: 9, D: 5, OD: 7, Act: kernels.WithReLU}
	x, w, dy, y := randomFloats(rng, 45), randomFloats(rng, 35), randomFloats(rng, 63), make([]float32, 63)
	lin.X, lin.Weight, lin.Y = of(x), of(w), of(y)
	b.Linear(lin)
	for _, rule := range []kernels.ReLURule{kernels.Gradient, kernels.Guided, kernels.Deconvnet} {
		t.Run(rule.String(), func(t *testing.T) {
			dz := make([]float32, len(dy))
			for i := range dz {
				switch {
				case rule == kernels.Gradient && y[i] > 0, rule == kernels.Guided && y[i] > 0 && dy[i] > 0,
					rule == kernels.Deconvnet && dy[i] > 0:
					dz[i] = dy[i]
				}
			}
			fused := kernels.LinearGrad{Linear: lin, Rule: rule, DY: of(dy)}
			fused.Work = of(make([]float32, b.Workspace(fused)))
			plain := kernels.LinearGrad{Linear: lin, DY: of(dz)}
			plain.Act = kernels.NoActivation
			require.Zero(t, b.Workspace(plain))
			grads := func(op kernels.LinearGrad) (all [][]float32) {
				to := func(n int) kernels.Grad {
					all = append(all, make([]float32, n))
					return kernels.Grad{Buf: kernels.Of(all[len(all)-1])}
				}
				op.DX, op.DWeight, op.DBias, op.DResidual = to(45), to(35), to(7), to(63)
				b.LinearBackward(op)
				return all
			}
			require.Equal(t, grads(plain), grads(fused))
		})
	}
}

func TestFusedBackwardRefuses(t *testing.T) {
	b := testBackend(t, generic)
	y := of(make([]float32, 4))
	for _, a := range []kernels.Activation{kernels.WithReLU, kernels.WithGELU} { // no Work; no backward
		var arg *kernels.ArgError
		require.ErrorAs(t, caught(func() {
			b.activationBackward("linear", a, kernels.Gradient, y, y,
				kernels.Buf{})
		}), &arg)
	}
}

// TestDeterministic: the same bytes whatever the number of helpers.
func TestDeterministic(t *testing.T) {
	op := kernels.Conv2D{Window: kernels.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1,
		PadH: 1, PadW: 1, DilH: 1, DilW: 1},
		B: 2, H: 40, W: 40, C: 5, OC: 20, Groups: 1, Act: kernels.WithReLU}
	rng := rand.New(rand.NewPCG(4, 4))
	g := conv2DGeometry(op)
	x, w, dy := randomFloats(rng, g.pixels()*g.c), randomFloats(rng, g.oc*g.window()),
		randomFloats(rng, g.positions()*g.oc)
	run := func(helpers int) string {
		b := &Backend{shared: &shared{level: levels[len(levels)-1], pool: newPool(helpers)}}
		defer b.Close()
		y, dw, dx, db := make([]float32, len(dy)), make([]float32, len(w)), make([]float32, len(x)),
			make([]float32, g.oc)
		op.X, op.Weight, op.Y = of(x), of(w), of(y)
		b.Conv2D(op)
		b.Conv2DBackward(kernels.Conv2DGrad{Conv2D: op, DY: of(dy), Work: of(make([]float32, len(dy))),
			DX: written(dx), DWeight: written(dw), DBias: written(db)})
		return fmt.Sprint(y, dw, dx, db)
	}
	want := run(0)
	for _, helpers := range []int{1, 3, 7} {
		require.Equal(t, want, run(helpers))
	}
}
