package autograd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
)

// refuser is a backend of which every op, and memory, would panic.
type refuser struct {
	kernels.Backend
}

func (refuser) DType() kernels.DType       { return kernels.F32 }
func (refuser) Activations() kernels.DType { return kernels.F32 }

func TestDryPoolCountsAndComputesNothing(t *testing.T) {
	pool := autograd.NewDryPool()
	tape := autograd.NewTape(refuser{}, autograd.WithPool(pool))
	x := tape.Alloc(1, 16, 16, 4)
	y := tape.Scope(func() *autograd.Var { return tape.ReLU(tape.ReLU(x)) })

	require.Equal(t, tensor.Shape{1, 16, 16, 4}, y.Shape())
	require.Len(t, tape.Nodes(), 2)
	require.Equal(t, int64(3*4096), pool.Peak())
	require.Equal(t, int64(2*4096), pool.Live(), "the value between the two is let go")
	tape.Reset()
	require.Zero(t, pool.Live())
}

func TestDryPoolNeverRepeatsAnAddress(t *testing.T) {
	tape := autograd.NewTape(refuser{}, autograd.WithPool(autograd.NewDryPool()))
	seen := map[uintptr]bool{}
	for range 3 {
		tape.Scope(func() *autograd.Var {
			a := tape.Alloc(1000).Buf.Addr()
			require.False(t, seen[a])
			seen[a] = true
			return nil
		})
	}
}

func TestBackwardRefusesADryPool(t *testing.T) {
	tape := autograd.NewTape(refuser{}, autograd.WithPool(autograd.NewDryPool()))
	x := tape.Input(tape.Alloc(1).Tensor)
	require.ErrorContains(t, tape.Backward(tape.ReLU(x)), "dry pool")
}
