package interp

import (
	"iter"
	"math"
	"math/bits"
	"strings"
)

type laneFn = func(a, b, c uint64) uint64

// each is the numbers of the bits of m.
func each(m uint32) iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; m != 0; m &= m - 1 {
			if !yield(bits.TrailingZeros32(m)) {
				return
			}
		}
	}
}

// laneFunction is what an arithmetic instruction computes, and of how many operands.
func laneFunction(words []string) (laneFn, int) {
	t := words[len(words)-1]
	if widths[t] == 0 {
		return nil, 0
	}
	switch words[0] {
	case "setp":
		if len(words) == 3 {
			return comparison(words[1], t), 2
		}
		return nil, 0
	case "selp":
		return func(a, b, c uint64) uint64 {
			if c != 0 {
				return a
			}
			return b
		}, 3
	case "cvt":
		return conversion(strings.Join(words[1:], "."))
	}
	if t == "f32" || t == "f64" {
		return floats(words, t)
	}
	return integers(strings.Join(words[:len(words)-1], "."), t)
}

// width is the bits of a type: 1 of a predicate.
func width(t string) int {
	if t == "pred" {
		return 1
	}
	return 8 * widths[t]
}

// cut keeps the bits of a type of a result.
func cut(f laneFn, t string) laneFn {
	n := width(t)
	if n == 64 || f == nil {
		return f
	}
	mask := uint64(1)<<n - 1
	return func(a, b, c uint64) uint64 { return f(a, b, c) & mask }
}

// signed is a value of n bits with its sign.
func signed(v uint64, n int) int64 { return int64(v<<(64-n)) >> (64 - n) }

func integers(op, t string) (laneFn, int) {
	n := width(t)
	if f := bitwise(op, t, n); f != nil {
		return cut(f, t), 2
	}
	switch op {
	case "not":
		return cut(func(a, _, _ uint64) uint64 { return ^a }, t), 1
	case "neg":
		return cut(func(a, _, _ uint64) uint64 { return -a }, t), 1
	case "abs":
		return cut(func(a, _, _ uint64) uint64 { v := signed(a, n); return uint64(max(v, -v)) }, t), 1
	case "mul.wide":
		if t[0] == 's' {
			return func(a, b, _ uint64) uint64 { return uint64(signed(a, n) * signed(b, n)) }, 2
		}
		return func(a, b, _ uint64) uint64 { return a * b }, 2
	case "mad.lo":
		return cut(func(a, b, c uint64) uint64 { return a*b + c }, t), 3
	case "bfe":
		if t[0] == 's' {
			return nil, 0
		}
		return func(a, b, c uint64) uint64 { return a >> (b & 255) & (1<<min(c&255, uint64(n)) - 1) }, 3
	}
	if t[0] == 's' {
		return cut(signedOp(op, n), t), 2
	}
	return cut(unsignedOp(op, n), t), 2
}

// bitwise are the operations whose lower bits do not depend on signs, and shifts.
func bitwise(op, t string, n int) laneFn {
	switch op {
	case "add":
		return func(a, b, _ uint64) uint64 { return a + b }
	case "sub":
		return func(a, b, _ uint64) uint64 { return a - b }
	case "mul.lo":
		return func(a, b, _ uint64) uint64 { return a * b }
	case "and":
		return func(a, b, _ uint64) uint64 { return a & b }
	case "or":
		return func(a, b, _ uint64) uint64 { return a | b }
	case "xor":
		return func(a, b, _ uint64) uint64 { return a ^ b }
	case "shl":
		return func(a, b, _ uint64) uint64 { return a << min(b&math.MaxUint32, 64) }
	case "shr":
		if t[0] == 's' {
			return func(a, b, _ uint64) uint64 { return uint64(signed(a, n) >> min(b&math.MaxUint32, 63)) }
		}
		return func(a, b, _ uint64) uint64 { return a >> min(b&math.MaxUint32, 64) }
	}
	return nil
}

// Division by zero has no defined result; here it is all ones.
func signedOp(op string, n int) laneFn {
	switch op {
	case "mul.hi":
		return func(a, b, _ uint64) uint64 {
			hi, lo := bits.Mul64(uint64(signed(a, n)), uint64(signed(b, n)))
			if signed(a, n) < 0 {
				hi -= uint64(signed(b, n))
			}
			if signed(b, n) < 0 {
				hi -= uint64(signed(a, n))
			}
			return lo>>n | hi<<(64-n)
		}
	case "div", "rem":
		return func(a, b, _ uint64) uint64 {
			x, y := signed(a, n), signed(b, n)
			switch {
			case y == 0:
				return math.MaxUint64
			case op == "div":
				return uint64(x / y)
			}
			return uint64(x % y)
		}
	case "min":
		return func(a, b, _ uint64) uint64 { return uint64(min(signed(a, n), signed(b, n))) }
	case "max":
		return func(a, b, _ uint64) uint64 { return uint64(max(signed(a, n), signed(b, n))) }
	}
	return nil
}

func unsignedOp(op string, n int) laneFn {
	switch op {
	case "mul.hi":
		return func(a, b, _ uint64) uint64 {
			hi, lo := bits.Mul64(a, b)
			return lo>>n | hi<<(64-n)
		}
	case "div", "rem":
		return func(a, b, _ uint64) uint64 {
			switch {
			case b == 0:
				return math.MaxUint64
			case op == "div":
				return a / b
			}
			return a % b
		}
	case "min":
		return func(a, b, _ uint64) uint64 { return min(a, b) }
	case "max":
		return func(a, b, _ uint64) uint64 { return max(a, b) }
	}
	return nil
}

// comparison is setp. Of floats, comparisons with NaN are false, but for nan.
func comparison(op, t string) laneFn {
	n := width(t)
	order := func(a, b uint64) int { return compared(a, b) }
	switch t[0] {
	case 's':
		order = func(a, b uint64) int { return compared(signed(a, n), signed(b, n)) }
	case 'f':
		order = func(a, b uint64) int { return compared(float(a, n), float(b, n)) }
	}
	holds := map[string][4]bool{"lt": {0: true}, "le": {0: true, 1: true}, "eq": {1: true}, "ge": {1: true, 2: true},
		"gt": {2: true}, "ne": {0: true, 2: true}, "nan": {3: true}, "num": {0: true, 1: true, 2: true}}
	table, ok := holds[op]
	if !ok {
		return nil
	}
	return func(a, b, _ uint64) uint64 {
		if table[order(a, b)] {
			return 1
		}
		return 0
	}
}

// compared is 0, 1, 2 or 3: less, equal, greater, or not to be compared.
func compared[T int64 | uint64 | float64](a, b T) int {
	switch {
	case a < b:
		return 0
	case a == b:
		return 1
	case a > b:
		return 2
	}
	return 3
}
