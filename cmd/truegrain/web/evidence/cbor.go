package evidence

import (
	"encoding/binary"
	"errors"
)

// errCBOR says that something is not CBOR, or more of it than is read.
var errCBOR = errors.New("damaged or too large CBOR")

// cborReader reads CBOR (RFC 8949) as far as content credentials use it: integers, byte and text strings,
// arrays, maps with text or integer keys, tags (which are passed over), simple values.
type cborReader struct {
	b    []byte
	left int // values that may still be read
}

// Limits of the CBOR reader.
const (
	maxValues    = 20_000
	maxCBORDepth = 24
)

func readCBOR(b []byte) (any, error) {
	r := &cborReader{b, maxValues}
	return r.value(0)
}

// head reads a major type and its argument. Lengths that are not stated are refused.
func (r *cborReader) head() (major byte, n uint64, err error) {
	if len(r.b) == 0 {
		return 0, 0, errCBOR
	}
	major, low := r.b[0]>>5, r.b[0]&31
	r.b = r.b[1:]
	if low < 24 {
		return major, uint64(low), nil
	}
	size := 1 << (low - 24)
	if low > 27 || len(r.b) < size {
		return 0, 0, errCBOR
	}
	var full [8]byte
	copy(full[8-size:], r.b[:size])
	r.b = r.b[size:]
	return major, binary.BigEndian.Uint64(full[:]), nil
}

func (r *cborReader) value(depth int) (any, error) {
	if r.left--; r.left < 0 || depth > maxCBORDepth {
		return nil, errCBOR
	}
	major, n, err := r.head()
	if err != nil {
		return nil, err
	}
	switch major {
	case 0:
		return int64(n), nil
	case 1:
		return -1 - int64(n), nil
	case 2, 3:
		if n > uint64(len(r.b)) {
			return nil, errCBOR
		}
		s := r.b[:n]
		r.b = r.b[n:]
		if major == 2 {
			return s, nil
		}
		return string(s), nil
	case 4:
		return r.array(n, depth)
	case 5:
		return r.mapping(n, depth)
	case 6:
		return r.value(depth + 1)
	}
	return nil, nil // a simple value
}

func (r *cborReader) array(n uint64, depth int) (any, error) {
	var out []any
	for range n {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (r *cborReader) mapping(n uint64, depth int) (any, error) {
	out := map[any]any{}
	for range n {
		k, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		switch k.(type) {
		case string, int64:
			out[k] = v
		default:
			return nil, errCBOR
		}
	}
	return out, nil
}
