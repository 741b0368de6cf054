//go:build !unix

package folder

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// takeLock makes a file that must not be there, and removes it in the end. A process that is killed leaves it
// behind.
func takeLock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w (or a run was killed here: then remove %s)", ErrBusy, path)
	}
	if err != nil {
		return nil, err
	}
	return &made{f}, nil
}

type made struct{ *os.File }

func (m *made) Close() error { return errors.Join(m.File.Close(), os.Remove(m.Name())) }
