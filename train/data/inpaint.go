package data

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// OpenInpaint lists partly generated pictures with their masks: root/inpaint/SPLIT/pictures/NAME.* and
// root/inpaint/SPLIT/masks/NAME.png, white where a picture is generated. A folder that does not exist is an empty set;
// a picture without a mask is an error.
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
			return nil, fmt.Errorf("data set: %s has no mask: %w", filepath.Join(dir, "pictures", e.Name()), err)
		}
		s.Items = append(s.Items, Item{Path: filepath.Join(dir, "pictures", e.Name()), Generator: "inpaint", Label: AI, Mask: mask})
	}
	return s, nil
}
