package autograd

import (
	"path"
	"slices"
	"strings"
)

// Enter opens a layer called name inside the current one; the function it returns closes it:
//
//	defer t.Enter("layer4")()
func (t *Tape) Enter(name string) (leave func()) {
	n := len(t.path)
	t.path = append(t.path, name)
	return func() { t.path = t.path[:n] }
}

// Path is the current layer: "layer4.2.conv1".
func (t *Tape) Path() string { return strings.Join(t.path, ".") }

// Mark offers v as the value of the current layer. If the tape was opened with a tap of that name it is kept.
func (t *Tape) Mark(v *Var) *Var {
	if name := t.Path(); t.tapWanted(name) && t.taps[name] == nil {
		t.tap(name, v)
	}
	return v
}

func (t *Tape) tap(name string, v *Var) {
	if v.mem != nil {
		v.mem.refs++
	}
	t.taps[name] = v
	if t.opts.tapGrads {
		v.wants, v.keep = true, true
	}
}

func (t *Tape) tapWanted(name string) bool {
	return slices.ContainsFunc(t.opts.taps, func(pattern string) bool {
		ok, err := path.Match(strings.ReplaceAll(pattern, ".", "/"), strings.ReplaceAll(name, ".", "/"))
		return ok && err == nil
	})
}

// Tapped is the value that was marked under name, or nil if the model has no such mark or the tape no such
// tap.
func (t *Tape) Tapped(name string) *Var { return t.taps[name] }

// TapNames lists what has been tapped, sorted.
func (t *Tape) TapNames() []string {
	names := make([]string, 0, len(t.taps))
	for n := range t.taps {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
