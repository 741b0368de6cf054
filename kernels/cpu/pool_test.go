package cpu

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func testBackend(t testing.TB, l *level) *Backend {
	b := newBackend(l)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestParallelCoversEveryElementOnce(t *testing.T) {
	b := testBackend(t, generic)
	for _, tc := range []struct{ n, grain int }{{0, 1}, {1, 1}, {1, 9}, {7, 3}, {1000, 1}, {4096, 64}} {
		seen := make([]atomic.Int32, tc.n)
		b.parallel(tc.n, tc.grain, func(lo, hi int) {
			require.Zero(t, lo%tc.grain)
			require.LessOrEqual(t, hi-lo, tc.grain)
			for i := lo; i < hi; i++ {
				seen[i].Add(1)
			}
		})
		for i := range seen {
			require.EqualValues(t, 1, seen[i].Load(), "n=%d grain=%d element %d", tc.n, tc.grain, i)
		}
	}
}

func TestParallelNestsAndServesManyCallers(t *testing.T) {
	b := testBackend(t, generic)
	var sum atomic.Int64
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 20 {
				b.parallel(10, 1, func(int, int) {
					b.parallel(10, 3, func(lo, hi int) { sum.Add(int64(hi - lo)) })
				})
			}
		})
	}
	callers.Wait()
	require.EqualValues(t, 8*20*100, sum.Load())
}

func TestParallelRaisesPanicOnTheCaller(t *testing.T) {
	b := testBackend(t, generic)
	for range 50 {
		require.PanicsWithValue(t, "chunk 3", func() {
			b.chunks(16, func(c int) {
				if c == 3 {
					panic("chunk 3")
				}
				runtime.Gosched()
			})
		})
	}
	var n atomic.Int32
	b.chunks(5, func(int) { n.Add(1) })
	require.EqualValues(t, 5, n.Load(), "the pool must survive a panic")
}

func TestParallelStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := testBackend(t, generic).WithContext(ctx).(*Backend)
	var ran atomic.Int32
	b.chunks(1_000_000, func(int) {
		if ran.Add(1) == 10 {
			cancel()
		}
	})
	require.Less(t, ran.Load(), int32(1000))
	b.chunks(4, func(int) { t.Error("ran after the context ended") })
}

func TestClosedBackendStillComputes(t *testing.T) {
	b := newBackend(generic)
	require.NoError(t, b.Close())
	var n atomic.Int32
	b.chunks(9, func(int) { n.Add(1) })
	require.EqualValues(t, 9, n.Load())
}

// BenchmarkForkJoin is the price of one call of parallel while the helpers spin.
func BenchmarkForkJoin(b *testing.B) {
	be := testBackend(b, generic)
	for b.Loop() {
		be.chunks(2, func(int) {})
	}
}

func TestForkJoinAllocatesNothing(t *testing.T) {
	b := testBackend(t, generic)
	var n atomic.Int32
	f := func(int) { n.Add(1) }
	require.Zero(t, testing.AllocsPerRun(100, func() { b.chunks(4, f) }))
}
