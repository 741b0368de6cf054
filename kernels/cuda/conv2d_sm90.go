//go:build cuda || emu

package cuda

import "truegrain/kernels"

// patchesOf describes positions of a window over pictures (batch,h,w,c): count of them in each direction, by
// step from lower on; arrays are of columns and rows. It reports whether the hardware's fields can hold them
// and offsets up to reach.
func patchesOf(x kernels.Buf, batch, h, w, c int32, lower, count, step, reach [2]int32, positions int) (
	patches, bool) {
	m := patches{of: x, n: int(batch), h: int(h), w: int(w), c: int(c), positions: positions}
	fits := true
	for i, size := range [2]int32{w, h} {
		upper := lower[i] + count[i]*step[i] - size // whole steps, so that nothing hangs on how a part of one counts
		m.lower[i], m.upper[i], m.step[i] = int(lower[i]), int(upper), int(step[i])
		fits = fits && lower[i] >= -128 && lower[i] < 128 && upper >= -128 && upper < 128 && step[i] <= 8 &&
			reach[i] <= 255
	}
	return m, fits
}

// patchesOfX are what a forward reads of x.
func (s convShape) patchesOfX(x kernels.Buf, positions int) (patches, bool) {
	return patchesOf(x, s.Batch, s.H, s.W, s.C, [2]int32{-s.PW, -s.PH}, [2]int32{s.OW, s.OH},
		[2]int32{s.SW, s.SH}, [2]int32{(s.KW - 1) * s.DW, (s.KH - 1) * s.DH}, positions)
}

// convForwardSM90 runs the forward by tensor maps and wgmma, if the device has them and the shape fits.
func (d *Device) convForwardSM90(y, x, w, bias, residual, sums kernels.Buf, s convShape) bool {
	from, fits := s.patchesOfX(x, 128)
	if !fits || !d.hopper() || s.groups() > 1 || s.C%64 != 0 {
		return false
	}
	m, n, k := int(s.Batch*s.OH*s.OW), int(s.OC), int(s.KH*s.KW*s.C)
	width := d.ringWidth(m, n, 1)
	weights := boxes{of: w, rows: n, cols: k, ld: k, boxRows: width, boxCols: 64}
	d.launchRing(conv2dFwdSM90.of(width).of(y.DType()), width, m, n, 1, y, from, weights, bias, residual,
		sums, structBytes(&s))
	return true
}

// phase is struct Phase of src/conv2d.cuh: the input rows r0, r0 + stride, ..., and the taps that reach them.
type phase struct{ count, taps, at, back int32 }

func phaseOf(r0, n, taps, stride, pad, dil int32) phase {
	step, first := int32(1), int32(0)
	for step*dil%stride != 0 {
		step++
	}
	for first < step && (r0+pad-first*dil)%stride != 0 {
		first++
	}
	p := phase{count: max(0, (n-r0+stride-1)/stride), at: (r0 + pad - first*dil) / stride,
		back: step * dil / stride}
	if first < step && first < taps {
		p.taps = (taps - first + step - 1) / step
	}
	return p
}

// convBackwardXSM90 runs the gradient of the input, a launch for each phase, if the device and the shape
// allow it.
func (d *Device) convBackwardXSM90(dx, dz, w, bias, residual kernels.Buf, s convShape) bool {
	if !d.hopper() || s.groups() > 1 {
		return false
	}
	k := int(s.KH * s.KW * s.C)
	weights := boxes{of: w, rows: int(s.OC), cols: k, ld: k, boxRows: 64, boxCols: 64}
	var queue []func()
	for i := range s.SH * s.SW {
		row, col := i/s.SW, i%s.SW
		py := phaseOf(row, s.H, s.KH, s.SH, s.PH, s.DH)
		px := phaseOf(col, s.W, s.KW, s.SW, s.PW, s.DW)
		m := int(s.Batch * py.count * px.count)
		if m == 0 || (py.taps*px.taps == 0 && s.Acc != 0) {
			continue
		}
		down, right := max(0, py.taps-1)*py.back, max(0, px.taps-1)*px.back
		from, fits := patchesOf(dz, s.Batch, s.OH, s.OW, s.OC, [2]int32{px.at - right, py.at - down},
			[2]int32{px.count, py.count}, [2]int32{1, 1}, [2]int32{right, down}, 128)
		if !fits {
			return false
		}
		queue = append(queue, func() {
			width := d.ringWidth(m, int(s.C), 1)
			d.launchRing(conv2dDXSM90.of(width).of(dx.DType()), width, m, int(s.C), 1, dx, from, weights, bias,
				residual, structBytes(&s), int(row), int(col))
		})
	}
	for _, launch := range queue {
		launch()
	}
	return true
}

// convBackwardWSM90 runs the gradient of the weights in chunks of s.Chunk pixels, if the device and the shape
// allow it.
func (d *Device) convBackwardWSM90(dw, dz, x kernels.Buf, s convShape, count int) bool {
	from, fits := s.patchesOfX(x, 64)
	if !fits || !d.hopper() || s.groups() > 1 || s.C%64 != 0 {
		return false
	}
	m, n, pixels := int(s.OC), int(s.KH*s.KW*s.C), int(s.Batch*s.OH*s.OW)
	width := d.ringWidth(m, n, count)
	gradient := boxes{of: dz, rows: pixels, cols: m, ld: m, boxRows: 64, boxCols: 64}
	d.launchRing(conv2dDWSM90.of(width), width, m, n, count, dw, gradient, from, structBytes(&s))
	return true
}
