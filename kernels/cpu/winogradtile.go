package cpu

// Winograd's minimal filtering F(m×m, 3×3) computes m×m pixels from n×n, n = m+2, with n² multiplications for
// each pair of channels (Lavin & Gray, "Fast algorithms for convolutional neural networks", 2016):
//
//	Y = Aᵀ·[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]·A
//
// Its transpose, F(3×3, m×m), is the gradient of the weights: dg = Gᵀ·[(A·dY·Aᵀ) ⊙ (Bᵀ·d·B)]·G.
//
// m = 2 interpolates at 0, ±1 and ∞, m = 4 at 0, ±a, ±b and ∞. With a = 5/8 and b = 3/2 all entries of A and
// B are exact, and the error is half that of the usual 1 and 2.
const (
	winogradA, winogradB                 = 0.625, 1.5
	winogradA2, winogradB2               = winogradA * winogradA, winogradB * winogradB
	winogradProduct, winogradSum         = winogradA2 * winogradB2, winogradA2 + winogradB2
	winogradA3, winogradB3       float32 = winogradA2 * winogradA, winogradB2 * winogradB
)

// winogradFilter is G, for m = 2 and 4.
var winogradFilter = map[int][][3]float64{
	2: {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}},
	4: {{1 / winogradProduct, 0, 0}, filterAt(winogradA, winogradB), filterAt(-winogradA, winogradB),
		filterAt(winogradB, winogradA), filterAt(-winogradB, winogradA), {0, 0, 1}},
}

// filterAt is the row of G for the point p, beside which there are −p, ±other, 0 and ∞.
func filterAt(p, other float64) [3]float64 {
	d := 2 * p * p * (p*p - other*other)
	return [3]float64{1 / d, p / d, p * p / d}
}

// winogradInputLine is Bᵀ·d.
func winogradInputLine(m int, d, y []float32) {
	if m == 2 {
		y[0], y[1], y[2], y[3] = d[0]-d[2], d[1]+d[2], d[2]-d[1], d[1]-d[3]
		return
	}
	y[0] = winogradProduct*d[0] - winogradSum*d[2] + d[4]
	y[5] = winogradProduct*d[1] - winogradSum*d[3] + d[5]
	even, odd := d[4]-winogradB2*d[2], winogradA*(d[3]-winogradB2*d[1])
	y[1], y[2] = even+odd, even-odd
	even, odd = d[4]-winogradA2*d[2], winogradB*(d[3]-winogradA2*d[1])
	y[3], y[4] = even+odd, even-odd
}

// winogradOutputLine is Aᵀ·x.
func winogradOutputLine(m int, x, y []float32) {
	if m == 2 {
		y[0], y[1] = x[0]+x[1]+x[2], x[1]-x[2]-x[3]
		return
	}
	s1, d1, s2, d2 := x[1]+x[2], x[1]-x[2], x[3]+x[4], x[3]-x[4]
	y[0] = x[0] + s1 + s2
	y[1] = winogradA*d1 + winogradB*d2
	y[2] = winogradA2*s1 + winogradB2*s2
	y[3] = winogradA3*d1 + winogradB3*d2 + x[5]
}

// winogradGradientLine is A·d.
func winogradGradientLine(m int, d, y []float32) {
	if m == 2 {
		y[0], y[1], y[2], y[3] = d[0], d[0]+d[1], d[0]-d[1], -d[1]
		return
	}
	even, odd := d[0]+winogradA2*d[2], winogradA*d[1]+winogradA3*d[3]
	y[0], y[1], y[2] = d[0], even+odd, even-odd
	even, odd = d[0]+winogradB2*d[2], winogradB*d[1]+winogradB3*d[3]
	y[3], y[4], y[5] = even+odd, even-odd, d[3]
}

// winogradWeightsLine is Gᵀ·x.
func winogradWeightsLine(m int, x, y []float32) {
	clear(y[:3])
	for i, f := range winogradFilter[m] {
		for j, v := range f {
			y[j] += float32(v) * x[i]
		}
	}
}

// winogradFilterLine is G·g.
func winogradFilterLine(m int, g, y []float64) {
	for i, f := range winogradFilter[m] {
		y[i] = f[0]*g[0] + f[1]*g[1] + f[2]*g[2]
	}
}

