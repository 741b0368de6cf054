package evidence

import (
	"bytes"
	"encoding/binary"
)

// box is one JUMBF superbox (ISO 19566-5): a label and what it holds.
type box struct {
	label    string
	content  []byte // of its first CBOR or JSON box
	children []box
}

// Limits of the box reader.
const (
	maxDepth = 8
	maxBoxes = 2000
)

// boxReader reads boxes and counts them.
type boxReader struct{ left int }

// next splits one box off: its type, its payload, and what follows; false at the end or at damage.
func next(b []byte) (kind string, payload, rest []byte, ok bool) {
	if len(b) < 8 {
		return "", nil, nil, false
	}
	n, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
	switch {
	case n == 0: // up to the end
		n = uint64(len(b))
	case n == 1 && len(b) >= 16:
		n, head = binary.BigEndian.Uint64(b[8:]), 16
	}
	if n < head || n > uint64(len(b)) {
		return "", nil, nil, false
	}
	return string(b[4:8]), b[head:n], b[n:], true
}

// boxes reads the superboxes in b.
func (r *boxReader) boxes(b []byte, depth int) (out []box) {
	for depth < maxDepth {
		kind, payload, rest, ok := next(b)
		if r.left--; !ok || r.left < 0 {
			break
		}
		if b = rest; kind == "jumb" {
			out = append(out, r.super(payload, depth))
		}
	}
	return out
}

// super reads what a superbox holds: a description first, then content and more superboxes.
func (r *boxReader) super(b []byte, depth int) (s box) {
	for at := b; ; {
		kind, payload, rest, ok := next(at)
		if r.left--; !ok || r.left < 0 {
			break
		}
		switch kind {
		case "jumd":
			s.label = label(payload)
		case "cbor", "json":
			if s.content == nil {
				s.content = payload
			}
		case "jumb":
			if depth+1 < maxDepth {
				s.children = append(s.children, r.super(payload, depth+1))
			}
		}
		at = rest
	}
	return s
}

// label is that of a description box: a UUID (16), toggles (1) of which the second bit says that a label
// follows.
func label(b []byte) string {
	if len(b) < 18 || b[16]&2 == 0 {
		return ""
	}
	name, _, _ := bytes.Cut(b[17:], []byte{0})
	return clean(string(name))
}
