package ref_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/kerneltest"
	"truegrain/kernels/ref"
)

// The oracle in float32 is held to itself in float64; gradcheck and the golden files hold float64 to the
// truth.
func TestConformance(t *testing.T) { kerneltest.Run(t, ref.Open32()) }

// TestEveryOpHasACase: the suite has a row for each op of the contract and for each backward, but for those
// that it runs by a function of their own.
func TestEveryOpHasACase(t *testing.T) {
	own := []string{"Concat", "ConcatBackward", "Cast", "Normalize", "SGD", "Adam"}
	cases := map[reflect.Type]bool{}
	for _, c := range kerneltest.Cases() {
		cases[reflect.TypeOf(c.Op)] = true
		if c.Grad != nil {
			cases[reflect.TypeOf(c.Grad)] = true
		}
	}
	ops := reflect.TypeFor[kernels.Unsupported]()
	for i := range ops.NumMethod() {
		m := ops.Method(i)
		// receiver, arguments
		if m.Type.NumIn() == 2 && m.Type.NumOut() == 0 && !slices.Contains(own, m.Name) {
			require.True(t, cases[m.Type.In(1)], "kerneltest/cases.go has no row for %s", m.Name)
		}
	}
}
