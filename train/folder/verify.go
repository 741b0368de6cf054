package folder

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"truegrain/train/data"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// Changes is in what an evaluation and the files of today differ, each a line.
type Changes struct {
	Weights  []string
	Pictures []string
	same     []Picture // pictures that are what they were
}

// None says that nothing has changed.
func (c *Changes) None() bool { return len(c.Weights)+len(c.Pictures) == 0 }

// Same are the pictures that have not changed.
func (c *Changes) Same() []Picture { return c.same }

// Compare looks at the detector's file and at every picture below root.
func (e *Evaluation) Compare(root, detector string) (*Changes, error) {
	c := &Changes{}
	now, err := tensors(detector)
	if err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(e.Tensors) {
		switch sum, ok := now[name]; {
		case !ok:
			c.Weights = append(c.Weights, name+": is not there any more")
		case sum != e.Tensors[name]:
			c.Weights = append(c.Weights, name+": has other values")
		}
	}
	for _, name := range sortedKeys(now) {
		if _, ok := e.Tensors[name]; !ok {
			c.Weights = append(c.Weights, name+": was not there")
		}
	}
	for _, p := range e.Pictures {
		switch sum, err := data.FileSum(At(root, p.Path)); {
		case errors.Is(err, os.ErrNotExist):
			c.Pictures = append(c.Pictures, p.Path+": is not there any more")
		case err != nil:
			c.Pictures = append(c.Pictures, fmt.Sprintf("%s: %v", p.Path, err))
		case sum != p.SHA256:
			c.Pictures = append(c.Pictures, p.Path+": is another file")
		default:
			c.same = append(c.same, p)
		}
	}
	return c, nil
}

// At is a picture's place: the path from root on, or the path itself if it lies elsewhere.
func At(root, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, filepath.FromSlash(path))
}
