package optim_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels/ref"
	"truegrain/nn/state"
	"truegrain/train/optim"
)

// A run that is saved, loaded and continued ends with the very bits of one that was not interrupted.
func TestResumedRunsAreTheSame(t *testing.T) {
	for _, name := range optim.Names {
		t.Run(name, func(t *testing.T) {
			whole, opt := fresh(t, name)
			descend(t, whole, opt, 7)

			first, opt := fresh(t, name)
			descend(t, first, opt, 4)
			path := filepath.Join(t.TempDir(), "state.safetensors")
			saved := append([]*autograd.Param{first}, opt.State()...)
			require.NoError(t, state.Save(path, saved, nil, state.SaveOptions{}))

			second, opt := fresh(t, name)
			f, err := state.Open(path)
			require.NoError(t, err)
			defer f.Close()
			_, err = state.Load(append([]*autograd.Param{second}, opt.State()...), f, state.Options{})
			require.NoError(t, err)
			opt.Resume()
			descend(t, second, opt, 3)
			require.Equal(t, whole.Value.Float32s(whole.Backend()), second.Value.Float32s(second.Backend()))

			third, opt := fresh(t, name) // without the state the end is another one
			third.Backend().Copy(third.Value.Buf, first.Value.Buf)
			descend(t, third, opt, 3)
			require.NotEqual(t, whole.Value.Float32s(whole.Backend()), third.Value.Float32s(third.Backend()))
		})
	}
}

func fresh(t *testing.T, name string) (*autograd.Param, optim.Optimizer) {
	p, err := autograd.NewParam(ref.Open32(), "p", autograd.Plain, 2)
	require.NoError(t, err)
	opt, err := optim.New(name, []*autograd.Param{p}, optim.Options{Momentum: 0.9, WeightDecay: 0.01})
	require.NoError(t, err)
	return p, opt
}

func descend(t *testing.T, p *autograd.Param, opt optim.Optimizer, steps int) {
	for range steps {
		quadratic(t, p)
		opt.Step(0.1)
	}
}
