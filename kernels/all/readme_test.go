package all_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a README may name: a link, a test or benchmark to run, a target of make, a source file in code quotes.
var (
	link   = regexp.MustCompile(`\]\(([^)#\s]+)\)`)
	toRun  = regexp.MustCompile(`-(?:run|bench) '?([\w|^$./*]+)`)
	target = regexp.MustCompile(`\bmake ((?:[a-z][\w-]*)(?:, [a-z][\w-]*)*)`)
	quoted = regexp.MustCompile("(?s)`[^`]+`")
	source = regexp.MustCompile(`^[\w./-]+\.(?:go|s|cu|cuh|cc|c|h|sh|py|js|css)$`)
	fence  = regexp.MustCompile("(?s)```.*?```")
)

// tree is what the repository has of such things.
type tree struct {
	files, tests, targets []string
	readmes               []string
}

func readTree(t *testing.T, root string) (w tree) {
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz|Example)\w*)\(`)
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			foreign := name == ".venv" || name == "node_modules"
			if foreign || slices.Contains(ignored, name) && filepath.Dir(path) == root {
				return filepath.SkipDir
			}
			return nil
		}
		w.files = append(w.files, filepath.ToSlash(path))
		switch {
		case strings.HasSuffix(name, ".md"):
			w.readmes = append(w.readmes, path)
		case strings.HasSuffix(name, "_test.go"):
			for _, m := range declared.FindAllStringSubmatch(read(t, path), -1) {
				w.tests = append(w.tests, m[1])
			}
		}
		return nil
	}))
	for _, m := range regexp.MustCompile(`(?m)^([\w-]+):`).FindAllStringSubmatch(
		read(t, filepath.Join(root, "Makefile")), -1) {
		w.targets = append(w.targets, m[1])
	}
	return w
}

func read(t *testing.T, path string) string {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// TestREADMEsNameWhatIsThere holds every README to the tree beside it.
func TestREADMEsNameWhatIsThere(t *testing.T) {
	w := readTree(t, filepath.Join("..", ".."))
	require.Greater(t, len(w.readmes), 8)
	require.Greater(t, len(w.tests), 500)
	for _, path := range w.readmes {
		text := read(t, path)
		for _, missing := range w.missing(path, text) {
			t.Errorf("%s names %s, which is not there", path, missing)
		}
	}
}

// TestWhatIsNotThereIsFound sees that the check above can fail.
func TestWhatIsNotThereIsFound(t *testing.T) {
	w := tree{files: []string{"../../kernels/relu.go"}, tests: []string{"TestReLU"},
		targets: []string{"cuda"}}
	require.Equal(t, []string{"none.md", "-run TestGELU", "make rust", "gelu.go"}, w.missing("x.md",
		"[a](none.md) [b](https://go.dev) `-run 'ReLU|TestGELU'` `make cuda, rust` `relu.go` `kernels/relu.go` `gelu.go`"))
}

// missing lists what a README names and the tree lacks.
func (w tree) missing(path, text string) (all []string) {
	for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil &&
			!strings.Contains(m[1], "://") {
			all = append(all, m[1])
		}
	}
	for _, m := range toRun.FindAllStringSubmatch(text, -1) {
		for name := range strings.SplitSeq(m[1], "|") {
			name, _, _ = strings.Cut(name, "/")
			if !slices.ContainsFunc(w.tests, regexp.MustCompile(name).MatchString) && name != "^$" {
				all = append(all, "-run "+name)
			}
		}
	}
	for _, m := range target.FindAllStringSubmatch(strings.Join(quoted.FindAllString(text, -1), " "), -1) {
		for name := range strings.SplitSeq(m[1], ", ") {
			if !slices.Contains(w.targets, name) {
				all = append(all, "make "+name)
			}
		}
	}
	for _, q := range quoted.FindAllString(fence.ReplaceAllString(text, ""), -1) {
		for name := range strings.FieldsSeq(strings.Trim(q, "`")) {
			there := func(f string) bool { return strings.HasSuffix(f, "/"+strings.TrimLeft(name, "./")) }
			if source.MatchString(name) && !slices.ContainsFunc(w.files, there) {
				all = append(all, name)
			}
		}
	}
	return all
}