// winogradInputGo is the transform of pixels in Go: V[i][j] = (Bᵀ·d·B)[i][j] for every channel and tile.
func winogradInputGo(m int) winogradKernel {
	return winogradSpreadGo(m, m+2, func(d, y []float32) { winogradInputLine(m, d, y) })
}

// winogradGradientGo is the transform of positions of dy in Go: (A·dy·Aᵀ)[i][j] for every channel and tile.
func winogradGradientGo(m int) winogradKernel {
	return winogradSpreadGo(m, m, func(d, y []float32) { winogradGradientLine(m, d, y) })
}

// winogradFilterGo is the transform of weights in Go, in float64: U[i][j] = (G·g·Gᵀ)[i][j] for every channel
// and filter.
func winogradFilterGo(m int) winogradKernel {
	return winogradSpreadGo(m, 3, func(g, y []float64) { winogradFilterLine(m, g, y) })
}

// winogradSpreadGo writes a transform of from×from elements to n×n planes: L·d·Lᵀ, where line is y = L·d.
func winogradSpreadGo[T float32 | float64](m, from int, line func(d, y []T)) winogradKernel {
	return func(args *winogradArgs) {
		n := m + 2
		var d, v [36][]float32
		offsets := offsetsAt(args.offsets, from*from)
		for ; args.tiles > 0; args.tiles-- {
			for i := range from * from {
				d[i] = floatsAt(args.pixels+uintptr(offsets[i]), args.count)
			}
			for i := range n * n {
				v[i] = floatsAt(args.planes+uintptr(i*args.plane), args.count)
			}
			for c := range args.count {
				var half, in, out [36]T
				for j := range from {
					for i := range from {
						in[i] = T(d[from*i+j][c])
					}
					line(in[:], out[:])
					for i := range n {
						half[from*i+j] = out[i]
					}
				}
				for i := range n {
					line(half[from*i:], out[:])
					for j := range n {
						v[n*i+j][c] = float32(out[j])
					}
				}
			}
			args.pixels += uintptr(args.step)
			args.planes += uintptr(args.advance)
		}
	}
}

// winogradOutputGo makes pixels in Go: y[i][j] = relu((Aᵀ·M·A)[i][j] + bias + res[i][j]) for every channel
// and tile, and i < rows, j < cols.
func winogradOutputGo(m int) winogradKernel {
	return winogradCollectGo(m, m, func(x, y []float32) { winogradOutputLine(m, x, y) })
}

// winogradWeightsGo makes gradients of weights in Go: dw[i][j] = (Gᵀ·dU·G)[i][j] + res[i][j] for every
// channel and filter.
func winogradWeightsGo(m int) winogradKernel {
	return winogradCollectGo(m, 3, func(x, y []float32) { winogradWeightsLine(m, x, y) })
}

// winogradCollectGo makes to×to elements of n×n planes, L·M·Lᵀ, where line is y = L·x, and their epilogue.
func winogradCollectGo(m, to int, lineOf func(x, y []float32)) winogradKernel {
	return func(args *winogradArgs) {
		n := m + 2
		var planes [36][]float32
		for ; args.tiles > 0; args.tiles-- {
			for i := range n * n {
				planes[i] = floatsAt(args.planes+uintptr(i*args.plane), args.count)
			}
			for c := range args.count {
				var half, line, y [36]float32
				for i := range n {
					for j := range n {
						line[j] = planes[n*i+j][c]
					}
					lineOf(line[:], half[to*i:])
				}
				for j := range args.cols {
					for i := range n {
						line[i] = half[to*i+j]
					}
					lineOf(line[:], y[:])
					for i, v := range y[:args.rows] {
						args.put(v, args.pixels+uintptr(i*args.row+j*args.col), c)
					}
				}
			}
			args.pixels += uintptr(args.step)
			args.planes += uintptr(args.advance)
		}
	}
}

// put finishes channel c of the pixel at addr.
func (args *winogradArgs) put(v float32, addr uintptr, c int) {
	if args.flags&flagBias != 0 {
		v += floatsAt(args.bias, args.count)[c]
	}
	if args.flags&flagRes != 0 {
		v += floatsAt(addr+args.res, args.count)[c]
	}
	if args.flags&flagReLU != 0 && v < 0 {
		v = 0
	}
	floatsAt(addr, args.count)[c] = v
}
