// Package yamlfile reads YAML files of strangers: what a parser needs for lists in lists grows with the
// square of their depth, 20 GiB for 200 KB of brackets, so both are bounded before one looks.
package yamlfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

const (
	mostBytes = 1 << 20
	mostDeep  = 64
)

// Read is a file's text, which Check has passed.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, err
	}
	if err := Check(src); err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return src, nil
}

// Check says in which line a text is too large or too deep for a parser. It counts brackets in quotes and
// remarks as well: nobody writes so many.
func Check(src []byte) error {
	if len(src) > mostBytes {
		return fmt.Errorf("1: more than %d bytes: too large to be read", mostBytes)
	}
	open := 0
	for i, line := range bytes.Split(src, []byte{'\n'}) {
		deepest := bytes.Count(line, []byte("- ")) + bytes.Count(line, []byte("? ")) + indent(line)/2
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
				deepest = max(deepest, open)
			case ']', '}':
				open = max(0, open-1)
			}
		}
		if deepest > mostDeep {
			return fmt.Errorf("%d: nested deeper than %d: too deep to be read", i+1, mostDeep)
		}
	}
	return nil
}

// indent is how many spaces a line begins with.
func indent(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }
