package models

import (
	"math"
	"runtime/debug"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/nn/state"
)

// packer folds, packs and keeps the weights of a graph. They are the parameters' own, or a file's, read one
// at a time.
type packer struct {
	freezing
	be     kernels.Backend
	params map[uintptr]*autograd.Param // by the address of their values
	file   *state.Weights              // nil: the parameters have their values
	left   map[uintptr]int             // how many reads of a parameter are to come
	kept   map[uintptr]kernels.Buf     // what ops read as it is
	packed []kernels.Packed
	owned  []kernels.Buf
	stage  kernels.Buf // memory of the backend for one weight
	room   []float32   // memory of the host for one
	err    error       // the first
}

func newPacker(m Model, o freezing) *packer {
	w := &packer{freezing: o, be: m.Params()[0].Backend(), params: map[uintptr]*autograd.Param{},
		left: map[uintptr]int{}, kept: map[uintptr]kernels.Buf{}}
	for _, p := range m.Params() {
		w.params[p.Value.Buf.Addr()] = p
	}
	return w
}

// halved is the backend that values are given to: where they are to be rounded, and a device has that, its
// other self, for values in bfloat16.
func (w *packer) halved() kernels.Backend {
	if m, ok := w.be.(kernels.Mixed); ok && w.how == kernels.BFloat16 && !w.onHost() {
		if be, ok := m.Mixed(); ok {
			return be
		}
	}
	return w.be
}

// pack gives every step its weights.
func (w *packer) pack(g *graph) error {
	for _, s := range g.steps {
		w.weights(s, func(b kernels.Buf) { w.left[b.Addr()]++ })
	}
	for i := range g.steps {
		s := g.steps[i]
		op := s.op
		if e := epilogueOf(op); e != nil && w.params[e.weight.Addr()] != nil {
			op = w.weighted(e, s.norm, g.packing(s, w.how))
		}
		op = mapBufs(op, w.keep)
		w.weights(s, w.read)
		if w.err != nil {
			return w.err
		}
		g.steps[i].op = op
	}
	for _, b := range w.owned {
		g.fixed[b.Addr()] = true
	}
	w.be.Free(w.stage)
	w.stage, w.room = kernels.Buf{}, nil
	if w.consume {
		w.release()
		debug.FreeOSMemory()
	}
	return nil
}

// release gives back what no step reads: an auxiliary head.
func (w *packer) release() {
	for _, p := range w.params {
		if !p.Hollow() {
			w.be.Free(p.Release())
		}
	}
}

// weights calls f for each parameter that a step reads.
func (w *packer) weights(s step, f func(b kernels.Buf)) {
	each := func(b kernels.Buf) kernels.Buf {
		if !b.IsZero() && w.params[b.Addr()] != nil {
			f(b)
		}
		return b
	}
	mapBufs(s.op, each)
	if s.norm != nil {
		mapBufs(*s.norm, each)
	}
}

// read counts a read of a parameter. Behind the last one its memory is given back, unless an op keeps it.
func (w *packer) read(b kernels.Buf) {
	a := b.Addr()
	if w.left[a]--; w.left[a] > 0 {
		return
	}
	p := w.params[a]
	_, kept := w.kept[a]
	switch {
	case w.file != nil:
		w.file.Drop(p)
	case w.consume && kept:
		w.owned = append(w.owned, p.Release())
	case w.consume:
		w.be.Free(p.Release())
	}
}

// weighted is an op with its weights, folded with the batch norm behind it, if there is one, and packed.
func (w *packer) weighted(e *epilogue, norm *kernels.BatchNorm, how kernels.Packing) kernels.Op {
	var scale []float64
	if norm != nil {
		var bias []float64
		scale, bias = w.fold(*e.bias, *norm)
		*e.bias = w.ownAs(w.biasType(e), kernels.Of(bias))
	} else if t := w.biasType(e); t != w.be.DType() && !e.bias.IsZero() {
		*e.bias = w.ownAs(t, w.values(*e.bias))
	}
	host := w.values(*e.weight)
	if scale != nil {
		host = w.scaled(host, scale)
	}
	kept := *e.weight
	if *e.weight = w.place(host); w.err != nil {
		return e.value()
	}
	packed, err := w.be.Pack(e.value(), how)
	switch {
	case err != nil:
		w.err = err
	case packed != nil:
		w.packed = append(w.packed, packed)
		*e.packed, *e.weight = packed, kernels.Buf{}
	case scale != nil:
		*e.weight = w.own(host)
	default:
		*e.weight = kept
	}
	return e.value()
}

// biasType is the type that kernels want an op's bias in: that of its result, where a device rounds values.
func (w *packer) biasType(e *epilogue) kernels.DType {
	if e.y.DType() == kernels.BF16 {
		return kernels.BF16
	}
	return w.be.DType()
}

