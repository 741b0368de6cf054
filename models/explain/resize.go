package explain

import "slices"

// Resize is a grid of h×w values at oh×ow, bilinear with pixel centres at half integers (kernels.Resize has
// the formula), for maps that are already in host memory.
func Resize(v []float32, h, w, oh, ow int) []float32 {
	if h == oh && w == ow {
		return v
	}
	out := make([]float32, oh*ow)
	ys, xs := axis(h, oh), axis(w, ow)
	for i, y := range ys {
		top, bottom := v[y.lo*w:(y.lo+1)*w], v[y.hi*w:(y.hi+1)*w]
		row := out[i*ow : (i+1)*ow]
		for j, x := range xs {
			a := top[x.lo] + x.f*(top[x.hi]-top[x.lo])
			b := bottom[x.lo] + x.f*(bottom[x.hi]-bottom[x.lo])
			row[j] = a + y.f*(b-a)
		}
	}
	return out
}

// sample is between which two cells an output cell reads, and how far along.
type sample struct {
	lo, hi int
	f      float32
}

func axis(n, out int) []sample {
	s := make([]sample, out)
	for i := range s {
		at := max(0, (float64(i)+0.5)*float64(n)/float64(out)-0.5)
		lo := min(int(at), n-1)
		s[i] = sample{lo, min(lo+1, n-1), float32(at - float64(lo))}
	}
	return s
}

// quantile sorts v and reads it at the share q of its length.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[min(len(v)-1, int(q*float64(len(v))))]
}
