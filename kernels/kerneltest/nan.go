package kerneltest

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// RunNaN runs the forward of every case with a NaN in each input in turn: a NaN must come out where the
// oracle has one, for one that is swallowed hides a run that has gone wrong; and nowhere else, but for the
// weights of convolutions, which may be multiplied by the zeros around a picture.
func RunNaN(t *testing.T, be kernels.Backend) {
	for _, c := range Cases() {
		t.Run(c.Op.Stem()+"/"+c.Name, func(t *testing.T) {
			for field, n := range c.In {
				if _, index := c.Ints[field]; !index && n > 0 {
					c.nan(t, be, field, n)
				}
			}
		})
	}
}

func (c Case) nan(t *testing.T, be kernels.Backend, field string, n int) {
	s := &session{t: t, be: be, c: c, oracle: ref.Open64()}
	values := map[string][]float64{}
	for f, n := range c.In {
		values[f] = s.random(f, n)
	}
	values[field][n/2] = math.NaN()
	want, got := s.op(s.oracle, values), s.op(be, values)
	want.Interface().(kernels.Op).Run(s.oracle)
	got.Interface().(kernels.Op).Run(be)
	padded := field == "Weight" && strings.HasPrefix(c.Op.Stem(), "conv")
	for f := range c.Out {
		if f == "Index" {
			continue
		}
		w := read(s.oracle, want.FieldByName(f).Interface().(kernels.Buf))
		g := read(be, got.FieldByName(f).Interface().(kernels.Buf))
		for i := range w {
			if padded && !math.IsNaN(w[i]) {
				continue
			}
			require.Equal(t, math.IsNaN(w[i]), math.IsNaN(g[i]), "NaN in %s: %s[%d] is %v, want %v",
				field, f, i, g[i], w[i])
		}
	}
}
