package evaluate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/goccy/go-yaml"

	"truegrain/train/data"
	"truegrain/train/yamlfile"
)

// Spec is a test set: some of the pictures below a folder.
type Spec struct {
	Name       string   `yaml:"name"`
	Data       string   `yaml:"data"`
	Split      string   `yaml:"split"`      // train, val, test or all; "" as the caller says
	Generators []string `yaml:"generators"` // by name; none means all
	Exclude    []string `yaml:"exclude"`    // generators that are left out
	Masks      bool     `yaml:"masks"`      // pictures with masks: SAMPLE/{edited,mask,original}.*
	Limit      int      `yaml:"limit"`      // pictures; 0: all
}

// Set is a test set with its pictures.
type Set struct {
	Spec
	Part    bool // of another set: the pictures of one generator
	Items   []data.Item
	Skipped int // damaged pictures of GenImage that are left out
}

// ReadSpecs reads test sets from a YAML file: a list under "sets". Folders are relative to the file.
func ReadSpecs(path string) ([]Spec, error) {
	src, err := yamlfile.Read(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Sets []Spec `yaml:"sets"`
	}
	if err := yaml.UnmarshalWithOptions(src, &file, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(file.Sets) == 0 {
		return nil, fmt.Errorf("%s: no test set; want a list of name and data under 'sets'", path)
	}
	for i := range file.Sets {
		s := &file.Sets[i]
		if s.Data == "" {
			return nil, fmt.Errorf("%s: test set %d (%s) has no data", path, i+1, s.Name)
		}
		if !filepath.IsAbs(s.Data) {
			s.Data = filepath.Join(filepath.Dir(path), s.Data)
		}
		s.Name = cmp.Or(s.Name, filepath.Base(s.Data))
	}
	return file.Sets, nil
}

// Open lists the pictures of a test set. Without a split of its own it has the one that is given; a folder
// that has only samples with masks is taken as that.
func (s Spec) Open(split string, seed uint64) (*Set, error) {
	s.Split = cmp.Or(s.Split, split)
	set, err := s.list(seed)
	if err != nil {
		return nil, fmt.Errorf("test set %s: %w", s.Name, err)
	}
	items, err := s.without(set.Items, seed)
	if err != nil {
		return nil, fmt.Errorf("test set %s: excluded: %w", s.Name, err)
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("test set %s: nothing is left: %w", s.Name, data.ErrNoPictures)
	}
	left := &data.Set{Items: items, Skipped: set.Skipped}
	return &Set{Spec: s, Items: left.Limited(s.Limit, seed).Items, Skipped: set.Skipped}, nil
}

// Unbias shows the pictures so that neither size nor encoder tells the classes apart (data.Unbiased).
func (s *Set) Unbias(ctx context.Context, seed uint64) error {
	set, err := data.Unbiased(ctx, &data.Set{Items: s.Items}, seed)
	if err != nil {
		return fmt.Errorf("test set %s: %w", s.Name, err)
	}
	s.Items = set.Items
	return nil
}

// without leaves the excluded generators out.
func (s Spec) without(items []data.Item, seed uint64) ([]data.Item, error) {
	if len(s.Exclude) == 0 {
		return items, nil
	}
	set, err := data.OpenGenImage(s.Data, s.Split, data.Options{Seed: seed, Generators: s.Exclude})
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, it := range set.Items {
		out[it.Path] = true
	}
	return slices.DeleteFunc(slices.Clone(items), func(it data.Item) bool { return out[it.Path] }), nil
}

func (s Spec) list(seed uint64) (*data.Set, error) {
	o := data.Options{Seed: seed, Generators: s.Generators}
	if s.Masks {
		return openMasks(s.Data, s.Split, o)
	}
	set, err := data.OpenGenImage(s.Data, s.Split, o)
	if errors.Is(err, data.ErrNoPictures) {
		if masked, e := openMasks(s.Data, s.Split, o); e == nil {
			return masked, nil
		}
	}
	return set, err
}

// openMasks takes all of a folder of samples, which has no parts, and the part of one that has.
func openMasks(dir, split string, o data.Options) (*data.Set, error) {
	if inpaint, err := data.OpenInpaint(dir, split); err == nil && len(inpaint.Items) > 0 {
		return data.OpenMasks(dir, split, o)
	}
	return data.OpenMasks(dir, data.All, o)
}

// ByGenerator parts a set into one for each of its generators, in order of their names; nil for a set of one.
func (s *Set) ByGenerator() []*Set {
	names := generators(s.Items)
	if len(names) < 2 {
		return nil
	}
	var out []*Set
	for _, name := range names {
		part := &Set{Spec: s.Spec, Part: true}
		part.Name = name
		for _, it := range s.Items {
			if it.Generator == name {
				part.Items = append(part.Items, it)
			}
		}
		out = append(out, part)
	}
	return out
}

// generators are the folders that pictures come from, sorted.
func generators(items []data.Item) []string {
	var names []string
	for _, it := range items {
		names = append(names, it.Generator)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Known says whether a detector that learned from some generators has seen those of a set: "seen", "unseen"
// or "mixed"; "" if nobody knows what it learned from.
func (s *Set) Known(learned []string) string {
	if len(learned) == 0 {
		return ""
	}
	seen, unseen := false, false
	for _, name := range generators(s.Items) {
		if slices.Contains(learned, name) {
			seen = true
		} else {
			unseen = true
		}
	}
	switch {
	case seen && unseen:
		return "mixed"
	case seen:
		return "seen"
	}
	return "unseen"
}
