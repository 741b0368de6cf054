package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/models"
)

// promised is how soon the work must stop when whoever waits for it leaves.
const promised = 100 * time.Millisecond

// Whoever leaves stops the work within a tenth of a second: whether it is decoded, scored, explained, looked
// into or scored in versions. The best of several times counts: on a busy machine this goroutine itself may
// have to wait for its turn.
func TestLeavingStopsTheWork(t *testing.T) {
	e := start(t, patient(), silent{})
	usual := time.Hour // what the scores of a small picture take on an idle engine
	for range 5 {
		r, begun := admit(t, e, 40, 40), time.Now()
		require.NoError(t, e.Score(t.Context(), r, nil, nil))
		usual = min(usual, time.Since(begun))
	}
	type work struct {
		name  string
		data  []byte
		after time.Duration // the work must be under way, and not at its end
		f     func(context.Context, *Result) error
	}
	small, large := waves(t, 1600, 1200), waves(t, 4000, 3000)
	all := []work{
		{"decode", large, 20 * time.Millisecond, func(ctx context.Context, r *Result) error {
			return e.Score(ctx, r, nil, nil)
		}},
		{"score", small, 60 * time.Millisecond, func(ctx context.Context, r *Result) error {
			return e.Score(ctx, r, nil, nil)
		}},
		{"versions", small, 100 * time.Millisecond, func(ctx context.Context, r *Result) error {
			_, err := e.Holds(ctx, r)
			return err
		}},
	}
	for i, d := range e.Detectors {
		all = append(all, work{"maps of " + d.Name, small, 80 * time.Millisecond,
			func(ctx context.Context, r *Result) error { _, err := e.Maps(ctx, r, i); return err }})
		all = append(all, work{"stages of " + d.Name, small, time.Millisecond,
			func(ctx context.Context, r *Result) error { _, err := e.Stages(ctx, r, i, 0); return err }})
		if d.Model.Kind() == models.Transformer {
			all = append(all, work{"attention of " + d.Name, small, time.Millisecond,
				func(ctx context.Context, r *Result) error { _, err := e.Attention(ctx, r, i, 0); return err }})
		}
	}
	for _, w := range all {
		best := time.Hour
		for n := 0; n < 8 && best >= promised; n++ {
			r, err := e.Admit(w.name, w.data, 0)
			require.NoError(t, err)
			best = min(best, e.leave(t, r, w.after, w.f)-usual)
		}
		t.Logf("%s: stopped after %v", w.name, best)
		require.Less(t, best, promised, w.name)
	}
}

// leave starts a work, leaves, and says how long it took until nothing was decoded or explained any more and
// another picture, a small one, had its scores.
func (e *Engine) leave(t *testing.T, r *Result, after time.Duration, f func(context.Context, *Result) error,
) time.Duration {
	next := admit(t, e, 40, 40)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan time.Time, 1)
	time.AfterFunc(after, func() { left <- time.Now(); cancel() })
	require.ErrorIs(t, f(ctx, r), context.Canceled, r.Name)
	require.NoError(t, e.Score(t.Context(), next, nil, nil))
	free := func() bool { return e.coming.Load() == 0 && e.asides.Load() == 0 && e.Flight() == 0 }
	require.Eventually(t, free, 20*time.Second, time.Millisecond, r.Name)
	return time.Since(<-left)
}
