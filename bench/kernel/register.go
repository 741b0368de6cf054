package kernel

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"truegrain/kernels"
)

// Names of the implementations that are always there: the oracle, in float32, and the processor's backend at
// its best level. That with weights packed beforehand, as frozen models have them, is named after the
// packing: "exact", "fast", "bfloat16".
const (
	Ref     = "ref"
	Builtin = "builtin"
)

var packings = []kernels.Packing{kernels.Exact, kernels.Fast, kernels.BFloat16}

func packingOf(name string) (how kernels.Packing, ok bool) {
	i := slices.IndexFunc(packings, func(p kernels.Packing) bool { return p.String() == name })
	return kernels.Packing(i), i >= 0
}

var registered struct {
	sync.Mutex
	impls map[string]map[reflect.Type]func(args any) func()
}

// Register adds an implementation of one direction of an op under a name: f gets the op's argument struct,
// such as kernels.Conv2D for the forward pass or kernels.Conv2DGrad for gradients (of which it computes those
// that are Wanted), with buffers in host memory (kernels.Floats). One name may cover many ops. What an
// implementation does not do it refuses (Refuse).
//
// Panics: if A is no argument struct of an op, or the name is taken for it.
func Register[A any](name string, f func(A)) {
	RegisterPrepared(name, func(a A) func() { return func() { f(a) } })
}

// RegisterPrepared is Register for an implementation that may prepare outside of what is timed, as a frozen
// model packs its weights once: prepare gets the operands and gives what a call does.
func RegisterPrepared[A any](name string, prepare func(A) func()) {
	t := reflect.TypeFor[A]()
	of := func(f *family) bool { return f.forward.args == t || f.backward.args == t }
	if !slices.ContainsFunc(families, of) {
		panic(fmt.Sprintf("bench: register %q: %v is no op's argument struct", name, t))
	}
	registered.Lock()
	defer registered.Unlock()
	if registered.impls == nil {
		registered.impls = map[string]map[reflect.Type]func(any) func(){}
	}
	mine := registered.impls[name]
	if mine == nil {
		mine = map[reflect.Type]func(any) func(){}
		registered.impls[name] = mine
	}
	if _, packed := packingOf(name); packed || name == "" || name == Ref || name == Builtin ||
		mine[t] != nil {
		panic(fmt.Sprintf("bench: register %q for %v: the name is taken", name, t))
	}
	mine[t] = func(args any) func() { return prepare(args.(A)) }
}

// Registered lists the names that were registered.
func Registered() (names []string) {
	registered.Lock()
	defer registered.Unlock()
	for name := range registered.impls {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Refusal is what an implementation raises on a shape that it does not do.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// Misuse makes it one of the panics that the harness turns into a message.
func (*Refusal) Misuse() {}

// Refuse ends a call on a shape that an implementation does not do; the harness prints the reason and goes
// on.
func Refuse(format string, args ...any) { panic(&Refusal{fmt.Sprintf(format, args...)}) }

// Impl computes ops: a backend, or what was registered under a name.
type Impl struct {
	Name    string
	Backend kernels.Backend // nil for a registered one
	of      map[reflect.Type]func(any) func()
	packs   bool
	packing kernels.Packing
}

// Tolerance is the largest relative L2 error of a result that counts as a match.
func (i *Impl) Tolerance() float64 {
	if i.packs && i.packing == kernels.BFloat16 {
		return 1e-2 // operands have 8 bits
	}
	return Tolerance
}

// OpenImpl finds an implementation: "builtin", "ref", a registered name, or the spec of any backend of this
// build ("cpu:avx2"). Close it after use.
func OpenImpl(name string) (*Impl, error) {
	registered.Lock()
	of := registered.impls[name]
	registered.Unlock()
	if of != nil {
		return &Impl{Name: name, of: of}, nil
	}
	spec := name
	how, packs := packingOf(name)
	if name == Builtin || packs {
		spec = "cpu"
	}
	be, err := kernels.Open(spec)
	if err != nil {
		return nil, fmt.Errorf("implementation %q: %w; registered are: %s", name, err,
			strings.Join(append(Registered(), Builtin, "exact", "fast", "bfloat16"), ", "))
	}
	return &Impl{Name: name, Backend: be, packs: packs, packing: how}, nil
}

// Close ends its backend.
func (i *Impl) Close() error {
	if i.Backend == nil {
		return nil
	}
	return i.Backend.Close()
}

// Call is one implementation on one bench's operands.
type Call struct {
	Run       func()
	Method    string // how it computes, if there is a choice: "Winograd 4x4"
	Tolerance float64
	free      func()
}

// Close gives back what was packed.
func (c *Call) Close() {
	if c != nil && c.free != nil {
		c.free()
	}
}

// Prepare makes a call of the implementation on the bench's operands, or tells why it does not do them.
func (b *Bench) Prepare(i *Impl) (c *Call, err error) {
	c = &Call{Tolerance: i.Tolerance()}
	args := reflect.New(b.args.Type()).Elem()
	args.Set(b.args)
	call := b.family.forward
	if !b.pass.Forward() {
		call = b.family.backward
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case kernels.Misuse:
			err = p
		default:
			panic(p)
		}
	}()
	if be, ok := i.Backend.(kernels.Accelerator); ok && !i.packs {
		if err := c.onDevice(b, be, args, call); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	if i.packs {
		if err := c.pack(i, args, b.pass.Forward()); err != nil {
			return nil, err
		}
	}
	if i.Backend != nil {
		work(i.Backend, args)
		c.Run = call.bind(i.Backend, args.Interface())
		return c, nil
	}
	bind := i.of[args.Type()]
	if bind == nil {
		return nil, &Refusal{fmt.Sprintf("%s is not registered for %v", i.Name, args.Type())}
	}
	work(b.be, args)
	c.Run = bind(args.Interface())
	return c, nil
}

// pack gives the op weights that its backend has packed.
func (c *Call) pack(i *Impl, args reflect.Value, forward bool) error {
	field := args.FieldByName("Packed")
	if !field.IsValid() || !forward {
		return &Refusal{"no weights to pack"}
	}
	p, err := i.Backend.Pack(args.Interface().(kernels.Op), i.packing)
	switch {
	case err != nil:
		return err
	case p == nil:
		return &Refusal{"reads its weights as they are"}
	}
	field.Set(reflect.ValueOf(p))
	c.Method, c.free = p.Method(), p.Free
	return nil
}
