package cpu

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// fenced is n random floats that end where memory ends: a kernel that reads behind them crashes.
func fenced(t *testing.T, rng *rand.Rand, n int) []float32 {
	page := syscall.Getpagesize()
	size := roundUp(4*n, page)
	mem, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(mem)) })
	require.NoError(t, syscall.Mprotect(mem[size:], syscall.PROT_NONE))
	x := unsafe.Slice((*float32)(unsafe.Pointer(&mem[size-4*n])), n)
	copy(x, randomFloats(rng, n))
	return x
}

func TestNothingIsReadBehindBuffers(t *testing.T) {
	forEachConv(t, func(t *testing.T, b *Backend, rng *rand.Rand, op kernels.Conv2D, _ int) {
		g := conv2DGeometry(op)
		if g.positions() == 0 {
			t.Skip("the result is empty, so nothing is read")
		}
		buf := func(n int) kernels.Buf { return of(fenced(t, rng, n)) }
		op.X, op.Weight, op.Bias = buf(g.pixels()*g.c), buf(g.oc*g.window()), buf(g.oc)
		op.Residual, op.Y = buf(g.positions()*g.oc), buf(g.positions()*g.oc)
		b.Conv2D(op)
		b.Conv2DBackward(kernels.Conv2DGrad{Conv2D: op, DY: buf(op.Y.Len()),
			DX: kernels.Grad{Buf: buf(op.X.Len())}, DWeight: kernels.Grad{Buf: buf(op.Weight.Len())}})
		b.Gemm(kernels.Gemm{M: g.oc, N: g.window(), K: 1, LDA: 1, LDB: g.window(), LDC: g.window(),
			A: buf(g.oc), B: buf(g.window()), C: op.Weight})
	})
}

func TestAttentionReadsNothingBehindBuffers(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		be := testBackend(t, l)
		rng := rand.New(rand.NewPCG(1, 1))
		for _, s := range attentionSizes {
			if s.tq*s.tk == 0 || s.b == 0 || s.tq*s.tk > 50_000 {
				continue
			}
			o := newAttentionOperands(rng, s)
			g := o.grad()
			buf := func(b kernels.Buf) kernels.Buf { return of(fenced(t, rng, b.Len())) }
			g.Q, g.K, g.V, g.Y, g.LSE, g.DY = buf(g.Q), buf(g.K), buf(g.V), buf(g.Y), buf(g.LSE), buf(g.DY)
			g.DQ.Buf, g.DK.Buf, g.DV.Buf = buf(g.DQ.Buf), buf(g.DK.Buf), buf(g.DV.Buf)
			be.Attention(g.Attention)
			be.AttentionMap(kernels.AttentionMap{Attention: g.Attention,
				P: of(fenced(t, rng, s.b*s.nh*s.tq*s.tk))})
			be.AttentionBackward(g)
		}
	})
}
