package golden

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Relative is the relative L2 error ‖got − want‖/‖want‖, and ‖got‖ where want is all zero.
func Relative[T Number](got []T, want []float64) float64 {
	var diff, norm float64
	for i, w := range want {
		d := float64(got[i]) - w
		diff += d * d
		norm += w * w
	}
	if norm == 0 {
		return math.Sqrt(diff)
	}
	return math.Sqrt(diff / norm)
}

// Error is what PyTorch's own float32 run made of a tensor, against float64.
func (c *Case) Error(t testing.TB, name string) float64 {
	t.Helper()
	return c.Values(t, "float32_error."+name)[0]
}

// Limit is how far a float32 result may be from a tensor, as a relative error: 4·float32_error + 1e−6.
func (c *Case) Limit(t testing.TB, name string) float64 {
	t.Helper()
	return 4*c.Error(t, name) + 1e-6
}

// LimitBFloat16 is how far a result of bfloat16 operands may be: 2·bfloat16_error + 1e−3.
func (c *Case) LimitBFloat16(t testing.TB, name string) float64 {
	t.Helper()
	return 2*c.Values(t, "bfloat16_error."+name)[0] + 1e-3
}

// Require fails the test unless got, in PyTorch's order, is within the limit of the tensor.
func Require[T Number](t testing.TB, c *Case, name string, got []T) {
	t.Helper()
	want := c.Values(t, name)
	require.Len(t, got, len(want), "%s: %s", c.File, name)
	c.within(t, name, Relative(got, want), c.Limit(t, name))
}

// RequireBFloat16 is Require for what was computed with operands of bfloat16.
func RequireBFloat16[T Number](t testing.TB, c *Case, name string, got []T) {
	t.Helper()
	want := c.Values(t, name)
	require.Len(t, got, len(want), "%s: %s", c.File, name)
	c.within(t, name, Relative(got, want), c.LimitBFloat16(t, name))
}

// within fails the test if a relative error is beyond its limit. With -v it says what share of the limit is
// used.
func (c *Case) within(t testing.TB, what string, err, limit float64) {
	t.Helper()
	t.Logf("%.3f of the limit %.1e: %s: %s", err/limit, limit, c.File, what)
	require.LessOrEqual(t, err, limit, "%s: relative error of %s", c.File, what)
}

// MissedLosses lists the training steps whose loss is further off than its limit, 4·float32_error + 1e−6.
func (c *Case) MissedLosses(t testing.TB, got []float64) (steps []int) {
	t.Helper()
	want, errs := c.Values(t, "losses"), c.Values(t, "float32_error.losses")
	require.Len(t, got, len(want), "%s: losses", c.File)
	for i, w := range want {
		err, limit := math.Abs(got[i]-w)/math.Abs(w), 4*errs[i]+1e-6
		t.Logf("%.3f of the limit %.1e: %s: loss of step %d", err/limit, limit, c.File, i)
		if !(err <= limit) {
			steps = append(steps, i)
		}
	}
	return steps
}

// gradErrors is what PyTorch's float32 run made of each gradient.
func (c *Case) gradErrors(t testing.TB) (errs []float64) {
	for _, n := range c.Names("grad_norm.") {
		errs = append(errs, c.Error(t, "grad."+n))
	}
	return errs
}

// sketch is the larger relative error of the two numbers that stand for a tensor: its L2 norm, and its dot
// product with the probe array(name+".probe") over norm·‖probe‖.
func (c *Case) sketch(t testing.TB, kind, name string, got []float32) float64 {
	t.Helper()
	var norm, dot, probe2 float64
	for i, p := range c.Array(name+".probe", len(got), -1, 1) {
		v := float64(got[i])
		norm += v * v
		dot += v * float64(p)
		probe2 += float64(p) * float64(p)
	}
	wantNorm := c.Values(t, kind+"_norm."+name)[0]
	wantDot := c.Values(t, kind+"_dot."+name)[0]
	if wantNorm == 0 {
		return math.Sqrt(norm)
	}
	ofNorm := math.Abs(math.Sqrt(norm)-wantNorm) / wantNorm
	ofDot := math.Abs(dot-wantDot) / (wantNorm * math.Sqrt(probe2))
	return max(ofNorm, ofDot)
}

// RequireSketch fails the test unless the norm and the dot product of got, in PyTorch's order, are within the
// limit of what the file has for it. kind is "stage" or "buffer".
func (c *Case) RequireSketch(t testing.TB, kind, name string, got []float32) {
	t.Helper()
	c.within(t, kind+" of "+name, c.sketch(t, kind, name, got), c.Limit(t, kind+"."+name))
}

// RequireGrads checks the gradients of a whole model, by parameter, in PyTorch's order. A ReLU whose input is
// nearly zero may fall on either side, so a single parameter is a lottery: each has the limit of the
// parameter on which PyTorch did worst, and the median over the parameters that of PyTorch's median.
func (c *Case) RequireGrads(t testing.TB, grads map[string][]float32) {
	t.Helper()
	names := c.Names("grad_norm.")
	require.Len(t, grads, len(names), "%s: gradients", c.File)
	var errs []float64
	for _, n := range names {
		require.Contains(t, grads, n, "%s: gradients", c.File)
		errs = append(errs, c.sketch(t, "grad", n, grads[n]))
	}
	worst, middle := c.GradLimits(t)
	for i, n := range names {
		require.LessOrEqual(t, errs[i], worst, "%s: gradient of %s", c.File, n)
	}
	c.within(t, "the worst gradient", slices.Max(errs), worst)
	c.within(t, "the median over the gradients", Median(errs), middle)
}

// GradLimits is how far the gradients of a whole model may be off: the worst of its parameters, and the
// median over them.
func (c *Case) GradLimits(t testing.TB) (worst, median float64) {
	t.Helper()
	theirs := c.gradErrors(t)
	return 4*slices.Max(theirs) + 1e-6, 4*Median(theirs) + 1e-6
}

// RequireMixed checks a training in mixed precision by the same rules with bfloat16's errors: every loss,
// every gradient of the first step against the worst of PyTorch's, and the median over them.
func (c *Case) RequireMixed(t testing.TB, losses []float64, grads map[string][]float32) {
	t.Helper()
	want, allowed := c.Values(t, "losses"), c.Values(t, "bfloat16_error.losses")
	require.Len(t, losses, len(want), "%s: losses", c.File)
	for i, w := range want {
		c.within(t, fmt.Sprintf("loss of step %d", i), math.Abs(losses[i]-w)/math.Abs(w), 2*allowed[i]+1e-3)
	}
	var errs, theirs []float64
	for _, n := range c.Names("grad_norm.") {
		require.Contains(t, grads, n, "%s: gradients", c.File)
		errs = append(errs, c.sketch(t, "grad", n, grads[n]))
		theirs = append(theirs, c.Values(t, "bfloat16_error.grad."+n)[0])
	}
	c.within(t, "the worst gradient", slices.Max(errs), 2*slices.Max(theirs)+1e-3)
	c.within(t, "the median over the gradients", Median(errs), 2*Median(theirs)+1e-3)
}

// Median is the middle of some values, or the mean of the two in the middle.
func Median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
