package kernel

import (
	"reflect"
	"slices"

	"truegrain/kernels"
)

// HalfTolerance is the largest relative L2 error of a result in bfloat16, which has 8 bits: it is rounded
// once, by at most 2⁻⁹ of itself. Attention may round its probabilities and their gradients as well before
// they are multiplied: HalfAttention.
const (
	HalfTolerance = 2e-3
	HalfAttention = 4e-3
)

// wide are operands that stay float32 where activations are bfloat16: statistics and the parameters of norms.
var wide = []string{"Gamma", "Beta", "DGamma", "DBeta", "Mean", "RStd", "RunningMean", "RunningVar", "Sums",
	"Index", "LSE"}

// halved says that an operand is bfloat16 in a problem whose activations are. The values of losses stay
// float32, and so do an optimiser's weights and moments.
func (p *Problem) halved(field string) bool {
	switch p.Op {
	case "bce", "bcelogits", "mse", "crossentropy":
		if field == "Y" || field == "DY" {
			return false
		}
	case "sgd", "adam":
		return field == "G"
	}
	return !slices.Contains(wide, field)
}

// roundHalf rounds float32 host memory to what bfloat16 holds.
func roundHalf(b kernels.Buf) {
	if b.DType() != kernels.F32 {
		return
	}
	for i, v := range kernels.Floats[float32](b) {
		kernels.Floats[float32](b)[i] = kernels.BF16Float(kernels.BF16Bits(v))
	}
}

// block is how many numbers are drawn for an operand on a device; they are repeated to its end.
const block = 1 << 18

// fill draws an operand on a device.
func (b *Bench) fill(buf kernels.Buf, o operand) {
	if o.make != nil { // what follows from others takes the numbers of one
		b.be.Fill(buf, 1)
		return
	}
	n := min(buf.Len(), block)
	host, err := kernels.AllocHost(o.kind(b.be), n)
	if err != nil || n == 0 {
		return
	}
	draw(host, o)
	b.be.Upload(buf.Slice(0, n), host)
	for n < buf.Len() {
		more := min(n, buf.Len()-n)
		b.be.Copy(buf.Slice(n, n+more), buf.Slice(0, more))
		n += more
	}
}

// On is the call of a problem that was loaded into a device's memory, on that device or a recording of it.
func (b *Bench) On(be kernels.Backend) func() {
	call := b.family.forward
	if !b.pass.Forward() {
		call = b.family.backward
	}
	return call.bind(be, b.args.Interface())
}

// placed are an op's operands on a device beside those in host memory.
type placed struct {
	be    kernels.Accelerator
	half  func(field string) bool // nil: none is bfloat16
	pairs []twin
	work  kernels.Buf
}

type twin struct{ host, dev kernels.Buf }

// place gives the op in args memory on the device in the place of its host buffers.
func (d *placed) place(args reflect.Value) error {
	t := args.Type()
	for i := range t.NumField() {
		f := args.Field(i)
		switch v := f.Interface().(type) {
		case kernels.Buf:
			dev, err := d.copy(t.Field(i).Name, v)
			if err != nil {
				return err
			}
			f.Set(reflect.ValueOf(dev))
		case kernels.Grad:
			dev, err := d.copy(t.Field(i).Name, v.Buf)
			if err != nil {
				return err
			}
			f.Set(reflect.ValueOf(kernels.Grad{Buf: dev, Acc: v.Acc}))
		default:
			if f.Kind() == reflect.Struct {
				if err := d.place(f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *placed) copy(field string, host kernels.Buf) (kernels.Buf, error) {
	if host.IsZero() {
		return host, nil
	}
	dtype := host.DType()
	if dtype == kernels.F32 && d.half != nil && d.half(field) {
		dtype = kernels.BF16
	}
	dev, err := d.be.Alloc(dtype, host.Len())
	if err == nil {
		d.pairs = append(d.pairs, twin{host, dev})
	}
	return dev, err
}

// addWork gives a backward the memory that the device asks for.
func (d *placed) addWork(args reflect.Value) error {
	f := args.FieldByName("Work")
	if !f.IsValid() {
		return nil
	}
	n := d.be.Workspace(args.Interface())
	if n == 0 {
		return nil
	}
	var err error
	if d.work, err = d.be.Alloc(workType(args), n); err == nil {
		f.Set(reflect.ValueOf(d.work))
	}
	return err
}

// workType is the type of a backward's own memory: that of what it sends back.
func workType(args reflect.Value) kernels.DType {
	return args.FieldByName("DY").Interface().(kernels.Buf).DType()
}

// send brings all operands to the device, fetch brings them back.
func (d *placed) send() {
	for _, p := range d.pairs {
		d.be.Upload(p.dev, p.host)
	}
}

func (d *placed) fetch() {
	for _, p := range d.pairs {
		d.be.Download(p.host, p.dev)
	}
}

func (d *placed) free() {
	for _, p := range d.pairs {
		d.be.Free(p.dev)
	}
	d.be.Free(d.work)
}

// onDevice makes the call one of a device: Run is the whole way there and back.
func (c *Call) onDevice(b *Bench, be kernels.Accelerator, args reflect.Value, call caller) error {
	d := &placed{be: be}
	if b.half {
		d.half, c.Tolerance = b.halved, HalfTolerance
		if b.Op == "attention" {
			c.Tolerance = HalfAttention
		}
	}
	c.free = d.free
	if err := d.place(args); err != nil {
		return err
	}
	if !b.pass.Forward() {
		if err := d.addWork(args); err != nil {
			return err
		}
	}
	run := call.bind(be, args.Interface())
	c.Run = func() {
		d.send()
		run()
		d.fetch()
	}
	return nil
}

// On is the implementation of a backend that is open already.
func On(be kernels.Backend) *Impl { return &Impl{Name: be.Name(), Backend: be} }
