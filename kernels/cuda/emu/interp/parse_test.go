package interp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every module that is committed is understood, each instruction of it.
func TestParseReadsEveryModule(t *testing.T) {
	files, err := filepath.Glob("../../ptx/*.ptx")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		m, err := Parse(string(text))
		require.NoError(t, err, f)
		require.Len(t, m.kernels, strings.Count(string(text), ".entry "), f)
	}
}
