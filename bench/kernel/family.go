package kernel

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"truegrain/kernels"
)

// family is one op: how its shapes are written and what its calls take.
type family struct {
	stem     string
	example  Spec
	opts     string   // the options that it understands
	words    []string // and the words
	parse    func(Spec) any
	format   func(args any, s *Spec)
	operands func(args any) []operand
	forward  caller
	backward caller
	passes   []Pass
	cost     func(args any) kernels.Cost
}

// Pass is one direction of an op: "forward", all of its gradients ("backward"), or one of them ("dx", "dw").
type Pass struct {
	Name  string
	wants []string // gradients, by the operand they belong to
	reads []string // operands that this direction reads beside dy
	work  float64  // operations, in those of the forward
	cut   func(args any) *cut

	again func(args any) []string // operands that it has to pass twice, after all of them the first time
}

// Forward says that a pass is not one of gradients.
func (p Pass) Forward() bool { return len(p.wants) == 0 }

// caller calls one method of a backend with its argument struct.
type caller struct {
	args reflect.Type
	bind func(be kernels.Backend, args any) func()
}

func calls[A any](method func(kernels.Backend, A)) caller {
	return caller{reflect.TypeFor[A](), func(be kernels.Backend, args any) func() {
		a := args.(A)
		return func() { method(be, a) }
	}}
}

// operand is one buffer of an op.
type operand struct {
	field  string
	n      int
	role   role
	dtype  kernels.DType            // Invalid is the backend's
	lo, hi float64                  // what inputs are drawn from; both 0 is [-1,1)
	make   func(args any) []float64 // or what they follow from: the operands before
}

type role uint8

const (
	input  role = iota
	output      // written only
	state       // read and written: running statistics, moments
)

func in(field string, n int) operand  { return operand{field: field, n: n} }
func out(field string, n int) operand { return operand{field: field, n: n, role: output} }

func (o operand) in(lo, hi float64) operand               { o.lo, o.hi = lo, hi; return o }
func (o operand) of(d kernels.DType) operand              { o.dtype = d; return o }
func (o operand) as(r role) operand                       { o.role = r; return o }
func (o operand) made(f func(args any) []float64) operand { o.make = f; return o }
func optional(is bool, o ...operand) []operand            { return o[:len(o)*btoi(is)] }
func btoi(b bool) int                                     { return map[bool]int{true: 1}[b] }
func operands(parts ...[]operand) (l []operand)           { return slices.Concat(parts...) }

// cut is the part of a result that is compared where computing all of it in the oracle would take too long:
// some channels, rows or elements, which do not depend on the others. Its op has pick elements along dim
// instead of n.
type cut struct {
	dim   string
	n     int
	pick  []int
	inner map[string]int // the operands that have this axis, and the number of elements behind it in each
	fix   func(args reflect.Value, picked int)
}

// three are the first, the middle and the last of n.
func three(n int) []int { return slices.Compact([]int{0, n / 2, max(n-1, 0)}) }

// spread are up to k of n, evenly.
func spread(n, k int) (pick []int) {
	for i := range min(n, k) {
		pick = append(pick, i*n/min(n, k))
	}
	return pick
}

// def is a family in terms of its argument struct.
type def[A any] struct {
	opts     string
	words    string
	parse    func(s Spec) A
	format   func(o A, s *Spec)
	operands func(o A) []operand
	run      func(kernels.Backend, A)
	back     caller
	passes   []Pass
	cost     func(o A) kernels.Cost // of an op that is not a kernels.Op
}

// families is every op that can be timed, in the order in which they are listed.
var families []*family

func init() {
	defineConv2D()
	defineConvTranspose2D()
	defineLinear()
	defineGemm()
	defineAttention()
	defineBatchNorm()
	defineLayerNorm()
	defineSoftmax()
	defineMaxPool2D()
	defineAvgPool2D()
	defineAdaptiveAvgPool2D()
	defineResize()
	defineElements()
	defineDropout()
	defineBias()
	defineSum()
	defineSlice()
	definePad()
	defineLosses()
	defineSteps()
}

func define[A any](stem, example string, d def[A]) {
	s, err := ParseSpec(example)
	if err != nil {
		panic(err)
	}
	f := &family{stem: stem, example: s, opts: d.opts, words: strings.Fields(d.words),
		parse:    func(s Spec) any { return d.parse(s) },
		format:   func(a any, s *Spec) { d.format(a.(A), s) },
		operands: func(a any) []operand { return d.operands(a.(A)) },
		forward:  calls(d.run), backward: d.back,
		passes: d.passes,
		cost: func(a any) kernels.Cost {
			if d.cost != nil {
				return d.cost(a.(A))
			}
			return a.(kernels.Op).Cost()
		}}
	families = append(families, f)
}

func familyOf(stem string) (*family, error) {
	for _, f := range families {
		if f.stem == stem {
			return f, nil
		}
	}
	return nil, fmt.Errorf("no op %q; there are %s", stem, strings.Join(Ops(), ", "))
}

// Ops lists the ops that can be timed.
func Ops() (names []string) {
	for _, f := range families {
		names = append(names, f.stem)
	}
	return names
}

// Passes lists the directions of an op, forward first.
func Passes(stem string) (names []string, err error) {
	f, err := familyOf(stem)
	if err != nil {
		return nil, err
	}
	for _, p := range f.passes {
		names = append(names, p.Name)
	}
	return names, nil
}

// Describe is the name and the shape of an op that a model ran; false for one that is not timed on its own.
func Describe(op kernels.Op) (stem, shape string, ok bool) {
	for _, f := range families {
		if f.forward.args == reflect.TypeOf(op) {
			var s Spec
			f.format(op, &s)
			return f.stem, s.String(), true
		}
	}
	return "", "", false
}
