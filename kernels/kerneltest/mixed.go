package kerneltest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// MixedTolerance is the largest relative L2 error of attention in mixed precision against the oracle's: a
// device may round its results to bfloat16, by 2⁻⁹ at most each, and so the y and dy of its backward, whose
// difference from δ cancels.
const MixedTolerance = 1e-2

// RunMixed runs the products on a device in mixed precision (kernels.Mixed) against those of the oracle in
// mixed precision: both round the same operands, so that results are as near as in float32.
func RunMixed(t *testing.T, be kernels.Backend) {
	m, ok := be.(kernels.Mixed)
	require.True(t, ok, "%s has no mixed precision", be.Name())
	work, ok := m.Mixed()
	require.True(t, ok, "%s has no mixed precision", be.Name())
	oracle, ok := ref.Open32().(kernels.Mixed).Mixed()
	require.True(t, ok)
	for _, c := range Cases() {
		stem := c.Op.Stem()
		if !slices.Contains([]string{"linear", "conv2d", "convtranspose2d", "attention"}, stem) {
			continue
		}
		t.Run(stem+"/"+c.Name, func(t *testing.T) {
			s := &session{t: t, be: work, c: c, oracle: oracle}
			if stem == "attention" {
				s.loose = MixedTolerance
			}
			s.forward()
			s.backwards()
			s.guards()
		})
	}
}
