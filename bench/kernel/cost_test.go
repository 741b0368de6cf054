package kernel_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/cpuid/v2"
	"github.com/stretchr/testify/require"

	"truegrain/bench/kernel"
)

func TestCountedCyclesAreOfPasses(t *testing.T) {
	i := builtin(t)
	for name, cycles := range kernel.Counted {
		op, pass, _ := strings.Cut(name, "/")
		require.Positive(t, bench(t, i, op, pass, shapesOf(op)[0]).Cycles, name)
		require.Less(t, cycles, 20., name)
	}
	require.Equal(t, 22., bench(t, i, "gelu", "forward", "32").Cycles)
	require.Zero(t, bench(t, i, "relu", "forward", "32").Cycles)
}

// TestBytesThatMoveTwice: a batch norm in training passes x for its sums, and again. What the last cache
// can't keep in between is moved twice.
func TestBytesThatMoveTwice(t *testing.T) {
	const channels, beyond = 1024, 100
	i, cache := builtin(t), max(0, cpuid.CPU.Cache.L3)
	bytes := func(rows int, words string) int64 {
		return bench(t, i, "batchnorm", "forward", fmt.Sprintf("%dx%d%s", rows, channels, words)).Cost.Bytes
	}
	rows := cache/(4*channels) + beyond
	require.Equal(t, int64(4*channels*rows-cache), bytes(rows, "+train")-bytes(rows, ""))
	if cache > 0 {
		require.Equal(t, bytes(rows/2, ""), bytes(rows/2, "+train"), "what the cache keeps is moved once")
	}
}
