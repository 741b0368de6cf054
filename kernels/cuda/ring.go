//go:build cuda || emu

package cuda

// of picks the kernel for tiles of so many columns.
func (w widths[K]) of(width int) K {
	switch width {
	case 64:
		return w.w64
	case 128:
		return w.w128
	}
	return w.w256
}

// hopper says that the device runs the kernels for sm_90a: it has compute capability 9.0, a driver that reads their
// PTX, and was not opened without them.
func (d *Device) hopper() bool {
	i := d.drv.Info()
	return !d.portable && i.Major == 9 && i.Driver >= sm90Driver
}

// ringWidth is how wide the tiles of an m x n product in so many parts are: 256 columns, or fewer where those
// would leave columns or multiprocessors idle. Every width adds up in the same order.
func (d *Device) ringWidth(m, n, parts int) int {
	best, cost := 64, 0
	for _, w := range []int{256, 128, 64} {
		turns := ceil(ceil(m, 128)*ceil(n, w)*parts, d.drv.Info().SMs)
		if c := turns * (w + 32); cost == 0 || c < cost { // 32: what narrow tiles lose
			best, cost = w, c
		}
	}
	return best
}

// launchRing queues a kernel of src/ring.cuh: its blocks stay until all tiles of the m x n product are done.
func (d *Device) launchRing(k *kernel, width, m, n, parts int, args ...any) {
	all := ceil(m, 128) * ceil(n, width) * parts
	d.launch(k, grid(min(all, d.drv.Info().SMs)), block(384), args...)
}
