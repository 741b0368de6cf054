package ref_test

import (
	"testing"

	"truegrain/kernels/kerneltest"
	"truegrain/kernels/ref"
)

// The oracle in float32 is held to itself in float64; gradcheck and the golden files hold float64 to the
// truth.
func TestConformance(t *testing.T) { kerneltest.Run(t, ref.Open32()) }
