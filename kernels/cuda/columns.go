//go:build cuda || emu

package cuda

import "truegrain/kernels"

// columnsAcross is how the 256 threads of a block lie over c columns (src/columns.cuh): across of them, per
// columns each, 16 bytes of them in the first matrix if wide: if all rows of all matrices are aligned.
func columnsAcross(c int, matrices ...kernels.Buf) (across, per int, wide bool) {
	per = 16 / matrices[0].DType().Size()
	wide = c%per == 0
	for _, m := range matrices {
		wide = wide && m.Addr()%16 == 0
	}
	if !wide {
		per = 1
	}
	across = 32
	for across > 1 && across/2 >= c/per {
		across /= 2
	}
	return across, per, wide
}

// columnGrid is the launch of sums over chunks of rows.
func columnGrid(c, chunks int, matrices ...kernels.Buf) (g, b dim, wide bool) {
	across, per, wide := columnsAcross(c, matrices...)
	return grid(ceil(c, per*across), chunks), block(across, 256/across), wide
}

// channelGrid is the launch of what runs over rows with the parameters of its channels in registers.
func channelGrid(r, c int, pictures ...kernels.Buf) (g, b dim, wide bool) {
	across, per, wide := columnsAcross(c, pictures...)
	down := 256 / across
	return grid(ceil(c/per, across), min(ceil(r, down*4), 4096)), block(across, down), wide
}

// rowsInChunk is how many rows a block adds up: at least 256, and at most 256 chunks in all.
func rowsInChunk(rows int) int { return max(256, ceil(rows, 256)) }

// twoSums are the gradients of the scale and the shift of a norm over columns: f queues the partial sums of
// chunks of rows, which are then added in their order.
func (d *Device) twoSums(dgamma, dbeta kernels.Grad, rows, cols int,
	f func(gammas, betas kernels.Buf, chunk, n int)) {
	chunk := rowsInChunk(rows)
	n := ceil(rows, chunk)
	part := d.scratch(kernels.F32, 2*n*cols)
	defer d.Free(part)
	gammas, betas := part.Slice(0, n*cols), part.Slice(n*cols, 2*n*cols)
	if n*cols > 0 {
		f(gammas, betas, chunk, n)
	}
	d.sum(dgamma, gammas, 1, n, cols, 1)
	d.sum(dbeta, betas, 1, n, cols, 1)
}
