package kernel_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/bench/kernel"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
)

// small has a shape of every op, and more where an op has options.
var small = map[string][]string{
	"conv2d": {"2x9x8x16-24k3p1", "1x12x12x8-16k3s2p2d2+bias+res+relu", "2x7x7x8-12k3p1g4+bias",
		"1x9x9x4-70k1+sums",
		"1x8x8x3-4k1x7p0x3"},
	"convtranspose2d":   {"1x7x7x16-12k4s2p1", "2x5x6x3-3k5s3p1o1+bias", "1x4x4x8-8k2s2g2"},
	"linear":            {"17x33-40+bias+res+relu", "5x8-3"},
	"gemm":              {"19x20x21", "6x7x8b3+tb", "9x10x11+ta"},
	"attention":         {"2x3x17x8+lse", "1x1x1x4+lse"},
	"maxpool2d":         {"2x9x9x8k3s2p1+index", "1x9x9x5-5x5k2s2+index"},
	"avgpool2d":         {"2x9x9x8k3s2p1"},
	"adaptiveavgpool2d": {"2x7x5x8-1x1"},
	"resize":            {"2x5x5x3-17x19"},
	"pad":               {"1x5x5x3-1x2x3x4"},
	"batchnorm":         {"50x6+train+relu+res", "40x5+train+sums", "40x5+relu"},
	"layernorm":         {"9x33"},
	"softmax":           {"9x33"},
	"slice":             {"3x10x5-2x7"},
	"sum":               {"3x10x5"},
	"bias":              {"9x33"},
	"crossentropy":      {"9x33"},
	"adam":              {"7001", "7001+decoupled"},
}

func shapesOf(op string) []string {
	if s := small[op]; s != nil {
		return s
	}
	return []string{"7001"}
}

func builtin(t *testing.T) *kernel.Impl {
	t.Helper()
	i, err := kernel.OpenImpl(kernel.Builtin)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, i.Close()) })
	return i
}

func bench(t *testing.T, i *kernel.Impl, op, pass, shape string) *kernel.Bench {
	t.Helper()
	p, err := kernel.New(op, pass, shape)
	require.NoError(t, err)
	b, err := p.Load(i.Backend)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func TestEveryOpMatchesRef(t *testing.T) {
	i := builtin(t)
	for _, op := range kernel.Ops() {
		passes, err := kernel.Passes(op)
		require.NoError(t, err)
		for _, pass := range passes {
			for _, shape := range shapesOf(op) {
				b := bench(t, i, op, pass, shape)
				call, err := b.Prepare(i)
				require.NoError(t, err)
				for range 2 { // a second time: state is put back
					e, err := b.Check(call)
					require.NoError(t, err)
					require.LessOrEqual(t, e, kernel.Tolerance)
				}
				require.Positive(t, b.Cost.Bytes, b.Name())
			}
		}
	}
}

// TestPacked: products with weights packed beforehand match, and other ops have none to pack.
func TestPacked(t *testing.T) {
	host := builtin(t)
	for _, how := range []string{"exact", "fast", "bfloat16"} {
		i, err := kernel.OpenImpl(how)
		require.NoError(t, err)
		for op, shape := range map[string]string{"conv2d": "1x16x16x64-64k3p1+bias+relu",
			"convtranspose2d": "1x7x7x16-12k4s2p1",
			"linear":          "17x64-48+bias"} {
			b := bench(t, host, op, "forward", shape)
			call, err := b.Prepare(i)
			if refused := (*kernel.Refusal)(nil); errors.As(err, &refused) {
				continue // this level has no such packing
			}
			require.NoError(t, err)
			require.NotEmpty(t, call.Method)
			_, err = b.Check(call)
			require.NoError(t, err)
			call.Close()
		}
		_, err = bench(t, host, "relu", "forward", "9").Prepare(i)
		require.ErrorContains(t, err, "no weights")
		_, err = bench(t, host, "linear", "dx", "9x8-7").Prepare(i)
		require.ErrorContains(t, err, "no weights")
		require.NoError(t, i.Close())
	}
}

func TestNotationRoundTrips(t *testing.T) {
	for _, op := range kernel.Ops() {
		for _, shape := range append(shapesOf(op), kernel.Notation(op)) {
			s, err := kernel.ParseSpec(shape)
			require.NoError(t, err)
			require.Equal(t, shape, s.String())
			passes, err := kernel.Passes(op)
			require.NoError(t, err)
			_, err = kernel.New(op, passes[0], shape)
			require.NoError(t, err)
		}
	}
}

func TestDescribeWritesWhatNewReads(t *testing.T) {
	op := kernels.Conv2D{Window: kernels.Window{KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1,
		DilH: 1, DilW: 1},
		B: 8, H: 56, W: 56, C: 128, OC: 128, Groups: 1, Act: kernels.WithReLU, Bias: kernels.Of([]float32{0})}
	stem, shape, ok := kernel.Describe(op)
	require.True(t, ok)
	require.Equal(t, "conv2d 8x56x56x128-128k3s2p1+bias+relu", stem+" "+shape)
	_, _, ok = kernel.Describe(kernels.Concat{})
	require.False(t, ok)
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ op, pass, shape, says string }{
		{"conv3d", "forward", "1", "there are conv2d"},
		{"conv2d", "forward", "1x2x3", "has 3 sizes, want 4"},
		{"conv2d", "forward", "1x8x8x3", "sizes of the result are missing"},
		{"conv2d", "forward", "1x8x8x3-4k3s0", "stride"},
		{"conv2d", "forward", "1x8x8x3-4k3g2", "must divide"},
		{"conv2d", "forward", "1x8x8x3-4k3z2", `option 'z'`},
		{"conv2d", "forward", "1x8x8x3-4k3+tanh", "+tanh"},
		{"conv2d", "dz", "1x8x8x3-4k3", "no pass"},
		{"linear", "dx", "4x8-8+gelu", "no backward"},
		{"relu", "forward", "12 34", "want sizes"},
	} {
		_, err := kernel.New(c.op, c.pass, c.shape)
		require.ErrorContains(t, err, c.says)
	}
	p, err := kernel.New("relu", "forward", "99999999999999999999999")
	require.NoError(t, err)
	_, err = p.Load(builtin(t).Backend)
	require.ErrorContains(t, err, "more than 8 GiB")
}

