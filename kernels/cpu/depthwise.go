package cpu

import "unsafe"

// The kernels of convolutions in groups of few channels in Go: level generic, and what the assembly is tested
// against.

// window calls f for every element of the window: how far it is behind in, and where its weights are behind
// weights, in bytes.
func (args *depthwiseArgs) window(f func(in, weight int)) {
	in, weight := 0, 0
	for range args.rows {
		for range args.cols {
			f(in, weight)
			in, weight = in+args.colStep, weight+args.colWeight
		}
		in, weight = in+args.rowStep, weight+args.rowWeight
	}
}

// panels calls f for the panels of some width: its channels lo..hi-1, and where it is behind weights.
func (args *depthwiseArgs) panels(width int, f func(lo, hi, panel int)) {
	for lo := 0; lo < args.channels; lo += width {
		f(lo, min(args.channels, lo+width), lo/width*args.panel)
	}
}

// mates is the group that channel c belongs to: of x, its inputs.
func (args *depthwiseArgs) mates(x []float32, c int) []float32 {
	return x[c/args.group*args.group:][:args.group]
}

// weightsAt is the weights of n channels that lie some bytes behind the first, either way.
func (args *depthwiseArgs) weightsAt(bytes, n int) []float32 { return rowAt(args.weights, bytes, n) }

// slideGo is, for every position, the sum of the window's vectors times their weights, plus bias and
// residual, rectified where that is asked for.
func slideGo(args *depthwiseArgs) {
	sum := make([]float32, args.channels)
	for i := range args.positions {
		clear(sum)
		if args.bias != nil {
			copy(sum, unsafe.Slice(args.bias, args.channels))
		}
		args.window(func(in, weight int) {
			x := rowAt(args.in, i*args.inStep+in, args.channels)
			args.panels(genericWidth, func(lo, hi, panel int) {
				for i := range args.group {
					w := args.weightsAt(panel+weight+4*genericWidth*i, hi-lo)
					for j := lo; j < hi; j++ {
						sum[j] = float32(float64(args.mates(x, j)[i])*float64(w[j-lo]) + float64(sum[j]))
					}
				}
			})
		})
		out := rowAt(args.out, i*args.outStep, args.channels)
		for j, v := range sum {
			if args.res != nil {
				v += rowAt(args.res, i*args.outStep, args.channels)[j]
			}
			if args.rectify != 0 {
				v = masked(v, notNegative(v))
			}
			out[j] = v
		}
	}
}

// slideWeightsGo adds to the weights of every element of the window, and of every input of a group, the sum
// over positions of dy times what lies there.
func slideWeightsGo(args *depthwiseArgs) {
	sum := make([]float32, args.channels)
	args.window(func(in, weight int) {
		for k := range args.group {
			clear(sum)
			for i := range args.positions {
				x := rowAt(args.in, i*args.inStep+in, args.channels)
				for j, dy := range rowAt(args.out, i*args.outStep, args.channels) {
					sum[j] = float32(float64(args.mates(x, j)[k])*float64(dy) + float64(sum[j]))
				}
			}
			args.panels(genericWidth, func(lo, hi, panel int) {
				w := args.weightsAt(panel+weight+4*genericWidth*k, hi-lo)
				for j := range w {
					w[j] += sum[lo+j]
				}
			})
		}
	})
}
