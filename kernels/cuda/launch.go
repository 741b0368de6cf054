//go:build cuda || emu

package cuda

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"truegrain/kernels"
)

type dim [3]uint32

// mostAcross is how many blocks a grid has at most in its second and in its third direction.
const mostAcross = 65535

// grid is how many blocks, block how many threads in each; what is left out is 1.
func grid(n ...int) dim  { return dims(n) }
func block(n ...int) dim { return dims(n) }

func dims(n []int) dim {
	d := dim{1, 1, 1}
	for i, v := range n {
		d[i] = uint32(v)
	}
	return d
}

// strided is the grid of a loop that strides over n elements, per of them a thread and turn.
func strided(n, per int) dim { return grid(max(1, min(ceil(n, 256*per), 4096))) }

func ceil(n, by int) int { return (n + by - 1) / by }

// of picks the kernel for the element type of an operand.
func (t typed) of(d kernels.DType) *kernel {
	if d == kernels.BF16 {
		return t.bf16
	}
	return t.f32
}

// from picks the kernel for the element types of an operand and of a result.
func (n narrowing) from(x, y kernels.DType) *kernel {
	if x != y {
		return n.half
	}
	return n.of(x)
}

// of picks the kernel for heads of hd elements.
func (h headed) of(hd int) *kernel {
	if filledHead(hd) == 64 {
		return h.to64
	}
	return h.to128
}

// launch queues a kernel. Arguments are kernels.Buf, int (as the parameter's width), float64 (rounded to it),
// bool (1 or 0), []byte (a struct), boxes and patches (tensor maps); they must be what the kernel's row in
// the table says.
func (d *Device) launch(k *kernel, g, b dim, args ...any) { d.launchShared(k, k.shared, g, b, args...) }

// launchShared is launch with as much dynamic shared memory as this call needs.
func (d *Device) launchShared(k *kernel, shared int, g, b dim, args ...any) {
	if d.ctx.Err() != nil {
		return
	}
	if g[0] > math.MaxInt32 || g[1] > mostAcross || g[2] > mostAcross {
		panic(&kernels.ArgError{Op: k.entry, Field: "size", Reason: fmt.Sprintf(
			"takes %d x %d x %d blocks, a GPU has at most 2^31-1 x %d x %[4]d: take a smaller batch", g[0], g[1], g[2],
			mostAcross)})
	}
	l := launch{driver: d.drv, kernel: k, grid: g, block: b, shared: shared}
	params := k.params
	for _, a := range args {
		params = l.add(params, a)
	}
	if params != "" {
		panic(fmt.Sprintf("%s: arguments are missing for %q", k.entry, params))
	}
	d.on(k.entry, l.operands...)
	f, err := d.function(k)
	if err == nil {
		l.function = f
		err = d.drv.Launch(&l, d.queue())
	}
	d.must(k.entry, err)
}

// add appends an argument and returns the letters that are left.
func (l *launch) add(params string, a any) string {
	if params == "" {
		panic(fmt.Sprintf("%s: more arguments than parameters", l.kernel.entry))
	}
	want, rest := params[0], params[1:]
	switch v := a.(type) {
	case kernels.Buf:
		l.expect(want, 'p')
		l.put64(uint64(v.Addr()))
		l.operands = append(l.operands, v)
	case bool:
		l.expect(want, 'i')
		if v {
			l.put32(1)
		} else {
			l.put32(0)
		}
	case int:
		l.integer(want, v)
	case float64:
		l.float(want, v)
	case boxes:
		m, err := l.driver.TensorMap(v)
		return l.tensorMap(params, v.of, m, err)
	case patches:
		m, err := l.driver.PatchMap(v)
		return l.tensorMap(params, v.of, m, err)
	case []byte:
		return l.structure(params, v)
	default:
		panic(fmt.Sprintf("%s: an argument of type %T", l.kernel.entry, a))
	}
	return rest
}

// integer is a parameter of 64 bits (l) or of 32 (i).
func (l *launch) integer(want byte, v int) {
	if want == 'l' {
		l.put64(uint64(v))
		return
	}
	l.expect(want, 'i')
	if v != int(int32(v)) {
		panic(&kernels.ArgError{Op: l.kernel.entry, Field: "size",
			Reason: fmt.Sprintf("%d does not fit into 32 bits: take a smaller batch", v)})
	}
	l.put32(uint32(v))
}

// float is a parameter of type double (d) or float (f).
func (l *launch) float(want byte, v float64) {
	if want == 'd' {
		l.put64(math.Float64bits(v))
		return
	}
	l.expect(want, 'f')
	l.put32(math.Float32bits(float32(v)))
}

// tensorMap adds the map by which a kernel fetches parts of a buffer.
func (l *launch) tensorMap(params string, of kernels.Buf, m []byte, err error) string {
	if err != nil {
		panic(deviceError(l.kernel.entry, err))
	}
	l.operands = append(l.operands, of)
	return l.structure(params, m)
}

// structure adds the bytes of a struct, whose size stands behind its letter: s128.
func (l *launch) structure(params string, v []byte) string {
	l.expect(params[0], 's')
	size := fmt.Sprint(len(v))
	rest, ok := strings.CutPrefix(params[1:], size)
	if !ok {
		panic(fmt.Sprintf("%s: a struct of %s bytes for %q", l.kernel.entry, size, params))
	}
	l.align(8)
	l.args = append(l.args, v...)
	return rest
}

func (l *launch) expect(want, is byte) {
	if want != is {
		panic(fmt.Sprintf("%s: argument %d is %q, the table says %q", l.kernel.entry, len(l.at), is, want))
	}
}

func (l *launch) align(n int) {
	for len(l.args)%n != 0 {
		l.args = append(l.args, 0)
	}
	l.at = append(l.at, uint16(len(l.args)))
}

func (l *launch) put32(v uint32) {
	l.align(4)
	l.args = binary.LittleEndian.AppendUint32(l.args, v)
}

func (l *launch) put64(v uint64) {
	l.align(8)
	l.args = binary.LittleEndian.AppendUint64(l.args, v)
}