// TestCheckFindsAnErrorOfOnePartInAThousand in every op and every result, in the part that is compared.
func TestCheckFindsAnErrorOfOnePartInAThousand(t *testing.T) {
	i := builtin(t)
	for _, c := range []struct{ op, pass, shape string }{
		{"conv2d", "forward", "2x9x8x16-24k3p1"}, {"conv2d", "dx", "2x9x8x16-24k3p1"},
		{"conv2d", "dw", "2x9x8x16-24k3p1"},
		{"attention", "backward", "2x3x17x8+lse"}, {"adam", "forward", "7001"},
		{"batchnorm", "backward", "50x6+train+relu"},
	} {
		b := bench(t, i, c.op, c.pass, c.shape)
		call, err := b.Prepare(i)
		require.NoError(t, err)
		run := call.Run
		for _, factor := range []float64{1.001, math.NaN()} {
			call.Run = func() {
				run()
				b.Scale(factor)
			}
			_, err := b.Check(call)
			require.ErrorIs(t, err, kernel.ErrDiffers, b.Name())
		}
		call.Run = func() {}
		_, err = b.Check(call)
		require.ErrorIs(t, err, kernel.ErrDiffers, "nothing written")
	}
}

func TestRegister(t *testing.T) {
	kernel.Register("test-relu", func(op kernels.ReLU) {
		if op.N > 10 {
			kernel.Refuse("%d is too many", op.N)
		}
		y := kernels.Floats[float32](op.Y)
		for i, x := range kernels.Floats[float32](op.X) {
			y[i] = max(x, 0)
		}
	})
	require.Contains(t, kernel.Registered(), "test-relu")
	require.Panics(t, func() { kernel.Register("test-relu", func(kernels.ReLU) {}) }, "taken")
	require.Panics(t, func() { kernel.Register("ref", func(kernels.GELU) {}) }, "reserved")
	require.Panics(t, func() { kernel.Register("test-relu", func(fmt.Stringer) {}) }, "no op")

	mine, err := kernel.OpenImpl("test-relu")
	require.NoError(t, err)
	require.NoError(t, mine.Close())
	i := builtin(t)
	b := bench(t, i, "relu", "forward", "9")
	call, err := b.Prepare(mine)
	require.NoError(t, err)
	e, err := b.Check(call)
	require.NoError(t, err)
	require.Zero(t, e)

	large := bench(t, i, "relu", "forward", "11")
	call, err = large.Prepare(mine)
	require.NoError(t, err)
	_, err = large.Check(call)
	require.ErrorContains(t, err, "11 is too many")
	_, err = bench(t, i, "relu", "backward", "9").Prepare(mine)
	require.ErrorContains(t, err, "not registered for kernels.ReLUGrad")

	_, err = kernel.OpenImpl("theirs")
	require.ErrorContains(t, err, "test-relu")
}
