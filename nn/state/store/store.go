// Package store keeps weight files of others in a folder of this machine, under their published names: copied
// there by Import or fetched by Pull. A file is in the store only if it is whole, is a weight file by its
// content, and has the SHA-256 that its name or the caller says.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"truegrain/nn/state"
)

// Store is a folder of weight files.
type Store struct{ Dir string }

// Default is the store in the user's cache folder.
func Default() (Store, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return Store{}, fmt.Errorf("store of weights: %w; name a folder with --store", err)
	}
	return Store{filepath.Join(cache, "truegrain", "weights")}, nil
}

// MaxBytes is the largest file that a store takes: some ten times the largest of torchvision's.
const MaxBytes = 16 << 30

// The errors of files that a store refuses.
var (
	ErrHash     = errors.New("the file is damaged, or another one")
	ErrTooLarge = fmt.Errorf("more than the %d GiB that a weight file may have", MaxBytes>>30)
	ErrName     = errors.New("want a name that ends in .pth, .pt or .safetensors")
)

// Path is where a file of that name lies.
func (s Store) Path(name string) string { return filepath.Join(s.Dir, name) }

// Find is the path of a file, if the store has it.
func (s Store) Find(name string) (string, bool) {
	info, err := os.Stat(s.Path(name))
	return s.Path(name), err == nil && info.Mode().IsRegular()
}

// extensions are the names' endings of weight files.
var extensions = []string{".pth", ".pt", ".safetensors"}

// checkName says whether a file may be called so: no path, no hidden file, a weight file's ending.
func checkName(name string) error {
	if name == "" || len(name) > 200 || strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\:`) ||
		strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) ||
		!slices.Contains(extensions, filepath.Ext(name)) {
		return fmt.Errorf("weights %q: %w", name, ErrName)
	}
	return nil
}

// published finds the digits in the name of a published file, the beginning of its SHA-256:
// resnet50-11ad3fa6.pth.
var published = regexp.MustCompile(`-([0-9a-f]{8,64})\.(pth|pt|safetensors)$`)

// Published is the beginning of the SHA-256 that a file's name says it has; "" if it says nothing.
func Published(name string) string {
	if m := published.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

// Check compares a file's SHA-256, as hexadecimal digits, with what its name says. The error wraps ErrHash.
func Check(name, sum string) error { return compare(name, sum, Published(name), "its name says") }

func compare(name, sum, want, who string) error {
	if strings.HasPrefix(sum, want) {
		return nil
	}
	return fmt.Errorf("%s: %w: its SHA-256 begins with %s, %s %s", name, ErrHash, sum[:len(want)], who, want)
}

// checkSum is Check, and the comparison with all digits that the caller knows, if any.
func checkSum(name, sum, known string) error {
	if err := Check(name, sum); err != nil {
		return err
	}
	return compare(name, sum, strings.ToLower(known), "it should be")
}

var digest = regexp.MustCompile(`^([0-9a-fA-F]{64})?$`)

func checkDigest(known string) error {
	if digest.MatchString(known) {
		return nil
	}
	return fmt.Errorf("SHA-256 %q: want 64 hexadecimal digits", known)
}

// Stored is a file that has come into the store.
type Stored struct {
	Path, SHA256 string
	Bytes        int64
	Checked      bool // against a SHA-256 that was known before
	Already      bool // it was there
}

// Import copies a weight file into the store under its own name. known is its SHA-256 in hexadecimal digits,
// or "" to go by its name; a name without digits is taken as it is, and Stored says so.
func (s Store) Import(path, known string) (*Stored, error) {
	name := filepath.Base(path)
	if err := errors.Join(checkName(name), checkDigest(known)); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	if info.Size() > MaxBytes {
		return nil, fmt.Errorf("import %s: it has %d bytes, %w", path, info.Size(), ErrTooLarge)
	}
	if err := valid(path, name); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("store of weights: %w", err)
	}
	out := &Stored{Path: s.Path(name), Bytes: info.Size(), Checked: known+Published(name) != ""}
	err = state.Atomic(out.Path, func(w io.Writer) error {
		from, err := os.Open(path)
		if err != nil {
			return err
		}
		defer from.Close()
		h := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, h), from); err != nil {
			return err
		}
		out.SHA256 = hex.EncodeToString(h.Sum(nil))
		return checkSum(name, out.SHA256, known)
	})
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", path, err)
	}
	return out, nil
}

// valid says whether a file is a weight file of the format that its name says; its headers are read, no
// value.
func valid(path, name string) error {
	f, err := state.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if filepath.Ext(name) == ".safetensors" && f.Format != "safetensors" {
		return fmt.Errorf("%s: it is a %s file, its name says safetensors", name, f.Format)
	}
	return nil
}

// sumOf is the SHA-256 of what a file holds.
func sumOf(f io.ReaderAt, n int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, n)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
