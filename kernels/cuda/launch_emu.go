//go:build emu

package cuda

import (
	"fmt"
	"strconv"
	"strings"

	"truegrain/kernels"
	"truegrain/kernels/cuda/emu"
	"truegrain/kernels/cuda/emu/interp"
)

// emuFunction is a kernel with what its launches may ask for: threads, by its PTX, and dynamic shared memory,
// as the device was told.
type emuFunction struct {
	entry           string
	threads, shared int
	ptx             *interp.Kernel // if it is interpreted
}

// emuModule is a module's PTX.
type emuModule struct {
	text   string
	parsed *interp.Module // if it is interpreted
}

// interpret runs the PTX of a kernel.
func (f emuFunction) interpret(l *launch, e *emulator) error {
	run := interp.Launch{Kernel: f.ptx, Grid: l.grid, Block: l.block, Shared: l.shared, Seed: e.seed, Sample: e.sample}
	if e.sample > 0 {
		run.Counts = new(interp.Counts)
	}
	if len(l.at) != len(f.ptx.Params) {
		return &kernels.DeviceError{Op: f.entry, Code: "arguments", Log: fmt.Sprintf("%d; its PTX has %d", len(l.at),
			len(f.ptx.Params))}
	}
	for i, p := range f.ptx.Params { // as the driver does, which is told where each argument lies
		run.Args = append(run.Args, make([]byte, p.At-len(run.Args))...)
		run.Args = append(run.Args, l.args[l.at[i]:int(l.at[i])+p.Bytes]...)
	}
	for _, o := range l.operands {
		run.Memory = append(run.Memory, interp.Memory{At: uint64(o.Addr()), Bytes: emu.Bytes(o.Addr(), o.Bytes())})
	}
	err := run.Run()
	if e.sample > 0 {
		e.sampled(&run)
	}
	if err != nil {
		return &kernels.DeviceError{Op: f.entry, Code: "PTX", Log: err.Error()}
	}
	return nil
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

// sampled adds what a launch has asked for.
func (e *emulator) sampled(l *interp.Launch) {
	c, a := l.Counts, e.asked[l.Kernel.Name]
	all, run := l.Blocks()
	a.Launches, a.Blocks, a.Sampled = a.Launches+1, a.Blocks+all, a.Sampled+run
	a.Instructions += c.Instructions
	a.Sectors, a.LeastSectors = a.Sectors+c.Sectors, a.LeastSectors+c.LeastSectors
	a.Passes, a.LeastPasses, a.Local = a.Passes+c.Passes, a.LeastPasses+c.LeastPasses, a.Local+c.Local
	e.asked[l.Kernel.Name] = a
}

// sampler is the emulator that runs a few blocks of each launch.
type sampler struct{ *Device }

// Asked is what kernels have asked for since the last call.
func (d sampler) Asked() map[string]kernels.Asked {
	e := d.drv.(*emulator)
	e.mu.Lock()
	defer e.mu.Unlock()
	asked := e.asked
	e.asked = map[string]kernels.Asked{}
	return asked
}

// boundsOf is how many threads a block of a kernel has at most (its __launch_bounds__), or the hardware's
// 1024.
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
