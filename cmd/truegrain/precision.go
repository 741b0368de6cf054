package main

import (
	"fmt"

	"truegrain/kernels"
)

// open opens the device: be judges and serves, work is the same device as the recipe's precision wants it for
// training.
func (l *learning) open() (be, work kernels.Backend, err error) {
	if be, err = kernels.Open(l.device); err != nil {
		return nil, nil, usageError{err}
	}
	if l.recipe.Precision != "bf16" {
		return be, be, nil
	}
	if m, ok := be.(kernels.Mixed); ok {
		if work, ok = m.Mixed(); ok {
			return be, work, nil
		}
	}
	err = usageError{fmt.Errorf("recipe %s: precision is bf16, and %s does not train in bfloat16: take "+
		"--set precision=float32, or a --device that does", l.recipe.Name, be.Name())}
	be.Close()
	return nil, nil, err
}
