package recipes

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"truegrain/train/yamlfile"
)

// Marshal is the recipe as YAML, every key written out.
func (r *Recipe) Marshal() ([]byte, error) { return yaml.Marshal(r) }

// Set changes one value: "data.batch=8", "schedule.0.lr=0.01". The value is YAML. The recipe stays as it was
// if the result would not be a recipe.
func (r *Recipe) Set(assignment string) error {
	key, value, ok := strings.Cut(assignment, "=")
	if !ok {
		return fmt.Errorf("set %q: want key=value, such as data.batch=8", assignment)
	}
	if err := yamlfile.Check([]byte(value)); err != nil {
		return fmt.Errorf("set %s, line %w", key, err)
	}
	var v any
	if err := yaml.Unmarshal([]byte(value), &v); err != nil {
		return fmt.Errorf("set %s: %q is no YAML value: %w", key, value, err)
	}
	src, err := r.Marshal()
	if err != nil {
		return err
	}
	var tree any
	if err := yaml.Unmarshal(src, &tree); err != nil {
		return err
	}
	if tree, err = replace(tree, strings.Split(dotted.Replace(key), "."), v); err != nil {
		return fmt.Errorf("set %s: %w", key, err)
	}
	if src, err = yaml.Marshal(tree); err != nil {
		return err
	}
	changed, err := Parse("set "+assignment, src)
	if err != nil {
		return unplaced(err)
	}
	*r = *changed
	return nil
}

// dotted is how schedule[0].lr is read: schedule.0.lr.
var dotted = strings.NewReplacer("[", ".", "]", "")

// replace puts v at a path of keys and list places. One place behind the end makes a list longer.
func replace(tree any, path []string, v any) (any, error) {
	if len(path) == 0 {
		return v, nil
	}
	switch t := tree.(type) {
	case map[string]any:
		old, ok := t[path[0]]
		if !ok && len(path) > 1 {
			return nil, fmt.Errorf("no key %q; there are %s", path[0], strings.Join(keys(t), ", "))
		}
		var err error
		// A last key that is not there is optional, or Parse refuses it.
		t[path[0]], err = replace(old, path[1:], v)
		return t, err
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i > len(t) {
			return nil, fmt.Errorf("%q is no place in a list of %d", path[0], len(t))
		}
		if i == len(t) {
			t = append(t, map[string]any{})
		}
		t[i], err = replace(t[i], path[1:], v)
		return t, err
	case nil:
		return replace(map[string]any{}, path, v)
	}
	return nil, fmt.Errorf("%q: there is a plain value above it", path[0])
}

func keys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// unplaced takes the lines out of errors: they are those of a file that nobody sees.
func unplaced(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			unplaced(e) //nolint:errcheck // changed in place
		}
	} else if e, ok := err.(*Error); ok {
		e.Line = 0
	}
	return err
}
