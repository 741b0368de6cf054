package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStoreKeepsWithinItsLimits(t *testing.T) {
	s := newStore(Limits{Results: 3, Kept: 100, Keep: time.Minute})
	now := time.Now()
	s.now = func() time.Time { return now }
	add := func(bytes int64) *Result {
		r := &Result{bytes: bytes}
		s.Keep(r)
		return r
	}
	a, b, c := add(10), add(10), add(10)
	require.Len(t, a.ID, 26)
	require.NotEqual(t, a.ID, b.ID)
	_, err := s.Get(a.ID) // used: b is the one that goes
	require.NoError(t, err)
	add(10)
	_, err = s.Get(b.ID)
	require.ErrorIs(t, err, ErrGone)
	_, err = s.Get(c.ID)
	require.NoError(t, err)
	s.grow(c, 90)
	n, bytes := s.Size()
	require.LessOrEqual(t, bytes, int64(100))
	require.Equal(t, 1, n)
	s.grow(b, 1000) // gone: nothing to count
	big := add(1000)
	_, err = s.Get(big.ID)
	require.NoError(t, err, "the newest is kept even if it is too large alone")
	now = now.Add(time.Minute)
	_, err = s.Get(big.ID)
	require.ErrorIs(t, err, ErrGone)
	last := add(1)
	now = now.Add(time.Hour)
	s.Sweep()
	n, bytes = s.Size()
	require.Zero(t, n)
	require.Zero(t, bytes)
	require.False(t, s.Delete(last.ID))
}

func TestBudget(t *testing.T) {
	b := &Budget{most: 3 * firstPiece}
	data, release, err := b.Read(strings.NewReader("hello"), 0)
	require.NoError(t, err)
	require.Equal(t, "hello", string(data))
	require.Equal(t, int64(firstPiece), b.Used())
	_, release2, err := b.Read(strings.NewReader(strings.Repeat("x", 2*firstPiece+1)), 0)
	require.ErrorIs(t, err, ErrBusy)
	release2()
	release()
	release()
	require.Zero(t, b.Used())
	_, release, err = b.Read(iotest.ErrReader(errors.New("broken")), 5)
	require.ErrorContains(t, err, "broken")
	release()
	require.Zero(t, b.Used())
}

// What an upload says of its length is taken for what it is: no more memory than that when it is true, and
// nothing is lost when it is not.
func TestBudgetBelievesWhatArrives(t *testing.T) {
	text := strings.Repeat("x", 5*firstPiece)
	for _, whole := range []int{-1, 0, 1, firstPiece, 5*firstPiece - 1, 5 * firstPiece, 5*firstPiece + 1,
		1 << 40} {
		b := &Budget{most: 1 << 20}
		data, release, err := b.Read(iotest.DataErrReader(strings.NewReader(text)), int64(whole))
		require.NoError(t, err)
		require.Equal(t, text, string(data), whole)
		require.LessOrEqual(t, cap(data), len(text)*17/16, whole)
		require.LessOrEqual(t, b.Used(), int64(16*firstPiece), whole)
		if whole == len(text) {
			require.Equal(t, int64(whole), b.Used())
		}
		release()
		require.Zero(t, b.Used())
	}
}

func TestLazy(t *testing.T) {
	var l lazy[int]
	_, err := l.get(t.Context(), func(context.Context) (int, error) { return 0, errors.New("once") })
	require.ErrorContains(t, err, "once")
	_, ok := l.peek()
	require.False(t, ok)

	stopped := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			_, err := l.get(ctx, func(ctx context.Context) (int, error) {
				<-ctx.Done()
				close(stopped)
				return 0, context.Cause(ctx)
			})
			require.ErrorIs(t, err, context.Canceled)
		})
	}
	time.Sleep(10 * time.Millisecond)
	cancel()
	wg.Wait()
	<-stopped // the making stopped when the last one left

	calls := 0
	for range 3 {
		v, err := l.get(t.Context(), func(context.Context) (int, error) { calls++; return 7, nil })
		require.NoError(t, err)
		require.Equal(t, 7, v)
	}
	require.Equal(t, 1, calls)
}
