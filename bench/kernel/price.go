package kernel

import (
	"reflect"
	"strings"

	"truegrain/kernels"
)

// Made is what one call of a backend did: the op, the directions ("forward", "dx+dw"), the shape, how its
// packed weights make it compute ("Winograd 4x4"), and what it cost.
type Made struct {
	Op, Pass, Shape, Method string
	Cost                    kernels.Cost
}

// Name is the op with the direction, if that is not forward.
func (m Made) Name() string {
	if m.Pass == "" || m.Pass == "forward" {
		return m.Op
	}
	return m.Op + "/" + m.Pass
}

// Explain tells what a call with these arguments does: a forward op, or the backward of one. Ops that are not
// timed on their own have a name and a cost only.
func Explain(args any) Made {
	t := reflect.TypeOf(args)
	for _, f := range families {
		var s Spec
		switch t {
		case f.forward.args:
			f.format(args, &s)
			return Made{f.stem, "forward", s.String(), methodOf(args), f.cost(args)}
		case f.backward.args:
			v := reflect.ValueOf(args)
			forward := v.Field(0).Interface()
			f.format(forward, &s)
			c := Made{Op: f.stem, Shape: s.String()}
			c.Pass, c.Cost = f.gradCost(v, f.cost(forward).FLOPs)
			return c
		}
	}
	if op, ok := args.(kernels.Op); ok {
		return Made{Op: op.Stem(), Cost: op.Cost()}
	}
	return Made{Op: strings.ToLower(strings.TrimPrefix(t.String(), "kernels."))}
}

func methodOf(args any) string {
	f := reflect.ValueOf(args).FieldByName("Packed")
	if !f.IsValid() || f.IsNil() {
		return ""
	}
	return f.Interface().(kernels.Packed).Method()
}

// gradCost adds up the directions of which a gradient is wanted. Bytes are dy, what each direction reads, and
// the gradients, once each.
func (f *family) gradCost(g reflect.Value, forward int64) (pass string, c kernels.Cost) {
	var names []string
	size := func(b kernels.Buf) int64 { return int64(b.Bytes()) }
	c.Bytes = size(g.FieldByName("DY").Interface().(kernels.Buf))
	for _, p := range f.passes {
		wanted := false
		for _, name := range p.wants {
			d := g.FieldByName("D" + name).Interface().(kernels.Grad)
			wanted = wanted || d.Wanted()
			c.Bytes += size(d.Buf)
		}
		if !wanted {
			continue
		}
		names = append(names, p.Name)
		c.FLOPs += int64(p.work * float64(forward))
		for _, name := range p.reads {
			if relu := g.FieldByName("ReLU"); name == "Y" && relu.Kind() == reflect.Bool && !relu.Bool() {
				continue // only a ReLU looks at it
			}
			c.Bytes += size(g.FieldByName(name).Interface().(kernels.Buf))
		}
	}
	return strings.Join(names, "+"), c
}
