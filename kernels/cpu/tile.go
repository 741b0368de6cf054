package cpu

import "unsafe"

//go:generate sh -c "cd _gen && go run ."

// tileRows is the height of a tile; a run may end in a lower one.
const tileRows = 6

// tileKernel is one of the kernels that tileArgs describes.
type tileKernel func(args *tileArgs)

// tileGo is the tile kernel of any shape in Go: what the assembly computes, except that a segment's products
// are added up in float64, in which each is exact: Go has no fused multiply-add of float32.
func tileGo(rows int) tileKernel { return tileOf(rows, (*tileArgs).addProducts) }

// addKernel adds the products of a segment to four sums.
type addKernel func(args *tileArgs, sum [4]float32, a, b uintptr, depth int) [4]float32

// tileOf is a tile kernel that adds the products of a segment by add.
func tileOf(rows int, add addKernel) tileKernel {
	return func(args *tileArgs) {
		for ; args.tiles > 0; args.tiles-- {
			aOff := offsetsAt(args.aOff, rows)
			for r, c := range offsetsAt(args.cOff, rows) {
				for j := 0; j < args.cols; j += 4 {
					sum := args.dot(add, args.a+uintptr(aOff[r]), args.b+4*uintptr(j))
					args.finish(sum[:min(4, args.cols-j)], args.c+uintptr(c)+4*uintptr(j), j)
				}
			}
			args.aOff += uintptr(8 * rows)
			args.cOff += uintptr(8 * rows)
		}
	}
}

// dot is the product of a row of A with four columns of B.
func (args *tileArgs) dot(add addKernel, a, b uintptr) (sum [4]float32) {
	var parts [4]float32
	for _, s := range segmentsAt(args.segments, args.count) {
		parts = add(args, parts, a+uintptr(s.a), b+uintptr(s.b), s.depth)
		if s.sum != sumOn {
			for i, v := range parts {
				sum[i] += v
			}
			parts = [4]float32{}
		}
	}
	for i, v := range parts {
		sum[i] += v
	}
	return sum
}

// addProducts adds the products of a segment.
func (args *tileArgs) addProducts(sum [4]float32, a, b uintptr, depth int) [4]float32 {
	if depth == 0 {
		return sum
	}
	stepA, stepB := args.aStep/4, args.bStep/4
	x, y := floatsAt(a, (depth-1)*stepA+1), floatsAt(b, (depth-1)*stepB+4)
	s0, s1, s2, s3 := float64(sum[0]), float64(sum[1]), float64(sum[2]), float64(sum[3])
	for k := range depth {
		v, b4 := float64(x[k*stepA]), (*[4]float32)(y[k*stepB:])
		s0 += v * float64(b4[0])
		s1 += v * float64(b4[1])
		s2 += v * float64(b4[2])
		s3 += v * float64(b4[3])
	}
	return [4]float32{float32(s0), float32(s1), float32(s2), float32(s3)}
}

// finish is the epilogue of a few elements at c, the first of which is in column j.
func (args *tileArgs) finish(sum []float32, c uintptr, j int) {
	out := floatsAt(c, len(sum))
	for i, v := range sum {
		if args.flags&flagBias != 0 {
			v += floatsAt(args.bias, args.cols)[j+i]
		}
		if args.flags&flagRes != 0 {
			v += floatsAt(c+args.res, len(sum))[i]
		}
		if args.flags&flagReLU != 0 && v < 0 {
			v = 0
		}
		out[i] = v
	}
}

// transposeGo is the transpose kernel in Go: dst[k][r] = src[r][k] for k < 4n and r < lanes, strides in
// bytes.
func transposeGo(lanes int) func(dst, src *float32, dstStride, srcStride, n int) {
	return func(dst, src *float32, dstStride, srcStride, n int) {
		for r := range lanes {
			row := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(src), r*srcStride)), 4*n)
			for k, v := range row {
				*(*float32)(unsafe.Add(unsafe.Pointer(dst), k*dstStride+4*r)) = v
			}
		}
	}
}

// gatherGo is the gather kernel in Go: dst[r][j] = src[r][j] for j < cols, and zeros from there to the next
// multiple of lanes, strides in bytes.
func gatherGo(lanes int) func(dst, src *float32, rows, cols, dstStride, srcStride int) {
	return func(dst, src *float32, rows, cols, dstStride, srcStride int) {
		for r := range rows {
			to := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(dst), r*dstStride)), roundUp(cols, lanes))
			copy(to, unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(src), r*srcStride)), cols))
			clear(to[cols:])
		}
	}
}

// address is that of element i of x, which the caller keeps alive; i may be len(x).
func address(x []float32, i int) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(x))) + 4*uintptr(i)
}

// floatsAt is the n floats at an address.
//
//go:nocheckptr
func floatsAt(addr uintptr, n int) []float32 {
	return unsafe.Slice(*(**float32)(unsafe.Pointer(&addr)), n)
}

// offsetsAt is the n offsets at an address.
//
//go:nocheckptr
func offsetsAt(addr uintptr, n int) []int64 {
	return unsafe.Slice(*(**int64)(unsafe.Pointer(&addr)), n)
}

// segmentsAt is the n segments at an address.
//
//go:nocheckptr
func segmentsAt(addr uintptr, n int) []segment {
	return unsafe.Slice(*(**segment)(unsafe.Pointer(&addr)), n)
}
