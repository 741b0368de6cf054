package interp

import (
	"fmt"
	"strings"
)

// token is a word, a number or a single character of PTX.
type token struct {
	text string
	line int
}

// lex splits PTX into tokens. Words hold dots and double colons, as in
// cp.async.bulk.tensor.2d.shared::cluster.
func lex(text string) ([]token, error) {
	var out []token
	line := 1
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case strings.HasPrefix(text[i:], "//"):
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case inWord(c):
			end := i
			for end < len(text) && (inWord(text[end]) || strings.HasPrefix(text[end:], "::")) {
				if text[end] == ':' {
					end++
				}
				end++
			}
			out = append(out, token{text[i:end], line})
			i = end
		case strings.IndexByte("{}[]()<>,;:+-=@!|\"", c) >= 0:
			out = append(out, token{text[i : i+1], line})
			i++
		default:
			return nil, fmt.Errorf("line %d: %q is not PTX", line, c)
		}
	}
	return out, nil
}

func inWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._$%", c) >= 0
}

// reader reads tokens one by one. The first error stays; after it there are no tokens.
type reader struct {
	tokens []token
	err    error
}

func (r *reader) fail(format string, a ...any) { r.failAt(r.line(), format, a...) }

func (r *reader) failAt(line int, format string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("line %d: %w", line, fmt.Errorf(format, a...))
	}
	r.tokens = nil
}

func (r *reader) line() int {
	if len(r.tokens) == 0 {
		return 0
	}
	return r.tokens[0].line
}

// peek is the next token, "" at the end.
func (r *reader) peek() string {
	if len(r.tokens) == 0 {
		return ""
	}
	return r.tokens[0].text
}

func (r *reader) next() string {
	t := r.peek()
	if t != "" {
		r.tokens = r.tokens[1:]
	}
	return t
}

// take takes the next token if it is t.
func (r *reader) take(t string) bool {
	if r.peek() != t {
		return false
	}
	r.next()
	return true
}

func (r *reader) expect(t string) {
	if r.peek() != t {
		r.fail("%q where %q belongs", r.peek(), t)
		return
	}
	r.next()
}
