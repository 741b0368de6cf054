package cpu

import (
	"fmt"
	"testing"

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
		func(c *choices) *choice { return &c.copied },
	}
	winogradChoices = []func(*choices) *choice{func(c *choices) *choice { return &c.shared }}
)

// forChoices calls f as shapes choose, and then with all combinations of some choices being forced on or off.
func forChoices(b *Backend, some []func(*choices) *choice, f func(forced string)) {
	defer func() { b.choices = choices{} }()
	f("")
	for bits := range 1 << len(some) {
		for i, field := range some {
			*field(&b.choices) = always + choice(bits>>i&1)
		}
		f(fmt.Sprintf(", forced %0*b", len(some), bits))
	}
}

// TestConformanceForced runs the cases of all products with every choice on, and with every choice off.
func TestConformanceForced(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		b := testBackend(t, l)
		for _, c := range []choice{always, never} {
			b.choices = choices{c, c, c, c, c, c, c}
			t.Run(map[choice]string{always: "on", never: "off"}[c], func(t *testing.T) {
				kerneltest.RunOps(t, b, "gemm", "linear", "conv2d", "convtranspose2d")
			})
		}
	})
}
