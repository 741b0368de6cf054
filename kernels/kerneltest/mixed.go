package kerneltest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// parameters are the operands that stay float32 in mixed precision, and their gradients.
var parameters = []string{"Weight", "Bias", "DWeight", "DBias", "Gamma", "Beta", "DGamma", "DBeta"}

// RunMixed runs what meets parameters on a device in mixed precision (kernels.Mixed) against the oracle in
// mixed precision: values and their gradients in bfloat16, parameters and theirs in float32.
func RunMixed(t *testing.T, be kernels.Backend) {
	m, ok := be.(kernels.Mixed)
	require.True(t, ok, "%s has no mixed precision", be.Name())
	work, ok := m.Mixed()
	require.True(t, ok, "%s has no mixed precision", be.Name())
	require.Equal(t, kernels.BF16, work.Activations())
	oracle, ok := ref.Open32().(kernels.Mixed).Mixed()
	require.True(t, ok)
	t.Run("normalize", func(t *testing.T) { normalized(t, work, kernels.BF16) })
	run := func(kind string, wide []string, stems ...string) {
		for _, c := range Cases() {
			if !slices.Contains(stems, c.Op.Stem()) {
				continue
			}
			t.Run(c.Op.Stem()+kind+"/"+c.Name, func(t *testing.T) {
				s := &session{bf16: true, wide: wide, t: t, be: work, c: c, oracle: oracle}
				s.forward()
				s.backwards()
				s.guards()
			})
		}
	}
	run("", parameters, "linear", "conv2d", "convtranspose2d", "bias")
	run(" out of float32", append([]string{"X", "DX"}, parameters...), "layernorm")
	run(" into float32", append([]string{"Residual", "DResidual", "Y", "DY"}, parameters...), "linear")
}
