package cpu

import (
	"fmt"
	"math/bits"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/kerneltest"
)

// The choices that meet in a product, in a convolution or its gradients, and in Winograd's.
var (
	gemmChoices = []func(*choices) *choice{
		func(c *choices) *choice { return &c.fresh },
		func(c *choices) *choice { return &c.inPlace },
		func(c *choices) *choice { return &c.copied },
	}
	convChoices = []func(*choices) *choice{
		func(c *choices) *choice { return &c.fresh },
		func(c *choices) *choice { return &c.packed },
		func(c *choices) *choice { return &c.joined },
		func(c *choices) *choice { return &c.turned },
		func(c *choices) *choice { return &c.halved },
		func(c *choices) *choice { return &c.copied },
	}
	winogradChoices = []func(*choices) *choice{func(c *choices) *choice { return &c.shared }}
)

// forChoices calls f as shapes choose, and then with all combinations of some choices being forced on or off:
// with -short, those in which at most one differs from the others.
func forChoices(b *Backend, some []func(*choices) *choice, f func(forced string)) {
	defer func() { b.choices = choices{} }()
	f("")
	for set := range 1 << len(some) {
		if off := bits.OnesCount(uint(set)); testing.Short() && off > 1 && off < len(some)-1 {
			continue
		}
		for i, field := range some {
			*field(&b.choices) = always + choice(set>>i&1)
		}
		f(fmt.Sprintf(", forced %0*b", len(some), set))
	}
}

// Shapes that are drawn, at each level, with every choice as shapes make it, on and off; with TRUEGRAIN_SLOW=1 many
// more.
func TestRandomShapes(t *testing.T) {
	n := 40
	switch {
	case os.Getenv("TRUEGRAIN_SLOW") != "":
		n = 4000
	case testing.Short():
		n = 5
	}
	for _, l := range levels {
		for i, word := range []string{"", ",on", ",off"} {
			t.Run(l.name+word, func(t *testing.T) {
				be, err := kernels.Open("cpu:" + l.name + word)
				if err != nil {
					t.Skip(err)
				}
				defer be.Close()
				kerneltest.RunRandom(t, be, uint64(1+i*n), n)
			})
		}
	}
}

// TestConformanceForced runs the whole suite with every choice on, and with every choice off.
func TestConformanceForced(t *testing.T) {
	for _, l := range levels {
		for _, word := range []string{"on", "off"} {
			t.Run(l.name+"/"+word, func(t *testing.T) {
				be, err := kernels.Open("cpu:" + l.name + "," + word)
				if err != nil {
					t.Skip(err)
				}
				defer be.Close()
				kerneltest.Run(t, be)
			})
		}
	}
	for _, spec := range []string{"cpu:exact", "cpu:generic,exact"} {
		be, err := kernels.Open(spec)
		require.NoError(t, err)
		require.Equal(t, choices{winograd: never}, be.(*Backend).choices, spec)
		require.NoError(t, be.Close())
	}
	_, err := kernels.Open("cpu:generic,sometimes")
	require.ErrorIs(t, err, kernels.ErrNoBackend)
}
