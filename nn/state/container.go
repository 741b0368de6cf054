package state

// container executes the opcodes of tuples, lists and dicts whose items are counted.
func (m *machine) container(op byte) error {
	switch op {
	case opListNew:
		m.push(&list{})
		return nil
	case opDictNew:
		m.push(&dict{})
		return nil
	case opTuple0, opTuple1, opTuple2, opTuple3:
		n := 0
		if op != opTuple0 {
			n = int(op-opTuple1) + 1
		}
		return m.tuple(n)
	case opAppend:
		items, err := m.popped(1)
		if err != nil {
			return err
		}
		return m.extend(items)
	case opSetItem:
		items, err := m.popped(2)
		if err != nil {
			return err
		}
		return m.set(items)
	}
	return m.marked(op)
}

// marked executes those whose items are all above a mark.
func (m *machine) marked(op byte) error {
	items, err := m.toMark()
	if err != nil {
		return err
	}
	switch op {
	case opTuple:
		if err := m.count(len(items)); err != nil {
			return err
		}
		m.push(append(tuple(nil), items...))
		return nil
	case opAppends:
		return m.extend(items)
	case opSetItems:
		return m.set(items)
	case opList:
		fresh := append([]any(nil), items...)
		m.push(&list{})
		return m.extend(fresh)
	}
	fresh := append([]any(nil), items...)
	m.push(&dict{})
	return m.set(fresh)
}

// count holds all containers together to their limit.
func (m *machine) count(n int) error {
	if m.elements += n; m.elements > maxElements {
		return m.fail("more than %d elements in lists and dicts", maxElements)
	}
	return nil
}

func (m *machine) tuple(n int) error {
	if err := m.count(n); err != nil {
		return err
	}
	items, err := m.popped(n)
	if err == nil {
		m.push(tuple(items))
	}
	return err
}

// popped takes n values off the stack, in the order in which they were put there.
func (m *machine) popped(n int) ([]any, error) {
	items := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		v, err := m.pop()
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return items, nil
}

// extend appends to the list on top of the stack.
func (m *machine) extend(items []any) error {
	if len(m.stack) == 0 {
		return m.fail("no list to append to")
	}
	l, ok := m.stack[len(m.stack)-1].(*list)
	if !ok {
		return m.fail("APPEND to something that is no list")
	}
	if err := m.count(len(items)); err != nil {
		return err
	}
	l.items = append(l.items, items...)
	return nil
}

// set puts keys and values in turn into the dict on top of the stack.
func (m *machine) set(items []any) error {
	if len(m.stack) == 0 {
		return m.fail("no dict to set")
	}
	d, ok := m.stack[len(m.stack)-1].(*dict)
	if !ok || len(items)%2 != 0 {
		return m.fail("SETITEM on something that is no dict, or without a value")
	}
	if err := m.count(len(items)); err != nil {
		return err
	}
	for i := 0; i < len(items); i += 2 {
		d.items = append(d.items, pair{items[i], items[i+1]})
	}
	return nil
}
