package interp

import (
	"math"
	"strings"
)

// operand is what an instruction names: a register (literals and addresses have one, too), several in braces,
// or what lies at an address.
type operand struct {
	reg    int32
	list   []int32 // {a, b}; of a tensor, its coordinates
	memory bool    // [reg + offset]
	offset int64
	label  string
}

// body reads the block of a kernel. Names of registers and labels belong to the braces around them.
type body struct {
	k       *Kernel
	r       *reader
	scopes  []scope
	literal uint64 // the bits that literals of the present instruction have
}

type scope struct {
	registers map[string]int32
	labels    map[string]int
	jumps     []jump
}

// jump is a branch whose target is not known yet.
type jump struct {
	at    int
	label string
}

func (b *body) read() {
	b.open()
	for b.r.err == nil && len(b.scopes) > 0 {
		switch t := b.r.peek(); {
		case t == "":
			b.r.fail("the kernel %s does not end", b.k.Name)
		case b.r.take("{"):
			b.open()
		case b.r.take("}"):
			b.close()
		case strings.HasPrefix(t, "."):
			b.declaration()
		default:
			b.statement()
		}
	}
	b.k.code = append(b.k.code, instr{kind: exits, op: "ret", guard: -1})
}

func (b *body) open() {
	b.scopes = append(b.scopes, scope{registers: map[string]int32{}, labels: map[string]int{}})
}

// close ends a pair of braces. Labels that it does not have are those of the braces around it.
func (b *body) close() {
	last := b.scopes[len(b.scopes)-1]
	b.scopes = b.scopes[:len(b.scopes)-1]
	for _, j := range last.jumps {
		at, ok := last.labels[j.label]
		switch {
		case ok:
			b.k.code[j.at].target = at
		case len(b.scopes) == 0:
			b.r.fail("no label %s in %s", j.label, b.k.Name)
		default:
			outer := &b.scopes[len(b.scopes)-1]
			outer.jumps = append(outer.jumps, j)
		}
	}
}

func (b *body) declaration() {
	switch b.r.next() {
	case ".pragma": // "nounroll" and its like are for ptxas
		for b.r.err == nil && b.r.peek() != ";" {
			b.r.next()
		}
	case ".reg":
		b.r.next() // the type: registers hold 64 bits of any
		name := b.r.next()
		if b.r.take("<") { // %r<n>: %r1 to %r(n-1), as they are met
			b.r.integer()
			b.r.expect(">")
		} else {
			b.scopes[len(b.scopes)-1].registers[name] = b.k.register()
		}
	case ".shared":
		b.k.sharedVariable(b.r.variable())
	case ".local":
		v := b.r.variable()
		at := aligned(b.k.local, v.align)
		b.k.symbols[v.name] = symbol{value: uint64(at)}
		b.k.local = at + v.bytes
	default:
		b.r.fail("a declaration that is not known")
	}
	b.r.expect(";")
}

// statement reads a label or an instruction: @!%p op a, b, c;
func (b *body) statement() {
	line, guard, not := b.r.line(), int32(-1), false
	if b.r.take("@") {
		not = b.r.take("!")
		guard = b.named(b.r.next())
	}
	op := b.r.next()
	if b.r.take(":") {
		b.scopes[len(b.scopes)-1].labels[op] = len(b.k.code)
		return
	}
	b.literal = math.MaxUint64
	if t := op[strings.LastIndexByte(op, '.')+1:]; widths[t] > 0 {
		b.literal >>= 64 - 8*widths[t]
	}
	var ops []operand
	for b.r.err == nil && !b.r.take(";") {
		ops = append(ops, b.operand())
		if b.r.peek() != ";" {
			b.r.expect(",")
		}
	}
	if b.r.err != nil {
		return
	}
	in, err := decode(op, ops)
	if err != nil {
		b.r.failAt(line, "%s: %w", op, err)
		return
	}
	in.guard, in.not, in.line = guard, not, line
	if in.kind == branches {
		s := &b.scopes[len(b.scopes)-1]
		s.jumps = append(s.jumps, jump{len(b.k.code), ops[0].label})
	}
	b.k.code = append(b.k.code, in)
}

func (b *body) operand() operand {
	switch {
	case b.r.take("{"):
		return operand{reg: -1, list: b.list()}
	case b.r.take("["):
		o := b.simple()
		o.memory = true
		if b.r.take("+") {
			o.offset = b.offset()
		}
		if b.r.take(",") { // a tensor: [map, {coordinates}]
			b.r.expect("{")
			o.list = b.list()
		}
		b.r.expect("]")
		return o
	}
	return b.simple()
}

func (b *body) list() (out []int32) {
	for b.r.err == nil && !b.r.take("}") {
		o := b.simple()
		if o.reg < 0 {
			b.r.fail("%s is no register", o.label)
		}
		out = append(out, o.reg)
		if b.r.peek() != "}" {
			b.r.expect(",")
		}
	}
	return out
}

func (b *body) offset() int64 {
	negative := b.r.take("-")
	v, err := number(b.r.peek(), negative)
	if err != nil {
		b.r.fail("%q where an offset belongs", b.r.peek())
	}
	b.r.next()
	return int64(v)
}

// simple is a register, a number, an address or a label.
func (b *body) simple() operand {
	negative := b.r.take("-")
	t := b.r.next()
	if negative || t != "" && t[0] >= '0' && t[0] <= '9' {
		v, err := number(t, negative)
		if err != nil {
			b.r.fail("%q is no number", t)
		}
		return operand{reg: b.k.constant(v & b.literal)}
	}
	if s, ok := b.k.symbols[t]; ok {
		if s.dynamic {
			return operand{reg: b.k.specialRegister(dynamicMemory)}
		}
		return operand{reg: b.k.constant(s.value)}
	}
	return operand{reg: b.named(t), label: t}
}

// named is the register of a name, in the innermost braces that declare it; %r1 and its like belong to the
// kernel, and _ is nobody's. Of anything else, which may be a label, it is -1.
func (b *body) named(name string) int32 {
	for i := len(b.scopes) - 1; i >= 0; i-- {
		if reg, ok := b.scopes[i].registers[name]; ok {
			return reg
		}
	}
	switch {
	case isSpecial(name):
		return b.k.specialRegister(name)
	case name == "_", strings.HasPrefix(name, "%"):
		b.scopes[0].registers[name] = b.k.register()
		return b.scopes[0].registers[name]
	}
	return -1
}
