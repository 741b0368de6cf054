package train_test

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/models"
	"truegrain/nn"
	"truegrain/tensor"
	"truegrain/train"
	"truegrain/train/data"
	"truegrain/train/optim"
)

// minis are the three kinds of models, each with an optimiser of its own.
var minis = []struct {
	arch, optimizer string
	classes, size   int
}{{"resnet_mini", "sgd", 1, 32}, {"fcn8s_mini", "adam", 1, 32}, {"vit_mini_8", "adamw", 2, 64}}

// noise is pictures of random pixels: those of label 1 are a little brighter. Nothing is read from disk.
type noise struct {
	n, batch, size int
	rank, world    int
}

func (s noise) Batches() int  { return (s.n + s.batch*s.world - 1) / (s.batch * s.world) }
func (s noise) Pictures() int { return s.n }
func (s noise) Epoch(ctx context.Context, epoch, first int) iter.Seq2[*data.Batch, error] {
	return func(yield func(*data.Batch, error) bool) {
		order := data.Permutation(7, uint32(epoch), s.n)
		for k := first; k < s.Batches(); k++ {
			all := min(s.batch*s.world, s.n-k*s.batch*s.world)
			from, to := k*s.batch*s.world+all*s.rank/s.world, k*s.batch*s.world+all*(s.rank+1)/s.world
			b := &data.Batch{}
			var x []float32
			for _, i := range order[from:to] {
				r := nn.NewStream(uint64(i), "noise")
				for range s.size * s.size * 3 {
					x = append(x, float32(r.Normal())*0.3+0.2*float32(i%2))
				}
				b.Label = append(b.Label, int32(i%2))
			}
			b.X = tensor.FromSlice(x, to-from, s.size, s.size, 3)
			if ctx.Err() != nil || !yield(b, nil) {
				return
			}
		}
	}
}

// miniLoop is a run that has everything that a resume must bring back: momentum or moments, averaged weights,
// batch norm statistics, gradients that gather over two batches, and an odd number of batches.
func miniLoop(t testing.TB, i int, dir string) *train.Loop {
	c := minis[i]
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	t.Cleanup(func() { be.Close() })
	m, err := models.New(be, c.arch, models.Config{Classes: c.classes, Seed: 3})
	require.NoError(t, err)
	o := optim.Options{WeightDecay: 0.01}
	if c.optimizer == "sgd" {
		o.Momentum = 0.9
	}
	opt, err := optim.New(c.optimizer, m.Params(), o)
	require.NoError(t, err)
	ema, err := optim.NewEMA(m.Params(), 0.9)
	require.NoError(t, err)
	l := &train.Loop{Backend: be, Model: m, Train: noise{10, 2, c.size, 0, 1}, Val: noise{4, 4, c.size, 0, 1},
		Optimizer: opt, EMA: ema, Schedule: optim.Warmup(3, optim.Cosine(0.01, 0, 9)), Epochs: 3, Seed: 9,
		Accumulate: 2, Clip: 1, Checkpoints: &train.Checkpoints{Dir: dir, Last: 3, Batches: 1,
			Settings: map[string]string{"model": c.arch}}}
	require.NoError(t, l.Checkpoints.Open())
	return l
}

// ends are the files that two runs of the same recipe must have alike.
func ends(t testing.TB, dir string) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"best.safetensors", "checkpoints/000000015.safetensors"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		out[name] = string(b)
	}
	return out
}

func requireSame(t testing.TB, want, got map[string]string) {
	t.Helper()
	for name := range want {
		require.True(t, want[name] == got[name], "%s differs", name)
	}
}

// Interrupted behind every single batch and resumed, a run comes to the very bytes of one that was left
// alone.
func TestResumeIsBitExact(t *testing.T) {
	for i, c := range minis {
		t.Run(c.arch, func(t *testing.T) {
			whole := t.TempDir()
			_, err := miniLoop(t, i, whole).Run(t.Context())
			require.NoError(t, err)

			pieces := t.TempDir()
			for n := 1; ; n++ {
				require.Less(t, n, 30)
				l := miniLoop(t, i, pieces)
				if n > 1 {
					latest, err := l.Checkpoints.Latest()
					require.NoError(t, err)
					require.NoError(t, l.Resume(latest))
				}
				ctx, cancel := context.WithCancel(t.Context())
				l.Watch = func(train.Progress) error { cancel(); return nil }
				_, err := l.Run(ctx)
				if err == nil {
					require.NotEmpty(t, l.State.Done)
					break
				}
				require.ErrorIs(t, err, context.Canceled)
			}
			requireSame(t, ends(t, whole), ends(t, pieces))
		})
	}
}

func TestStatesOfOtherRunsAreRefused(t *testing.T) {
	l := miniLoop(t, 0, t.TempDir())
	l.Epochs = 1
	_, err := l.Run(t.Context())
	require.NoError(t, err)
	latest, err := l.Checkpoints.Latest()
	require.NoError(t, err)

	other := miniLoop(t, 0, t.TempDir())
	other.Checkpoints.Settings = map[string]string{"model": "resnet_mini", "seed": "2"}
	require.ErrorContains(t, other.Resume(latest), "seed: not there then, 2 now")
	other = miniLoop(t, 2, t.TempDir())
	err = other.Resume(latest)
	require.ErrorContains(t, err, "model: resnet_mini then, vit_mini_8 now")
	other.Checkpoints.Settings = l.Checkpoints.Settings
	require.ErrorContains(t, other.Resume(latest), "saved by another model")
	require.ErrorContains(t, other.Resume(l.Checkpoints.Best()), "--weights")
	_, err = other.Checkpoints.Latest()
	require.ErrorIs(t, err, train.ErrNoCheckpoint)
}

// BenchmarkCheckpoint is how long training waits for the state of ViT-L/16 with Adam (3.6 GB): the copy. How
// long the write behind its back takes is reported beside it. TRUEGRAIN_SLOW=1 runs it; ViT mini stands in
// for it otherwise.
func BenchmarkCheckpoint(b *testing.B) {
	arch := "vit_mini"
	if os.Getenv("TRUEGRAIN_SLOW") != "" {
		arch = "vit_l_16"
	}
	be, err := kernels.Open("cpu")
	require.NoError(b, err)
	defer be.Close()
	m, err := models.New(be, arch, models.Config{Classes: 2, Empty: true})
	require.NoError(b, err)
	opt, err := optim.New("adam", m.Params(), optim.Options{})
	require.NoError(b, err)
	l := kept(b, &train.Loop{Backend: be, Model: m, Optimizer: opt})
	l.Checkpoints.Last = 1
	var waits, writes time.Duration
	for b.Loop() {
		start := time.Now()
		require.NoError(b, l.Checkpoints.SaveState(l))
		waits += time.Since(start)
		require.NoError(b, l.Checkpoints.Wait())
		writes += time.Since(start)
	}
	b.ReportMetric(waits.Seconds()/float64(b.N), "s-copy")
	b.ReportMetric(writes.Seconds()/float64(b.N), "s-written")
}
