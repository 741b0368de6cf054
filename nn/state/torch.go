package state

import (
	"fmt"
	"strconv"
)

// maxVisits bounds the walk over a pickle's root, where one value can stand in many places.
const maxVisits = 1 << 18

// collector gathers the tensors below the root of a pickle under their dotted names.
type collector struct {
	file     *File
	storages func(key string) ([]byte, error) // the bytes of a storage
	seen     map[string]bool
	visits   int
}

// collectTorch makes a File of a pickle's root: a tensor, or a dict of tensors, dicts and things that are
// passed over.
func collectTorch(format string, root any, storages func(key string) ([]byte, error)) (*File, error) {
	f := &File{Format: format, tensors: map[string]*entry{}}
	c := collector{file: f, storages: storages, seen: map[string]bool{}}
	switch v := root.(type) {
	case *tensor:
		return f, c.tensor("tensor", v)
	case *dict:
		if err := c.dict("", v, 0); err != nil {
			return nil, err
		}
		if len(f.names) == 0 {
			return nil, &FormatError{format, "", "the file holds no tensor"}
		}
		return f, nil
	}
	return nil, &FormatError{format, "",
		fmt.Sprintf("the file holds a %T, not tensors by name; save a state_dict", root)}
}

func (c *collector) dict(prefix string, d *dict, depth int) error {
	if depth > 8 {
		return &FormatError{c.file.Format, quoted(prefix), "dicts more than 8 deep"}
	}
	for _, item := range d.items {
		if c.visits++; c.visits > maxVisits {
			return &FormatError{c.file.Format, quoted(prefix), fmt.Sprintf("more than %d entries", maxVisits)}
		}
		name := prefix
		switch k := item.key.(type) {
		case string:
			name += k
		case int64:
			name += strconv.FormatInt(k, 10)
		default:
			continue
		}
		var err error
		switch v := item.value.(type) {
		case *tensor:
			err = c.tensor(name, v)
		case *dict:
			err = c.dict(name+".", v, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tensor finds the bytes of one tensor and adds it.
func (c *collector) tensor(name string, t *tensor) error {
	if c.seen[name] {
		return &FormatError{c.file.Format, quoted(name), "stands twice in the file"}
	}
	c.seen[name] = true
	data, err := c.storages(t.key)
	if err != nil {
		return fmt.Errorf("tensor %s: %w", quoted(name), err)
	}
	size := widths[t.dtype] / 8
	if t.n > len(data)/size {
		return &FormatError{c.file.Format, quoted(name),
			fmt.Sprintf("storage %s has %d bytes, %d elements of %s need more", quoted(t.key), len(data), t.n,
				t.dtype)}
	}
	e := &entry{Info: Info{t.dtype, t.shape}, data: data[t.offset*size : t.n*size]}
	if !contiguous(t.shape, t.strides) {
		e.strides = t.strides
	}
	c.file.add(name, e)
	return nil
}
