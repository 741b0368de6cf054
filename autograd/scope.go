package autograd

// Scope runs f and lets go of all that it computed except its result, unless a backward or a tap still needs
// it. A block of a model is a scope: without gradients it then costs the memory of its largest moment only.
func (t *Tape) Scope(f func() *Var) *Var {
	t.scopes = append(t.scopes, nil)
	out := f()
	top := len(t.scopes) - 1
	inner := t.scopes[top]
	t.scopes = t.scopes[:top]
	for _, m := range inner {
		if out != nil && (m == out.mem || m == out.sums) {
			t.scopes[top-1] = append(t.scopes[top-1], m)
			continue
		}
		t.drop(m)
	}
	return out
}

// Sequence passes x through the stages, each in a scope of its own, and lets go of every value between them
// as soon as the next one is there. x itself stays.
func (t *Tape) Sequence(x *Var, stages ...func(*Var) *Var) *Var {
	given := x.mem // the caller's
	for _, f := range stages {
		y := t.Scope(func() *Var { return f(x) })
		if x.mem != given && x.mem != y.mem {
			t.leave(x.mem)
			t.leave(x.sums)
		}
		x = y
	}
	return x
}

// leave takes memory, if any, out of the innermost scope before that ends.
func (t *Tape) leave(m *memory) {
	s := t.scopes[len(t.scopes)-1]
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == m {
			t.scopes[len(t.scopes)-1] = append(s[:i], s[i+1:]...)
			t.drop(m)
			return
		}
	}
}
