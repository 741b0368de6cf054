package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// commandsIn are the calls of this program that stand in the shell blocks of a text, without their comments.
func commandsIn(text string) (calls [][]string) {
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1)
	program := regexp.MustCompile(`^(?:go run \./cmd/truegrain|(?:bin/(?:gpu/)?)?truegrain) (.*)$`)
	for _, b := range blocks {
		for line := range strings.Lines(b[1]) {
			line, _, _ = strings.Cut(line, " #")
			for part := range strings.SplitSeq(line, "&&") {
				if m := program.FindStringSubmatch(strings.TrimSpace(part)); m != nil {
					calls = append(calls, strings.Fields(m[1]))
				}
			}
		}
	}
	return calls
}

// TestREADMEsCommandsAreUnderstood parses every call that a README shows, in a folder that has what they
// name. It runs none of them.
func TestREADMEsCommandsAreUnderstood(t *testing.T) {
	var calls [][]string
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && (e.Name() == ".git" || e.Name() == "bin") {
			return fs.SkipDir
		}
		if e.Name() == "README.md" {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			calls = append(calls, commandsIn(string(text))...)
		}
		return nil
	}))
	require.Greater(t, len(calls), 25)
	t.Chdir(t.TempDir())
	for _, args := range calls {
		for _, a := range args {
			switch { // what a file name may be is one, everything else a folder
			case strings.HasPrefix(a, "-") || filepath.Ext(a) == "" && strings.Contains(a, "="):
			case filepath.Ext(a) != "":
				require.NoError(t, os.MkdirAll(filepath.Dir(a), 0o755))
				require.NoError(t, os.WriteFile(a, nil, 0o644))
			default:
				require.NoError(t, os.MkdirAll(a, 0o755))
			}
		}
		_, err := parser(t.Context(), &terminal{out: t.Output(), err: t.Output()}).Parse(args)
		require.NoError(t, err, "truegrain %s", strings.Join(args, " "))
	}
}
