package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// plain writes text of which a terminal obeys nothing but line breaks and tabs. Names of files, of tensors
// and what a file says of itself come from strangers: an escape sequence among them could rewrite what stands
// on the screen, or the window's title.
type plain struct{ w io.Writer }

func (p plain) Write(b []byte) (int, error) {
	if _, err := io.WriteString(p.w, visible(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// visible writes out what would steer a terminal or turn the direction of writing, as \u001b: in JSON that is
// the same string as before.
func visible(s string) string {
	if !strings.ContainsFunc(s, steers) {
		return s
	}
	var out strings.Builder
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		if steers(r) {
			for _, u := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&out, `\u%04x`, u)
			}
		} else {
			out.WriteString(s[:size]) // as it is, also where it is no rune
		}
		s = s[size:]
	}
	return out.String()
}

func steers(r rune) bool {
	return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Bidi_Control)
}

// oneLine is a name as it is, or in quotes if it is empty or would break a line or a table.
func oneLine(name string) string {
	if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool {
		return steers(r) || r == '\n' || r == '\t'
	}) {
		return strconv.Quote(name)
	}
	return name
}
