package state

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxHeader is the largest header that safetensors allows.
const maxHeader = 100_000_000

// record is one tensor of a safetensors header.
type record struct {
	name       string
	dtype      string
	shape      []uint64
	begin, end uint64
}

// parseSafetensors reads the format of huggingface/safetensors: the length of a JSON header (8 bytes), the
// header, and the tensors' bytes, which must follow one another without a hole, an overlap or a rest.
func parseSafetensors(data []byte) (*File, error) {
	head, body, err := cutHeader(data)
	if err != nil {
		return nil, err
	}
	h := headerParser{text: string(head)}
	if err := h.header(); err != nil {
		return nil, err
	}
	f := &File{Format: "safetensors", tensors: make(map[string]*entry, len(h.records)), meta: h.meta}
	for _, r := range h.records {
		f.names = append(f.names, r.name) // in the header's order
	}
	slices.SortStableFunc(h.records, func(a, b record) int {
		return slices.Compare([]uint64{a.begin, a.end}, []uint64{b.begin, b.end})
	})
	at := uint64(0)
	for _, r := range h.records {
		shape, err := r.check(at)
		if err != nil {
			return nil, err
		}
		at = r.end
		if r.end > uint64(len(body)) {
			return nil, &FormatError{"MetadataIncompleteBuffer", quoted(r.name),
				"its bytes lie beyond the end of the file"}
		}
		f.tensors[r.name] = &entry{Info: Info{r.dtype, shape}, data: body[r.begin:r.end]}
	}
	if at != uint64(len(body)) {
		return nil, &FormatError{"MetadataIncompleteBuffer", "",
			fmt.Sprintf("%d bytes of tensors, %d in the file", at, len(body))}
	}
	return f, nil
}

// cutHeader gives the JSON header and what follows it.
func cutHeader(data []byte) (head, body []byte, err error) {
	if len(data) < 8 {
		return nil, nil, &FormatError{"HeaderTooSmall", "", fmt.Sprintf("the file has %d bytes", len(data))}
	}
	n := binary.LittleEndian.Uint64(data)
	switch {
	case n > maxHeader:
		return nil, nil, &FormatError{"HeaderTooLarge", "",
			fmt.Sprintf("the header says it has %d bytes; %d are allowed", n, maxHeader)}
	case n > uint64(len(data)-8):
		return nil, nil, &FormatError{"InvalidHeaderLength", "",
			fmt.Sprintf("a header of %d bytes in a file of %d", n, len(data))}
	}
	head, body = data[8:8+n], data[8+n:]
	if !utf8.Valid(head) {
		return nil, nil, &FormatError{"InvalidHeader", "", "not UTF-8"}
	}
	return head, body, nil
}

// check holds a record to the rules, given where the tensor before it ended.
func (r *record) check(at uint64) ([]int, error) {
	where := quoted(r.name)
	if r.begin != at || r.end < r.begin {
		return nil, &FormatError{"InvalidOffset", where, fmt.Sprintf("bytes %d to %d, should begin at %d",
			r.begin, r.end, at)}
	}
	bits := uint64(1)
	shape := make([]int, len(r.shape))
	for i, d := range append(slices.Clone(r.shape), uint64(widths[r.dtype])) {
		if d != 0 && bits > (1<<63)/d {
			return nil, &FormatError{"ValidationOverflow", where, fmt.Sprintf("shape %v", r.shape)}
		}
		bits *= d
		if i < len(shape) {
			shape[i] = int(d)
		}
	}
	if bits%8 != 0 {
		return nil, &FormatError{"MisalignedSlice", where, fmt.Sprintf("%d bits are no whole bytes", bits)}
	}
	if r.end-r.begin != bits/8 {
		return nil, &FormatError{"TensorInvalidInfo", where,
			fmt.Sprintf("%s of shape %v has %d bytes, its range %d", r.dtype, r.shape, bits/8, r.end-r.begin)}
	}
	return shape, nil
}
