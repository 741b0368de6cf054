package cpu

import "unsafe"

// The kernels of depthwise convolutions in Go: level generic, and what the assembly is tested against.

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

// weightsAt is the weights of n channels that lie some bytes behind the first, either way.
func (args *depthwiseArgs) weightsAt(bytes, n int) []float32 { return rowAt(args.weights, bytes, n) }

// depthwiseGo is, for every position, the sum of the window's vectors times their weights, plus bias and
// residual, rectified where that is asked for.
func depthwiseGo(args *depthwiseArgs) {
	sum := make([]float32, args.channels)
	for i := range args.positions {
		clear(sum)
		if args.bias != nil {
			copy(sum, unsafe.Slice(args.bias, args.channels))
		}
		args.window(func(in, weight int) {
			x := rowAt(args.in, i*args.inStep+in, args.channels)
			args.panels(genericWidth, func(lo, hi, panel int) {
				w := args.weightsAt(panel+weight, hi-lo)
				for j, v := range x[lo:hi] {
					sum[lo+j] = float32(float64(v)*float64(w[j]) + float64(sum[lo+j]))
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

// depthwiseWeightsGo adds to the weights of every element of the window the sum over positions of dy times what
// lies there.
func depthwiseWeightsGo(args *depthwiseArgs) {
	sum := make([]float32, args.channels)
	args.window(func(in, weight int) {
		clear(sum)
		for i := range args.positions {
			dy := rowAt(args.out, i*args.outStep, args.channels)
			for j, v := range rowAt(args.in, i*args.inStep+in, args.channels) {
				sum[j] = float32(float64(v)*float64(dy[j]) + float64(sum[j]))
			}
		}
		args.panels(genericWidth, func(lo, hi, panel int) {
			w := args.weightsAt(panel+weight, hi-lo)
			for j := range w {
				w[j] += sum[lo+j]
			}
		})
	})
}
