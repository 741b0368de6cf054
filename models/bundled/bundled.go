// Package bundled holds three small detectors inside the binary, so that the program says something without
// any download. They learned from synthetic pictures and prove nothing about a real one; their cards, beside
// the weights, say from what and how well. 'make bundled' trains them anew.
package bundled

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"truegrain/nn/state"
)

//go:embed weights
var weights embed.FS

const ext = ".safetensors"

// Names lists the bundled detectors.
func Names() []string {
	entries, err := weights.ReadDir("weights")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ext); ok {
			names = append(names, name)
		}
	}
	return names
}

// Open opens the weight file of a bundled detector.
func Open(name string) (*state.File, error) {
	data, err := weights.ReadFile(path.Join("weights", name+ext))
	if err != nil {
		return nil, fmt.Errorf("no bundled detector %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return state.Parse(data)
}
