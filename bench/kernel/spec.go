package kernel

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Spec is the shape of an op as the benchmarks write it: sizes, behind a dash those of the result that don't
// follow from them, options, and behind plus signs what else the op has:
//
//	8x56x56x64-256k1+bias+relu
type Spec struct {
	Sizes, Out []int
	Opts       []Opt
	With       []string
}

// Opt is a numbered option: one value, or one for rows and one for columns.
type Opt struct {
	Name rune
	V    [2]int
}

var (
	specForm = regexp.MustCompile(`^(\d+(?:x\d+)*)(?:-(\d+(?:x\d+)*))?((?:[a-z]\d+(?:x\d+)?)*)((?:\+[a-z]+)*)$`)
	optForm  = regexp.MustCompile(`([a-z])(\d+)(?:x(\d+))?`)
)

// ParseSpec reads the notation.
func ParseSpec(s string) (Spec, error) {
	m := specForm.FindStringSubmatch(s)
	if m == nil {
		return Spec{}, fmt.Errorf("shape %q: want sizes, and then maybe -sizes, options and +words: "+
			"8x56x56x64-256k1+bias+relu", s)
	}
	out := Spec{Sizes: sizes(m[1]), Out: sizes(m[2])}
	for _, o := range optForm.FindAllStringSubmatch(m[3], -1) {
		v := [2]int{number(o[2]), number(o[2])}
		if o[3] != "" {
			v[1] = number(o[3])
		}
		out.Opts = append(out.Opts, Opt{rune(o[1][0]), v})
	}
	if m[4] != "" {
		out.With = strings.Split(m[4][1:], "+")
	}
	return out, nil
}

func (s Spec) String() string {
	var b strings.Builder
	b.WriteString(join(s.Sizes))
	if len(s.Out) > 0 {
		b.WriteString("-" + join(s.Out))
	}
	for _, o := range s.Opts {
		if o.V[0] == o.V[1] {
			fmt.Fprintf(&b, "%c%d", o.Name, o.V[0])
		} else {
			fmt.Fprintf(&b, "%c%dx%d", o.Name, o.V[0], o.V[1])
		}
	}
	for _, w := range s.With {
		b.WriteString("+" + w)
	}
	return b.String()
}

// opt is an option's value, or d where it is not given.
func (s Spec) opt(name rune, d int) [2]int {
	for _, o := range s.Opts {
		if o.Name == name {
			return o.V
		}
	}
	return [2]int{d, d}
}

// put adds an option unless it has the value that it has when not given.
func (s *Spec) put(name rune, v [2]int, d int) {
	if v != [2]int{d, d} {
		s.Opts = append(s.Opts, Opt{name, v})
	}
}

// has says whether a word is there; when adds it if it should be.
func (s Spec) has(word string) bool { return slices.Contains(s.With, word) }

func (s *Spec) when(is bool, word string) {
	if is {
		s.With = append(s.With, word)
	}
}

// fits says what of a spec an op does not understand, or whether sizes are missing.
func (s Spec) fits(example Spec, opts string, words ...string) error {
	switch {
	case len(s.Sizes) != len(example.Sizes):
		return fmt.Errorf("has %d sizes, want %d", len(s.Sizes), len(example.Sizes))
	case len(s.Out) != len(example.Out) && len(s.Out) != 0:
		return fmt.Errorf("has %d sizes behind the dash, want %d", len(s.Out), len(example.Out))
	}
	for _, o := range s.Opts {
		if !strings.ContainsRune(opts, o.Name) {
			return fmt.Errorf("has option %q, want of %q", o.Name, opts)
		}
	}
	for _, w := range s.With {
		if !slices.Contains(words, w) {
			return fmt.Errorf("has +%s, want of +%s", w, strings.Join(words, " +"))
		}
	}
	return nil
}

func sizes(s string) (out []int) {
	if s == "" {
		return nil
	}
	for _, f := range strings.Split(s, "x") {
		out = append(out, number(f))
	}
	return out
}

// number reads digits; what is too large for any memory stays too large.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n > maxSize {
		return maxSize
	}
	return n
}

const maxSize = 1 << 30

func join(v []int) string {
	parts := make([]string, len(v))
	for i, n := range v {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, "x")
}
