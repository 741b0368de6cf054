package state

import (
	"bytes"
	"math"
)

// storageTypes are torch's storage classes and the element types of their bytes.
var storageTypes = map[global]string{
	"torch.FloatStorage": "F32", "torch.DoubleStorage": "F64", "torch.HalfStorage": "F16",
	"torch.BFloat16Storage": "BF16",
	"torch.LongStorage":     "I64", "torch.IntStorage": "I32", "torch.ShortStorage": "I16",
	"torch.CharStorage": "I8",
	"torch.ByteStorage": "U8", "torch.BoolStorage": "BOOL",
}

// The callables that a weight file may name. None of them is called: each has its meaning here.
const (
	orderedDict      global = "collections.OrderedDict"
	rebuildTensor    global = "torch._utils._rebuild_tensor"
	rebuildTensor2   global = "torch._utils._rebuild_tensor_v2"
	rebuildParameter global = "torch._utils._rebuild_parameter"
)

func allowed(g global) bool {
	return storageTypes[g] != "" || g == orderedDict || g == rebuildTensor || g == rebuildTensor2 ||
		g == rebuildParameter
}

// object executes the opcodes that name and build things.
func (m *machine) object(op byte) error {
	switch op {
	case opGlobal:
		return m.global()
	case opStackGlobal:
		return m.stackGlobal()
	case opPersID:
		id, err := m.pop()
		if err != nil {
			return err
		}
		return m.persistent(id)
	}
	args, err := m.pop()
	if err != nil {
		return err
	}
	if op == opBuild { // the attributes of an OrderedDict: its _metadata, which weights don't need
		if len(m.stack) > 0 {
			if _, ok := m.stack[len(m.stack)-1].(*dict); ok {
				return nil
			}
		}
		return m.fail("BUILD of something that is no dict")
	}
	f, err := m.pop()
	if err != nil {
		return err
	}
	return m.reduce(f, args)
}

// stackGlobal takes name and module off the stack.
func (m *machine) stackGlobal() error {
	items, err := m.popped(2)
	if err != nil {
		return err
	}
	module, ok1 := items[0].(string)
	name, ok2 := items[1].(string)
	if !ok1 || !ok2 {
		return m.fail("a global that is not named by strings")
	}
	return m.resolve(global(module + "." + name))
}

// global reads module and name, each to the end of its line.
func (m *machine) global() error {
	var parts [2]string
	for i := range parts {
		n := bytes.IndexByte(m.text[m.at:], '\n')
		if n < 0 || n > 256 {
			return m.fail("a global's name without end")
		}
		parts[i] = string(m.text[m.at : m.at+n])
		m.at += n + 1
	}
	return m.resolve(global(parts[0] + "." + parts[1]))
}

func (m *machine) resolve(g global) error {
	if !allowed(g) {
		return m.fail("the file wants to call %s; a weight file has no use for it, and this may be an attack",
			quoted(string(g)))
	}
	m.push(g)
	return nil
}

// persistent is a storage: ('storage', class, key, device, elements), and in the older format a view behind
// it.
func (m *machine) persistent(id any) error {
	t, ok := id.(tuple)
	if !ok || len(t) < 5 || t[0] != "storage" {
		return m.fail("a persistent id that is no storage")
	}
	class, _ := t[1].(global)
	key, ok1 := t[2].(string)
	n, ok2 := t[4].(int64)
	dtype := storageTypes[class]
	if !ok1 || !ok2 || dtype == "" || n < 0 || n > math.MaxInt64/8 {
		return m.fail("a storage whose class, key or size makes no sense")
	}
	if len(t) > 5 && t[5] != nil {
		return m.fail("a storage that is a view of another")
	}
	m.push(storage{dtype, key, int(n)})
	return nil
}

// reduce stands for calling f.
func (m *machine) reduce(f, args any) error {
	g, ok1 := f.(global)
	a, ok2 := args.(tuple)
	if !ok1 || !ok2 {
		return m.fail("REDUCE of something that can't be called")
	}
	switch {
	case g == orderedDict:
		return m.newDict(a)
	case (g == rebuildTensor || g == rebuildTensor2) && len(a) >= 4:
		return m.newTensor(a)
	case g == rebuildParameter && len(a) >= 1:
		if t, ok := a[0].(*tensor); ok {
			m.push(t)
			return nil
		}
	}
	return m.fail("%s with arguments that make no sense", g)
}

// newDict is OrderedDict() or OrderedDict([[key, value], ...]).
func (m *machine) newDict(a tuple) error {
	d := &dict{}
	if len(a) == 1 {
		l, ok := a[0].(*list)
		if !ok {
			return m.fail("OrderedDict of something that is no list")
		}
		for _, item := range l.items {
			kv, ok := item.(*list)
			if !ok || len(kv.items) != 2 {
				return m.fail("OrderedDict of something that is no list of pairs")
			}
			d.items = append(d.items, pair{kv.items[0], kv.items[1]})
		}
	}
	m.push(d)
	return m.count(len(d.items))
}

// newTensor is (storage, offset, shape, strides, ...); what it reaches must lie in the storage.
func (m *machine) newTensor(a tuple) error {
	s, ok := a[0].(storage)
	offset, ok1 := a[1].(int64)
	shape, ok2 := ints(a[2])
	strides, ok3 := ints(a[3])
	if !ok || !ok1 || !ok2 || !ok3 || len(shape) != len(strides) || offset < 0 || len(shape) > 64 {
		return m.fail("a tensor whose storage, offset, shape or strides make no sense")
	}
	n, ok := elements(shape)
	if !ok || n > s.n {
		return m.fail("a tensor of shape %v on a storage of %d elements", shape, s.n)
	}
	last := int(offset)
	for i, d := range shape {
		if d > 1 && strides[i] > (math.MaxInt-last)/(d-1) {
			return m.fail("strides %v reach too far", strides)
		}
		last += max(d-1, 0) * strides[i]
	}
	if n > 0 && last >= s.n || int(offset) > s.n {
		return m.fail("a tensor of shape %v at %d reaches element %d of a storage of %d", shape, offset, last,
			s.n)
	}
	m.push(&tensor{s, int(offset), shape, strides})
	return nil
}

// ints is a tuple of integers that are not negative.
func ints(v any) ([]int, bool) {
	t, ok := v.(tuple)
	out := make([]int, len(t))
	for i, x := range t {
		n, isInt := x.(int64)
		if !isInt || n < 0 {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, ok
}

// contiguous says that strides are those of a packed row-major tensor.
func contiguous(shape, strides []int) bool {
	want := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] != 1 && strides[i] != want {
			return false
		}
		want *= shape[i]
	}
	return true
}
