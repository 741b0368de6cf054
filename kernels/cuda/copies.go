//go:build cuda || emu

package cuda

import "truegrain/kernels"

// rows is where row r of batch b begins in a buffer, in elements: offset + b·batch + r·row.
type rows struct{ offset, batch, row int }

// copyRows copies n elements of every row of every batch, or adds them.
func (d *Device) copyRows(k typed, y kernels.Buf, to rows, x kernels.Buf, from rows, batches, count, n int, acc bool) {
	if batches*count*n == 0 {
		return
	}
	across := max(1, min(ceil(n, 256*4), 4096))
	d.launch(k.of(y.DType()), grid(across, min(count, mostAcross), min(batches, mostAcross)), block(256),
		y, to.offset, to.batch, to.row, x, from.offset, from.batch, from.row, batches, count, n, acc)
}
