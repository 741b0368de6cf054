package kernel

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"reflect"

	"github.com/klauspost/cpuid/v2"

	"truegrain/kernels"
	"truegrain/tensor"
)

// Problem is one op of one shape in one direction: what implementations are checked and timed on.
type Problem struct {
	Op, Pass, Shape string

	family *family
	pass   Pass
	args   any // the forward's struct; its buffers only say which operands are there
}

// New is the problem of an op and a shape in the benchmarks' notation.
func New(op, pass, shape string) (*Problem, error) {
	f, err := familyOf(op)
	if err != nil {
		return nil, err
	}
	s, err := ParseSpec(shape)
	if err != nil {
		return nil, err
	}
	if err := s.fits(f.example, f.opts, f.words...); err != nil {
		return nil, fmt.Errorf("%s %s: %w; an example is %s", op, shape, err, f.example)
	}
	if len(s.Out) == 0 {
		if op != "maxpool2d" && op != "avgpool2d" { // there it follows from the window
			s.Out = f.example.Out[:len(f.example.Out):len(f.example.Out)]
		}
		if len(s.Out) > 0 {
			return nil, fmt.Errorf("%s %s: the sizes of the result are missing; an example is %s", op, shape,
				f.example)
		}
	}
	for _, p := range f.passes {
		if p.Name != pass {
			continue
		}
		args := f.parse(s)
		if err := sound(args); err != nil {
			return nil, fmt.Errorf("%s %s: %w", op, shape, err)
		}
		if act := reflect.ValueOf(args).FieldByName("Act"); !p.Forward() && act.IsValid() &&
			act.Interface() == kernels.WithGELU {
			return nil, fmt.Errorf("%s %s: a fused GELU has no backward", op, shape)
		}
		return &Problem{Op: op, Pass: pass, Shape: shape, family: f, pass: p, args: args}, nil
	}
	names, _ := Passes(op)
	return nil, fmt.Errorf("%s has no pass %q, it has %v", op, pass, names)
}

// sound says what is wrong with a geometry.
func sound(args any) error {
	v := reflect.ValueOf(args)
	if w := v.FieldByName("Window"); w.IsValid() {
		if err := w.Interface().(kernels.Window).Check(); err != nil {
			return err
		}
	}
	if g := v.FieldByName("Groups"); g.IsValid() {
		n := g.Int()
		if n < 1 || v.FieldByName("C").Int()%n != 0 || v.FieldByName("OC").Int()%n != 0 {
			return fmt.Errorf("%d groups must divide the channels", n)
		}
	}
	return nil
}

// Name is op, direction and shape.
func (p *Problem) Name() string { return p.Op + "/" + p.Pass + " " + p.Shape }

// maxBytes bounds what one problem may take.
const maxBytes = 8 << 30

// Bench is a problem with memory: operands are drawn at random, in host memory that all implementations
// share, or in that of a device.
type Bench struct {
	*Problem
	// of one call; bytes are those of every operand once, and again where caches can't keep it
	Cost kernels.Cost

	// Cycles are those of a core with AVX-512 that the call's instructions take at least, 0 where memory is
	// what it waits for. A cycle has two multiply-adds of 16.
	Cycles float64

	be      kernels.Backend
	half    bool          // activations are bfloat16, or rounded to it in host memory
	device  bool          // the operands lie on one
	args    reflect.Value // the struct of the pass
	fields  []operand     // of the forward
	initial map[string][]float64
	want    map[string][]float64 // by the oracle, once
	bufs    []kernels.Buf
}

// Load makes the operands in memory of a backend: one that computes in host memory, where Prepare and Check
// find them, or a device, where On does. Forward results that a backward reads are made by it, too. Close the
// Bench after use.
func (p *Problem) Load(be kernels.Backend) (*Bench, error) { return p.loaded(be, false) }

// LoadHalf is Load with activations in bfloat16, which host memory holds as float32.
func (p *Problem) LoadHalf(be kernels.Backend) (*Bench, error) { return p.loaded(be, true) }

func (p *Problem) loaded(be kernels.Backend, half bool) (*Bench, error) {
	_, device := be.(kernels.Accelerator)
	b := &Bench{Problem: p, be: be, half: half, device: device, fields: p.family.operands(p.args),
		initial: map[string][]float64{}}
	var size int64
	for _, o := range b.fields {
		size += 8 * int64(o.n)
	}
	if size > maxBytes && !device { // which says itself what it has
		return nil, fmt.Errorf("%s: needs more than %d GiB", p.Name(), maxBytes>>30)
	}
	var err error
	if misuse := tensor.Catch(func() { err = b.load() }); misuse != nil {
		err = misuse
	}
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("%s: %w", p.Name(), err)
	}
	return b, nil
}

func (b *Bench) load() error {
	forward := reflect.New(reflect.TypeOf(b.Problem.args)).Elem()
	forward.Set(reflect.ValueOf(b.Problem.args))
	for _, o := range b.fields {
		buf, err := b.alloc(b.kind(o), o.n)
		if err != nil {
			return err
		}
		if buf.OnDevice() && !b.device {
			return fmt.Errorf("%s keeps its memory on a device; what is timed here computes in host memory",
				b.be.Name())
		}
		b.give(buf, o, forward)
		forward.FieldByName(o.field).Set(reflect.ValueOf(buf))
	}
	b.args = forward
	b.Cost = b.family.cost(forward.Interface())
	b.Cycles = counted[b.Op+"/"+b.Pass] * float64(b.fields[0].n) / 16
	if b.pass.Forward() {
		b.Cost.Bytes += b.again(forward)
		return nil
	}
	if b.readsResults() {
		b.family.forward.bind(b.be, forward.Interface())()
		b.restore()
		b.roundResults(forward)
	}
	return b.loadGrad(forward)
}

