//go:build emu

package cuda

import (
	"fmt"
	"strconv"
	"strings"

	"truegrain/kernels"
)

// emuFunction is a kernel with what its launches may ask for: threads, by its PTX, and dynamic shared memory, as
// the device was told.
type emuFunction struct {
	entry           string
	threads, shared int
}

// allows is what the hardware would refuse a launch for.
func (f emuFunction) allows(l *launch) error {
	threads := int(l.block[0] * l.block[1] * l.block[2])
	if threads > f.threads || l.shared > f.shared {
		return &kernels.DeviceError{Op: f.entry, Code: "invalid launch", Log: fmt.Sprintf(
			"%d threads, its PTX has %d; %d bytes of dynamic shared memory, %d were allowed", threads, f.threads,
			l.shared, f.shared)}
	}
	return nil
}

// boundsOf is how many threads a block of a kernel has at most (its __launch_bounds__), or the hardware's 1024.
func boundsOf(ptx, entry string) int {
	_, rest, _ := strings.Cut(ptx, ".entry "+entry+"(")
	head, _, _ := strings.Cut(rest, "{")
	_, bounds, _ := strings.Cut(head, ".maxntid ")
	first, _, _ := strings.Cut(bounds, ",")
	if n, err := strconv.Atoi(first); err == nil {
		return n
	}
	return 1024
}
