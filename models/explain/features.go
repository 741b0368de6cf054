package explain

import (
	"cmp"
	"math"
	"slices"
)

// Features are some channels of a layer's output for the first picture of the batch, each a map of H×W cells,
// those of the largest mean magnitude first.
type Features struct {
	H, W     int
	Channels []int       // their numbers
	Values   [][]float32 // of each, row-major
	Negative bool        // some value is below 0
	Max      float64     // the magnitude that 99.5 % of all these values stay below: one scale for all
}

// featureShare is the share of the values of Features below the end of their scale.
const featureShare = 0.995

// Features is up to n channels of a tapped layer; tokens are laid out as the patches they stand for.
func (p *Pass) Features(layer string, n int) (*Features, error) {
	v, err := p.tapped(layer)
	if err != nil {
		return nil, err
	}
	h, w, c, first, _, err := grid(v.Shape())
	if err != nil {
		return nil, err
	}
	values, err := v.Values()
	if err != nil {
		return nil, err
	}
	cells := values[first : first+h*w*c]
	f := &Features{H: h, W: w, Channels: strongest(cells, c, n)}
	var all []float32
	for _, ch := range f.Channels {
		m := make([]float32, h*w)
		for i := range m {
			m[i] = cells[i*c+ch]
			f.Negative = f.Negative || m[i] < 0
		}
		f.Values, all = append(f.Values, m), append(all, m...)
	}
	f.Max = Strongest(all, featureShare)
	return f, nil
}

// strongest is the n of c channels with the largest mean magnitude, in that order; of equals the first.
func strongest(cells []float32, c, n int) []int {
	sum, order := make([]float64, c), make([]int, c)
	for i, v := range cells {
		sum[i%c] += math.Abs(float64(v))
	}
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sum[b], sum[a]) })
	return order[:min(n, c)]
}
