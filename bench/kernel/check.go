package kernel

import (
	"errors"
	"fmt"
	"math"
	"reflect"

	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

// Tolerance is the largest relative L2 error that counts as a match. Sums of float32 err by some √K·6e-8;
// products whose numbers are transformed first (Winograd) by ten times that.
const Tolerance = 1e-5

// ErrDiffers says that an implementation does not compute what the oracle does.
var ErrDiffers = errors.New("differs from ref")

// Check makes one call and compares its results with those of the float64 oracle on the same operands: some
// channels, rows or pictures where an op is large. It returns the relative L2 error, the largest of all
// results.
func (b *Bench) Check(call *Call) (float64, error) {
	if b.want == nil {
		if err := b.ask(); err != nil {
			return 0, err
		}
	}
	for _, r := range b.results() {
		spoil(r.buf)
	}
	b.restore()
	if err := tensor.Catch(call.Run); err != nil {
		return 0, err
	}
	worst := 0.0
	c := b.cut()
	for _, r := range b.results() {
		e, bad := relative(c.values(r.axis, r.buf), b.want[r.field])
		if bad >= 0 {
			return math.Inf(1),
				fmt.Errorf("%s: %w: %s: element %d of what was compared was not written, or should not be",
					b.Name(), ErrDiffers, r.field, bad)
		}
		if worst = max(worst, e); e > call.Tolerance || r.buf.DType() == kernels.I32 && e > 0 {
			return e, fmt.Errorf("%s: %w: %s has relative error %.1e, tolerance %.0e", b.Name(), ErrDiffers,
				r.field, e, call.Tolerance)
		}
	}
	b.restore()
	return worst, nil
}

// result is a buffer that the pass writes; axis is the operand that it is cut like.
type result struct {
	field, axis string
	buf         kernels.Buf
}

func (b *Bench) results() (out []result) { return results(b.args, b.fields, b.pass) }

func results(args reflect.Value, fields []operand, p Pass) (out []result) {
	if p.Forward() {
		for _, o := range fields {
			if o.role != input {
				out = append(out, result{o.field, o.field,
					args.FieldByName(o.field).Interface().(kernels.Buf)})
			}
		}
		return out
	}
	for _, name := range p.wants {
		if g := args.FieldByName("D" + name).Interface().(kernels.Grad); g.Wanted() {
			out = append(out, result{"D" + name, name, g.Buf})
		}
	}
	return out
}

func (b *Bench) cut() *cut {
	if b.pass.cut == nil {
		return nil
	}
	if c := b.pass.cut(b.Problem.args); c != nil && c.n > 0 {
		return c
	}
	return nil
}

// restore gives operands that the op moves their first values.
func (b *Bench) restore() {
	for field, v := range b.initial {
		b.be.Upload(b.args.FieldByName(field).Interface().(kernels.Buf), kernels.Of(v))
	}
}

// ask computes the results, or their part, in the oracle.
func (b *Bench) ask() error {
	b.restore()
	oracle, c := ref.Open64(), b.cut()
	args := reflect.New(b.args.Type()).Elem()
	args.Set(b.args)
	forward := args
	if !b.pass.Forward() {
		forward = args.Field(0)
	}
	if c != nil {
		forward.Set(c.smaller(forward))
	}
	for _, o := range b.fields {
		f := forward.FieldByName(o.field)
		f.Set(reflect.ValueOf(c.part(o.field, f.Interface().(kernels.Buf))))
	}
	call := b.family.forward
	if !b.pass.Forward() {
		call = b.family.backward
		dy := args.FieldByName("DY")
		dy.Set(reflect.ValueOf(c.part("Y", dy.Interface().(kernels.Buf))))
		for _, r := range b.results() {
			d := c.part(r.axis, r.buf)
			spoil(d) // what lies between the tokens of a packed operand is nobody's to write
			args.FieldByName(r.field).Set(reflect.ValueOf(kernels.Grad{Buf: d}))
		}
		work(oracle, args)
	}
	if err := tensor.Catch(call.bind(oracle, args.Interface())); err != nil {
		return fmt.Errorf("%s: ref: %w", b.Name(), err)
	}
	b.want = map[string][]float64{}
	for _, r := range results(args, b.fields, b.pass) {
		b.want[r.field] = floats(r.buf)
	}
	return nil
}

// part is a copy of the picked part of an operand, for the oracle.
func (c *cut) part(axis string, x kernels.Buf) kernels.Buf {
	v := c.values(axis, x)
	if x.DType() != kernels.I32 {
		return kernels.Of(v)
	}
	ints := make([]int32, len(v))
	for i := range v {
		ints[i] = int32(v[i])
	}
	return kernels.Of(ints)
}

// work gives a backward the memory that its backend asks for.
func work(be kernels.Backend, args reflect.Value) {
	if f := args.FieldByName("Work"); f.IsValid() {
		if n := be.Workspace(args.Interface()); n > 0 {
			buf, err := be.Alloc(be.DType(), n)
			if err != nil {
				panic(&kernels.ArgError{Op: "bench", Field: "Work", Reason: err.Error()})
			}
			f.Set(reflect.ValueOf(buf))
		}
	}
}

// relative is the relative L2 error, and the first element that is no number and should be, or the reverse,
// or -1.
func relative(got, want []float64) (e float64, bad int) {
	var d, n float64
	for i, w := range want {
		if math.IsNaN(got[i]) != math.IsNaN(w) {
			return 0, i
		}
		if math.IsNaN(w) {
			continue
		}
		d += (got[i] - w) * (got[i] - w)
		n += w * w
	}
	if n == 0 {
		return math.Sqrt(d), -1
	}
	return math.Sqrt(d / n), -1
}

// spoil fills a result with what no op writes.
func spoil(b kernels.Buf) {
	switch b.DType() {
	case kernels.F32:
		fill(kernels.Floats[float32](b), float32(math.NaN()))
	case kernels.F64:
		fill(kernels.Floats[float64](b), math.NaN())
	case kernels.I32:
		fill(kernels.Floats[int32](b), -7)
	}
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}
