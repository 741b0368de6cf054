package state

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// headerParser reads the JSON of a safetensors header and nothing else: an object of tensors and strings. The
// standard decoder would accept duplicate keys, keys in another case, lone surrogates and nesting without
// end.
type headerParser struct {
	text    string
	at      int
	records []record
	meta    map[string]string
}

func (p *headerParser) fail(format string, args ...any) error {
	return &FormatError{"InvalidHeaderDeserialization", fmt.Sprintf("header byte %d", p.at),
		fmt.Sprintf(format, args...)}
}

// header is the whole text.
func (p *headerParser) header() error {
	seen := map[string]bool{}
	err := p.object(func(key string) error {
		if seen[key] {
			return &FormatError{"DuplicateKey", quoted(key), "stands twice in the header"}
		}
		seen[key] = true
		if key == "__metadata__" {
			return p.metadata()
		}
		return p.tensor(key)
	})
	if err != nil {
		return err
	}
	if p.space(); p.at != len(p.text) {
		return p.fail("text behind the header's end")
	}
	return nil
}

// metadata is an object of strings.
func (p *headerParser) metadata() error {
	p.meta = map[string]string{}
	return p.object(func(key string) (err error) {
		if _, ok := p.meta[key]; ok {
			return &FormatError{"DuplicateKey", quoted(key), "stands twice in the metadata"}
		}
		p.meta[key], err = p.str()
		return err
	})
}

// tensor is an object of exactly dtype, shape and data_offsets.
func (p *headerParser) tensor(name string) error {
	r := record{name: name}
	seen := map[string]bool{}
	err := p.object(func(key string) (err error) {
		if seen[key] {
			return &FormatError{"DuplicateKey", quoted(name), "field " + quoted(key) + " stands twice"}
		}
		seen[key] = true
		switch key {
		case "dtype":
			if r.dtype, err = p.str(); err == nil && widths[r.dtype] == 0 {
				err = p.fail("tensor %s: unknown dtype %s", quoted(name), quoted(r.dtype))
			}
		case "shape":
			r.shape, err = p.numbers()
		case "data_offsets":
			var o []uint64
			if o, err = p.numbers(); err == nil && len(o) != 2 {
				err = p.fail("tensor %s: %d offsets, want 2", quoted(name), len(o))
			}
			if err == nil {
				r.begin, r.end = o[0], o[1]
			}
		default:
			err = p.fail("tensor %s: unknown field %s", quoted(name), quoted(key))
		}
		return err
	})
	if err == nil && len(seen) != 3 {
		err = p.fail("tensor %s: needs dtype, shape and data_offsets", quoted(name))
	}
	p.records = append(p.records, r)
	return err
}

// object reads {"key": value, ...}; value is called behind each colon.
func (p *headerParser) object(value func(key string) error) error {
	return p.list('{', '}', func() error {
		key, err := p.str()
		if err == nil {
			err = p.expect(':')
		}
		if err == nil {
			err = value(key)
		}
		return err
	})
}

// numbers reads an array of unsigned integers.
func (p *headerParser) numbers() (out []uint64, err error) {
	err = p.list('[', ']', func() error {
		p.space()
		end := p.at
		for end < len(p.text) && p.text[end] >= '0' && p.text[end] <= '9' {
			end++
		}
		digits := p.text[p.at:end]
		v, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || len(digits) > 1 && digits[0] == '0' {
			return p.fail("want an unsigned integer of 64 bits")
		}
		p.at = end
		out = append(out, v)
		return nil
	})
	return out, err
}

// list reads elements between two brackets, separated by commas.
func (p *headerParser) list(open, end byte, element func() error) error {
	if err := p.expect(open); err != nil {
		return err
	}
	if p.space(); p.peek() == end {
		p.at++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		p.space()
		switch p.peek() {
		case ',':
			p.at++
		case end:
			p.at++
			return nil
		default:
			return p.fail("want ',' or '%c'", end)
		}
	}
}

func (p *headerParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *headerParser) expect(c byte) error {
	if p.space(); p.peek() != c {
		return p.fail("want '%c'", c)
	}
	p.at++
	return nil
}

func (p *headerParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// str reads a string (RFC 8259, section 7).
func (p *headerParser) str() (string, error) {
	if err := p.expect('"'); err != nil {
		return "", err
	}
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return b.String(), nil
		case c < 0x20:
			return "", p.fail("a control character in a string")
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fail("a string without end")
}

func (p *headerParser) escape() (rune, error) {
	c := p.peek()
	p.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 && c != 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, p.fail("unknown escape")
	}
	r, err := p.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if !strings.HasPrefix(p.text[p.at:], `\u`) {
		return 0, p.fail("half a surrogate pair")
	}
	p.at += 2
	low, err := p.hex()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, p.fail("half a surrogate pair")
	}
	return r, nil
}

func (p *headerParser) hex() (rune, error) {
	if p.at+4 > len(p.text) {
		return 0, p.fail("an escape without end")
	}
	v, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	if err != nil {
		return 0, p.fail("want four hexadecimal digits")
	}
	p.at += 4
	return rune(v), nil
}
