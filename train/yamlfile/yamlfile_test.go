package yamlfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDeepTextsAreNotParsed(t *testing.T) {
	for _, s := range []string{strings.Repeat("[", 200_000), strings.Repeat("{a: ", 65),
		strings.Repeat("- ", 65) + "x", "a:\n" + strings.Repeat("  ", 65) + "b: 1", strings.Repeat("[\n", 65),
		strings.Repeat("? ", 65)} {
		path := filepath.Join(t.TempDir(), "deep.yaml")
		require.NoError(t, os.WriteFile(path, []byte(s), 0o644))
		_, err := Read(path)
		require.ErrorContains(t, err, "nested deeper than 64")
		require.ErrorContains(t, err, path+":")
	}
	require.ErrorContains(t, Check(make([]byte, mostBytes+1)), "too large")
	require.NoError(t, Check([]byte("a: [1, {b: 2}]\nc:\n  - d: [3]\n  - e: 4\n"+strings.Repeat("[1]\n",
		100))))
}
