package train

import (
	"fmt"
	"maps"
	"slices"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
)

// alias is other values of a parameter's shape, under its name with a suffix.
func alias(p *autograd.Param, buf kernels.Buf, suffix string) *autograd.Param {
	q := *p
	q.Name += suffix
	q.Value = tensor.New(buf, p.Value.Shape()...)
	return &q
}

// Differences lists the settings in which two runs differ.
func Differences(was, is map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if v, ok := is[key]; !ok {
			out = append(out, fmt.Sprintf("%s: %s then, not there now", key, was[key]))
		} else if v != was[key] {
			out = append(out, fmt.Sprintf("%s: %s then, %s now", key, was[key], v))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if _, ok := was[key]; !ok {
			out = append(out, fmt.Sprintf("%s: not there then, %s now", key, is[key]))
		}
	}
	return out
}
