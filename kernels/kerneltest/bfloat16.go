package kerneltest

import (
	"slices"
	"testing"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// BFloat16Tolerance is the largest relative L2 error of a result in bfloat16 against the oracle's, rounded
// once. The two differ only where float32's errors (Tolerance) cross the middle between two bfloat16 numbers,
// in about 1e-5/2⁻⁸ of the elements, then by 2⁻⁸: √(2.6e-3)·2⁻⁸ = 2e-4. A result that was rounded twice errs
// by some 1e-3, one that was added up in bfloat16 by far more.
const BFloat16Tolerance = 5e-4

// RunBFloat16 runs the cases of some stems on a backend with activations and their gradients in bfloat16;
// statistics and the parameters of norms, and the values of losses, stay float32.
func RunBFloat16(t *testing.T, be kernels.Backend, stems ...string) {
	for _, c := range Cases() {
		if !slices.Contains(stems, c.Op.Stem()) {
			continue
		}
		t.Run(c.Op.Stem()+"/"+c.Name, func(t *testing.T) {
			s := &session{bf16: true, t: t, be: be, c: c, oracle: ref.Open64()}
			s.forward()
			s.backwards()
			s.guards()
		})
	}
}

// half says that a field is bfloat16.
func (s *session) half(field string) bool {
	if _, ok := s.c.Ints[field]; ok || !s.bf16 || slices.Contains(s.wide, field) {
		return false
	}
	switch field {
	case "Gamma", "Beta", "DGamma", "DBeta", "Mean", "RStd", "RunningMean", "RunningVar",
		"Sums", "Index", "LSE":
		return false
	case "Y", "DY":
		return !slices.Contains([]string{"bce", "bcelogits", "mse", "crossentropy"}, s.c.Op.Stem())
	}
	return true
}

// round is v as the field's type holds it.
func (s *session) round(field string, v float64) float64 {
	if s.half(field) {
		return float64(kernels.BF16Float(kernels.BF16Bits(float32(v))))
	}
	return float64(float32(v))
}