// fold is what a batch norm with running statistics makes of the convolution before it:
//
//	scale[o] = gamma[o]/√(var[o] + eps)
//	weight'[o,...] = scale[o]·weight[o,...],  bias'[o] = scale[o]·(bias[o] − mean[o]) + beta[o]
func (w *packer) fold(bias kernels.Buf, n kernels.BatchNorm) (scale, shift []float64) {
	read := func(b kernels.Buf) []float64 {
		v := make([]float64, n.C)
		if !b.IsZero() {
			copyFloats(v, w.values(b))
		}
		return v
	}
	scale, shift = read(n.Gamma), read(bias)
	beta, mean, variance := read(n.Beta), read(n.RunningMean), read(n.RunningVar)
	for o := range scale {
		scale[o] /= math.Sqrt(variance[o] + n.Eps)
		shift[o] = scale[o]*(shift[o]-mean[o]) + beta[o]
	}
	return scale, shift
}

// values are those of a parameter, in host memory: valid until the next call.
func (w *packer) values(b kernels.Buf) kernels.Buf {
	p := w.params[b.Addr()]
	switch {
	case w.file != nil:
		v, err := w.file.Values(p)
		if err != nil {
			w.fail(err)
			v = make([]float32, b.Len())
		}
		return kernels.Of(v)
	case b.OnDevice():
		host := kernels.Of(w.host(b.Len()))
		w.be.Download(host, b)
		return host
	}
	return b
}

// host is memory for n values, the same every time.
func (w *packer) host(n int) []float32 {
	if cap(w.room) < n {
		w.room = make([]float32, n)
	}
	return w.room[:n]
}

// scaled multiplies each row of a weight by its scale.
func (w *packer) scaled(host kernels.Buf, scale []float64) kernels.Buf {
	if host.DType() == kernels.F64 {
		out := make([]float64, host.Len())
		scaleRows(out, kernels.Floats[float64](host), scale)
		return kernels.Of(out)
	}
	out := w.host(host.Len())
	scaleRows(out, kernels.Floats[float32](host), scale)
	return kernels.Of(out)
}

func scaleRows[T float32 | float64](out, v []T, scale []float64) {
	each := len(v) / max(1, len(scale))
	for o, s := range scale {
		for i, x := range v[o*each : (o+1)*each] {
			out[o*each+i] = T(s * float64(x))
		}
	}
}

func copyFloats(to []float64, b kernels.Buf) {
	if b.DType() == kernels.F64 {
		copy(to, kernels.Floats[float64](b))
		return
	}
	for i, v := range kernels.Floats[float32](b) {
		to[i] = float64(v)
	}
}

// place is a weight in memory of the backend, valid until the next call: where it is, if that is such memory.
func (w *packer) place(host kernels.Buf) kernels.Buf {
	if w.onHost() && host.DType() == w.be.DType() || w.err != nil {
		return host
	}
	if w.stage.Len() < host.Len() {
		w.be.Free(w.stage)
		w.stage = w.alloc(host.Len())
	}
	if w.err != nil {
		return host
	}
	b := w.stage.Slice(0, host.Len())
	w.be.Upload(b, host)
	return b
}

// onHost says that the backend computes in memory of the host.
func (w *packer) onHost() bool {
	if w.stage.IsZero() {
		w.stage = w.alloc(1)
	}
	return !w.stage.OnDevice()
}

// keep is what an op reads in place of b, if b is a parameter: its own memory, or a copy of what the file
// has.
func (w *packer) keep(b kernels.Buf) kernels.Buf {
	p := w.params[b.Addr()]
	if b.IsZero() || p == nil || w.err != nil {
		return b
	}
	k, ok := w.kept[b.Addr()]
	if !ok {
		if k = b; w.file != nil {
			k = w.own(w.values(b))
		}
		w.kept[b.Addr()] = k
	}
	return k
}

// own is a copy in memory of the backend that the frozen model keeps.
func (w *packer) own(host kernels.Buf) kernels.Buf { return w.ownAs(w.be.DType(), host) }

func (w *packer) ownAs(t kernels.DType, host kernels.Buf) kernels.Buf {
	b := w.allocAs(t, host.Len())
	if w.err == nil {
		w.be.Upload(b, host)
		w.owned = append(w.owned, b)
	}
	return b
}

func (w *packer) alloc(n int) kernels.Buf { return w.allocAs(w.be.DType(), n) }

func (w *packer) allocAs(t kernels.DType, n int) kernels.Buf {
	b, err := w.be.Alloc(t, n)
	w.fail(err)
	return b
}

func (w *packer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
