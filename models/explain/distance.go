package explain

import "math"

// Distances is the mean attention distance of each layer and head (Dosovitskiy et al. 2021, fig. 7), in
// patches, for picture b: how far from a patch the patches lie that it attends to,
//
//	d[l][h] = 1/P · Σ_i Σ_j A[i,j]·|i − j| / Σ_j A[i,j]
//
// over the P patches, their centres one apart, the class token left out.
func (a *Attention) Distances(b int) [][]float64 {
	side := int(math.Round(math.Sqrt(float64(a.T - 1))))
	far := make([]float64, side*side) // by the differences of rows and columns
	for i := range far {
		far[i] = math.Hypot(float64(i/side), float64(i%side))
	}
	out := make([][]float64, len(a.Layers))
	for l := range out {
		out[l] = make([]float64, a.Heads)
		for h := range a.Heads {
			out[l][h] = a.distance(a.of(b, l, h), side, far)
		}
	}
	return out
}

func (a *Attention) distance(m []float32, side int, far []float64) float64 {
	apart := func(i, j int) int { return max(i-j, j-i) }
	var mean float64
	patches := side * side
	for i := range patches {
		row := m[(i+1)*a.T+1 : (i+2)*a.T]
		var sum, all float64
		for j, p := range row {
			sum += float64(p) * far[apart(i/side, j/side)*side+apart(i%side, j%side)]
			all += float64(p)
		}
		if all > 0 {
			mean += sum / all / float64(patches)
		}
	}
	return mean
}
