package interp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Module is what a PTX text declares.
type Module struct {
	kernels map[string]*Kernel
	globals map[string]uint64 // variables: their place in data
	data    []byte
	shared  []variable // of every kernel
}

// variable is one of a kernel's memory that is there from the beginning.
type variable struct {
	name         string
	align, bytes int
	extern       bool // as many bytes as the launch asks for
}

// Kernel is an entry of a module.
type Kernel struct {
	Name    string
	Params  []Param
	Threads int // of a block at most, 0 if it does not say

	module     *Module
	paramBytes int
	static     int // bytes of shared memory beside what a launch asks for
	dynamic    int // where these begin
	local      int // bytes a thread
	symbols    map[string]symbol
	registers  int
	constants  map[uint64]int32 // value to register
	special    map[string]int32 // as %tid.x
	code       []instr
}

// Param is a parameter: its place in the block of arguments.
type Param struct {
	Name      string
	At, Bytes int
}

type symbol struct {
	value   uint64
	dynamic bool // + where dynamic shared memory begins
}

// Parse reads a module and decodes its instructions.
func Parse(text string) (*Module, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	m := &Module{kernels: map[string]*Kernel{}, globals: map[string]uint64{}}
	r := &reader{tokens: tokens}
	for r.peek() != "" {
		switch r.next() {
		case ".version", ".target", ".address_size":
			r.next()
		case ".visible", ".extern":
		case ".shared":
			m.shared = append(m.shared, r.variable())
			r.expect(";")
		case ".global", ".const":
			m.global(r)
		case ".entry":
			m.entry(r)
		default:
			r.fail("a declaration that is not known")
		}
	}
	return m, r.err
}

// Kernel is the entry of that name.
func (m *Module) Kernel(name string) (*Kernel, error) {
	if k, ok := m.kernels[name]; ok {
		return k, nil
	}
	return nil, fmt.Errorf("the module has no kernel %s", name)
}

var widths = map[string]int{"pred": 1, "b8": 1, "u8": 1, "s8": 1, "b16": 2, "u16": 2, "s16": 2, "b32": 4, "u32": 4,
	"s32": 4, "f32": 4, "b64": 8, "u64": 8, "s64": 8, "f64": 8}

// variable reads .align 4 .b8 name[128], all of it optional but the type and the name.
func (r *reader) variable() variable {
	v := variable{align: 1}
	if r.take(".align") {
		v.align = r.integer()
	}
	size := widths[strings.TrimPrefix(r.next(), ".")]
	if size == 0 {
		r.fail("a type that is not known")
	}
	v.name, v.bytes = r.next(), size
	v.align = max(v.align, size)
	if r.take("[") {
		v.extern = r.peek() == "]"
		if !v.extern {
			v.bytes = size * r.integer()
		}
		r.expect("]")
	}
	return v
}

func (r *reader) integer() int {
	n, err := strconv.ParseInt(r.peek(), 0, 64)
	if err != nil || n < 0 || n > 1<<30 {
		r.fail("%q where a size belongs", r.peek())
		return 0
	}
	r.next()
	return int(n)
}

// global reads a variable with the bytes that it holds.
func (m *Module) global(r *reader) {
	v := r.variable()
	at := aligned(len(m.data), v.align)
	m.data = append(m.data, make([]byte, at+v.bytes-len(m.data))...)
	m.globals[v.name] = uint64(at)
	if r.take("=") {
		r.expect("{")
		for i := 0; r.err == nil && !r.take("}"); i++ {
			if n := r.integer(); i < v.bytes {
				m.data[at+i] = byte(n)
			}
			r.take(",")
		}
	}
	r.expect(";")
}

func aligned(n, to int) int { return (n + to - 1) / to * to }

// entry reads a kernel.
func (m *Module) entry(r *reader) {
	k := &Kernel{Name: r.next(), module: m, symbols: map[string]symbol{}, constants: map[uint64]int32{},
		special: map[string]int32{}}
	m.kernels[k.Name] = k
	for name, at := range m.globals {
		k.symbols[name] = symbol{value: moduleBase + at}
	}
	for _, v := range m.shared {
		k.sharedVariable(v)
	}
	r.expect("(")
	for r.err == nil && !r.take(")") {
		r.expect(".param")
		v := r.variable()
		at := aligned(k.paramBytes, v.align)
		k.Params = append(k.Params, Param{v.name, at, v.bytes})
		k.symbols[v.name] = symbol{value: uint64(at)}
		k.paramBytes = at + v.bytes
		r.take(",")
	}
	for r.err == nil && !r.take("{") {
		switch r.next() {
		case ".maxntid":
			k.Threads = r.integer()
			for r.take(",") {
				k.Threads *= r.integer()
			}
		case ".minnctapersm":
			r.integer()
		default:
			r.fail("a directive that is not known")
		}
	}
	b := body{k: k, r: r}
	b.read()
	k.dynamic = aligned(k.static, 1024)
}

func (k *Kernel) sharedVariable(v variable) {
	if v.extern {
		k.symbols[v.name] = symbol{dynamic: true}
		return
	}
	at := aligned(k.static, v.align)
	k.symbols[v.name] = symbol{value: uint64(at)}
	k.static = at + v.bytes
}

// constant is the register that holds a value.
func (k *Kernel) constant(v uint64) int32 {
	if i, ok := k.constants[v]; ok {
		return i
	}
	k.constants[v] = k.register()
	return k.constants[v]
}

func (k *Kernel) register() int32 {
	k.registers++
	return int32(k.registers - 1)
}

// number is the value of a literal: 12, 0x1f, 0f3F800000 (float32), 0d3FF0000000000000 (float64).
func number(text string, negative bool) (uint64, error) {
	switch {
	case strings.HasPrefix(text, "0f"), strings.HasPrefix(text, "0d"):
		v, err := strconv.ParseUint(text[2:], 16, 64)
		if err == nil && text[1] == 'f' && v > math.MaxUint32 {
			err = strconv.ErrRange
		}
		return v, err
	default:
		v, err := strconv.ParseUint(text, 0, 64)
		if negative {
			v = -v
		}
		return v, err
	}
}