// give puts values into an operand's memory; forward holds the operands before it.
func (b *Bench) give(buf kernels.Buf, o operand, forward reflect.Value) {
	switch {
	case b.device:
		if o.role != output {
			b.fill(buf, o)
		}
		return
	case o.make != nil:
		b.be.Upload(buf, kernels.Of(o.make(forward.Interface())))
	case o.role != output:
		draw(buf, o)
	}
	if b.half && o.role != output && b.halved(o.field) {
		roundHalf(buf)
	}
	if o.role == state {
		b.initial[o.field] = floats(buf)
	}
}

// roundResults rounds what the forward has written as a forward in bfloat16 would have.
func (b *Bench) roundResults(forward reflect.Value) {
	for _, o := range b.fields {
		if b.half && !b.device && o.role == output && b.halved(o.field) {
			roundHalf(forward.FieldByName(o.field).Interface().(kernels.Buf))
		}
	}
}

// kind is the type of an operand's memory.
func (b *Bench) kind(o operand) kernels.DType {
	k := o.kind(b.be)
	if b.half && b.device && k == kernels.F32 && b.halved(o.field) {
		return kernels.BF16
	}
	return k
}

// loadGrad makes the struct of the backward around the forward's.
func (b *Bench) loadGrad(forward reflect.Value) error {
	g := reflect.New(b.family.backward.args).Elem()
	g.Field(0).Set(forward)
	y := b.operand("Y")
	grad := operand{field: "DY", n: y.n}
	dy, err := b.alloc(b.kind(grad), y.n)
	if err != nil {
		return err
	}
	b.give(dy, grad, forward)
	g.FieldByName("DY").Set(reflect.ValueOf(dy))
	for _, name := range b.pass.wants {
		o := b.operand(name)
		if o.field == "" {
			continue
		}
		d, err := b.alloc(b.kind(operand{field: "D" + name}), o.n)
		if err != nil {
			return err
		}
		g.FieldByName("D" + name).Set(reflect.ValueOf(kernels.Grad{Buf: d}))
	}
	if n := b.be.Workspace(g.Interface()); b.device && n > 0 {
		w, err := b.alloc(workType(g), n)
		if err != nil {
			return err
		}
		g.FieldByName("Work").Set(reflect.ValueOf(w))
	}
	b.args = g
	_, b.Cost = b.family.gradCost(g, b.Cost.FLOPs)
	b.Cost.Bytes += b.again(g)
	return nil
}

// again is the bytes that have to be moved a second time, since the last cache keeps only so many of them
// from one pass to the next.
func (b *Bench) again(args reflect.Value) (n int64) {
	if b.pass.again == nil || b.device {
		return 0
	}
	for _, name := range b.pass.again(b.Problem.args) {
		n += int64(args.FieldByName(name).Interface().(kernels.Buf).Bytes())
	}
	return max(0, n-int64(max(0, cpuid.CPU.Cache.L3)))
}

// readsResults says that the pass reads what the forward wrote.
func (b *Bench) readsResults() bool {
	relu := reflect.ValueOf(b.Problem.args).FieldByName("Act")
	if relu.IsValid() && relu.Interface() == kernels.WithReLU {
		return true
	}
	for _, name := range b.pass.reads {
		if b.operand(name).role == output {
			return true
		}
	}
	return false
}

// operand is one of the forward's, or the zero operand.
func (b *Bench) operand(field string) operand {
	for _, o := range b.fields {
		if o.field == field {
			return o
		}
	}
	return operand{}
}

func (o operand) kind(be kernels.Backend) kernels.DType {
	if o.dtype == kernels.Invalid {
		return be.DType()
	}
	return o.dtype
}

func (b *Bench) alloc(d kernels.DType, n int) (kernels.Buf, error) {
	buf, err := b.be.Alloc(d, n)
	if err == nil {
		b.bufs = append(b.bufs, buf)
	}
	return buf, err
}

// Close gives the memory back.
func (b *Bench) Close() {
	for _, x := range b.bufs {
		b.be.Free(x)
	}
	b.bufs = nil
}

// draw fills host memory with numbers that depend on the operand alone.
func draw(b kernels.Buf, o operand) {
	lo, hi := o.lo, o.hi
	if lo == hi {
		lo, hi = -1, 1
	}
	h := fnv.New64a()
	h.Write([]byte(o.field))
	rng := rand.New(rand.NewPCG(h.Sum64(), uint64(o.n)))
	switch b.DType() {
	case kernels.F32:
		for i, v := 0, kernels.Floats[float32](b); i < len(v); i++ {
			v[i] = float32(lo) + float32(hi-lo)*rng.Float32()
		}
	case kernels.F64:
		for i, v := 0, kernels.Floats[float64](b); i < len(v); i++ {
			v[i] = lo + (hi-lo)*rng.Float64()
		}
	case kernels.I32:
		for i, v := 0, kernels.Floats[int32](b); i < len(v); i++ {
			v[i] = int32(lo + (hi-lo)*rng.Float64())
		}
	}
}
