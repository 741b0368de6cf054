package data

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// OpenInpaint lists partly generated pictures with their masks: root/inpaint/SPLIT/pictures/NAME.* and
// root/inpaint/SPLIT/masks/NAME.png, white where a picture is generated. A folder that does not exist is an
// empty set; a picture without a mask is an error.
func OpenInpaint(root, split string) (*Set, error) {
	dir := filepath.Join(root, "inpaint", split)
	entries, err := os.ReadDir(filepath.Join(dir, "pictures"))
	if os.IsNotExist(err) {
		return &Set{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	s := &Set{}
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if e.IsDir() || !slices.Contains(extensions, strings.ToLower(ext)) {
			continue
		}
		mask := filepath.Join(dir, "masks", strings.TrimSuffix(e.Name(), ext)+".png")
		if _, err := os.Stat(mask); err != nil {
			return nil, fmt.Errorf("data set: %s has no mask: %w", filepath.Join(dir, "pictures", e.Name()),
				err)
		}
		s.Items = append(s.Items, Item{Path: filepath.Join(dir, "pictures", e.Name()), Generator: "inpaint",
			Label: AI, Mask: mask})
	}
	return s, nil
}

// OpenMasks lists pictures with masks: those of OpenInpaint, or in folders of their own below root,
// SAMPLE/{edited,mask,original}.*, where the original is a photograph beside its edited twin. Those are
// divided into train and val by seed, nine to one or by o.Validation, twins together.
func OpenMasks(root, split string, o Options) (*Set, error) {
	if s, err := OpenInpaint(root, split); err != nil || len(s.Items) > 0 {
		s.limit(o.Limit)
		return s, err
	}
	samples, err := filepath.Glob(filepath.Join(root, "*", "mask.*"))
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	slices.Sort(samples)
	var twins [][]Item
	for _, mask := range samples {
		dir := filepath.Dir(mask)
		edited, original := pictureCalled(dir, "edited"), pictureCalled(dir, "original")
		if edited == "" {
			return nil, fmt.Errorf("data set: %s has a mask and no edited.* that it belongs to", dir)
		}
		twin := []Item{{Path: edited, Generator: "inpaint", Label: AI, Mask: mask}}
		if original != "" {
			twin = append(twin, Item{Path: original, Generator: "inpaint", Label: Photograph})
		}
		twins = append(twins, twin)
	}
	if split == Train || split == Val {
		twins = divide(twins, split, cmp.Or(o.Validation, valShare), o.Seed)
	} else if split == Test {
		twins = nil
	}
	s := &Set{Items: slices.Concat(twins...)}
	if len(s.Items) == 0 {
		return nil, fmt.Errorf("%s, part %s: %w, and none with masks in inpaint/%s or SAMPLE/{edited,mask}",
			root, split, ErrNoPictures, split)
	}
	s.limit(o.Limit)
	return s, nil
}

// pictureCalled is the picture of that name in a folder, whatever its format, or "".
func pictureCalled(dir, name string) string {
	for _, ext := range extensions {
		if path := filepath.Join(dir, name+ext); isFile(path) {
			return path
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
