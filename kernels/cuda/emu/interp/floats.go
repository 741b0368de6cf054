package interp

import (
	"math"
	"strings"
)

// float is a value of 32 or 64 bits as a number.
func float(v uint64, n int) float64 {
	if n == 32 {
		return float64(f32(v))
	}
	return math.Float64frombits(v)
}

func f32(v uint64) float32    { return math.Float32frombits(uint32(v)) }
func bits32(f float32) uint64 { return uint64(math.Float32bits(f)) }

// floats are rounded to nearest; .rn only says that ptxas may not contract them.
func floats(words []string, t string) (laneFn, int) {
	op := strings.Join(words[:len(words)-1], ".")
	op = strings.TrimSuffix(op, ".rn")
	if t == "f64" {
		return floats64(op)
	}
	switch op {
	case "add":
		return func(a, b, _ uint64) uint64 { return bits32(f32(a) + f32(b)) }, 2
	case "sub":
		return func(a, b, _ uint64) uint64 { return bits32(f32(a) - f32(b)) }, 2
	case "mul":
		return func(a, b, _ uint64) uint64 { return bits32(f32(a) * f32(b)) }, 2
	case "div":
		return func(a, b, _ uint64) uint64 { return bits32(f32(a) / f32(b)) }, 2
	case "fma":
		return func(a, b, c uint64) uint64 { return bits32(fma32(f32(a), f32(b), f32(c))) }, 3
	case "neg":
		return func(a, _, _ uint64) uint64 { return a ^ 1<<31 }, 1
	case "abs":
		return func(a, _, _ uint64) uint64 { return a &^ (1 << 31) }, 1
	case "min":
		return func(a, b, _ uint64) uint64 { return bits32(float32(least(float(a, 32), float(b, 32)))) }, 2
	case "max":
		return func(a, b, _ uint64) uint64 { return bits32(float32(-least(-float(a, 32), -float(b, 32)))) }, 2
	case "sqrt":
		return func(a, _, _ uint64) uint64 { return bits32(float32(math.Sqrt(float(a, 32)))) }, 1
	case "rcp":
		return func(a, _, _ uint64) uint64 { return bits32(1 / f32(a)) }, 1
	case "rcp.approx.ftz":
		return func(a, _, _ uint64) uint64 { return bits32(flushed(1 / flushed(f32(a)))) }, 1
	case "ex2.approx.ftz":
		return func(a, _, _ uint64) uint64 {
			return bits32(flushed(float32(math.Exp2(float64(flushed(f32(a)))))))
		}, 1
	}
	return nil, 0
}

func floats64(op string) (laneFn, int) {
	binary := func(f func(a, b float64) float64) laneFn {
		return func(a, b, _ uint64) uint64 {
			return math.Float64bits(f(math.Float64frombits(a), math.Float64frombits(b)))
		}
	}
	switch op {
	case "add":
		return binary(func(a, b float64) float64 { return a + b }), 2
	case "sub":
		return binary(func(a, b float64) float64 { return a - b }), 2
	case "mul":
		return binary(func(a, b float64) float64 { return a * b }), 2
	case "div":
		return binary(func(a, b float64) float64 { return a / b }), 2
	case "fma":
		return func(a, b, c uint64) uint64 {
			return math.Float64bits(math.FMA(float(a, 64), float(b, 64), float(c, 64)))
		}, 3
	case "neg":
		return func(a, _, _ uint64) uint64 { return a ^ 1<<63 }, 1
	case "sqrt":
		return binary(func(a, _ float64) float64 { return math.Sqrt(a) }), 1
	case "rcp":
		return binary(func(a, _ float64) float64 { return 1 / a }), 1
	}
	return nil, 0
}

// least is the smaller of two numbers, or the one that is a number.
func least(a, b float64) float64 {
	switch {
	case a != a:
		return b
	case b != b:
		return a
	}
	return math.Min(a, b)
}

// flushed is what .ftz makes of a number below the normal ones: zero, with its sign.
func flushed(f float32) float32 {
	if b := math.Float32bits(f); b&0x7f800000 == 0 {
		return math.Float32frombits(b & (1 << 31))
	}
	return f
}

// fma32 rounds a·b + c once. The product is exact in float64, their sum rounded there; it is rounded again,
// which goes wrong only where it came out in the middle between two float32: there the error of the sum
// decides.
func fma32(a, b, c float32) float32 {
	p, z := float64(a)*float64(b), float64(c)
	s := p + z
	u := math.Float64bits(s)
	if u&0x1fffffff == 0x10000000 && u>>52&0x7ff != 0x7ff {
		v := s - p
		switch e := (p - (s - v)) + (z - v); {
		case e > 0 == (s > 0) && e != 0:
			u++
		case e != 0:
			u--
		}
		s = math.Float64frombits(u)
	}
	return float32(s)
}

// conversion is cvt, of the kinds that there are.
func conversion(kind string) (laneFn, int) {
	switch kind {
	case "rn.bf16.f32":
		return func(a, _, _ uint64) uint64 { return bf16(f32(a)) }, 1
	case "rn.bf16x2.f32": // the first operand becomes the upper half
		return func(a, b, _ uint64) uint64 { return bf16(f32(a))<<16 | bf16(f32(b)) }, 2
	case "f64.f32":
		return func(a, _, _ uint64) uint64 { return math.Float64bits(float64(f32(a))) }, 1
	case "rn.f32.f64":
		return func(a, _, _ uint64) uint64 { return bits32(float32(math.Float64frombits(a))) }, 1
	case "rzi.s32.f32":
		return func(a, _, _ uint64) uint64 { return truncated(f32(a)) }, 1
	}
	words := strings.Split(strings.TrimPrefix(kind, "rn."), ".")
	if len(words) != 2 || widths[words[0]] == 0 {
		return nil, 0
	}
	to, from := words[0], words[1]
	n := width(from)
	value := func(a uint64) int64 { return int64(a) }
	switch {
	case from[0] == 's':
		value = func(a uint64) int64 { return signed(a, n) }
	case from[0] != 'u' || n == 64 && to[0] == 'f':
		return nil, 0
	}
	switch {
	case to == "f32" && strings.HasPrefix(kind, "rn."):
		return func(a, _, _ uint64) uint64 { return bits32(float32(value(a))) }, 1
	case to == "f64" && strings.HasPrefix(kind, "rn.") && n <= 32:
		return func(a, _, _ uint64) uint64 { return math.Float64bits(float64(value(a))) }, 1
	case (to[0] == 's' || to[0] == 'u') && !strings.HasPrefix(kind, "rn."):
		return cut(func(a, _, _ uint64) uint64 { return uint64(value(a)) }, to), 1
	}
	return nil, 0
}

// bf16 rounds to nearest, ties to even; any NaN becomes 0x7fff.
func bf16(f float32) uint64 {
	if f != f {
		return 0x7fff
	}
	u := math.Float32bits(f)
	return uint64((u + 0x7fff + u>>16&1) >> 16)
}

// truncated is an int32 toward zero; what is beyond becomes the last one, NaN 0.
func truncated(f float32) uint64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt32:
		return math.MaxInt32
	case f <= math.MinInt32:
		return 1 << 31
	}
	return uint64(uint32(int32(f)))
}
