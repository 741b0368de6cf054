package recipes

import (
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"truegrain/train/yamlfile"
)

//go:embed *.yaml
var files embed.FS

// Basic is the recipe that a plain training command starts from.
const Basic = "basic"

// Names lists the embedded recipes.
func Names() []string {
	found, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for i, f := range found {
		found[i] = strings.TrimSuffix(f, ".yaml")
	}
	return found
}

// Open reads a recipe: an embedded one by name, or a file by its path, which ends in .yaml or .yml.
func Open(name string) (*Recipe, error) {
	if slices.Contains(Names(), name) {
		src, err := files.ReadFile(name + ".yaml")
		if err != nil {
			return nil, err
		}
		return Parse(name+".yaml", src)
	}
	if ext := filepath.Ext(name); ext != ".yaml" && ext != ".yml" {
		return nil, fmt.Errorf("no recipe %q; there are %s, or name a .yaml file", name,
			strings.Join(Names(), ", "))
	}
	src, err := yamlfile.Read(name)
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	return Parse(name, src)
}
