package cuda

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	entryPattern = regexp.MustCompile(`(?s)\.visible \.entry (\w+)\(\s*(.*?)\)\s`)
	paramPattern = regexp.MustCompile(`\.param (?:\.align \d+ )?\.(\w+) (\w+?)_param_\d+(?:\[(\d+)\])?`)
	ptxLetters   = map[string]string{"u64": "l", "s64": "l", "b64": "l", "u32": "i", "s32": "i", "b32": "i",
		"f32": "f", "f64": "d"}
)

// entries reads a module: the letters of every kernel's parameters, a pointer counting as an 8-byte integer.
func entries(t *testing.T, file string) map[string]string {
	text, err := ptxFiles.ReadFile("ptx/" + file)
	require.NoError(t, err)
	out := map[string]string{}
	for _, m := range entryPattern.FindAllStringSubmatch(string(text), -1) {
		var letters strings.Builder
		for _, p := range paramPattern.FindAllStringSubmatch(m[2], -1) {
			if p[3] != "" {
				fmt.Fprintf(&letters, "s%s", p[3])
				continue
			}
			letter, ok := ptxLetters[p[1]]
			require.True(t, ok, "%s: parameter of type %s", m[1], p[1])
			letters.WriteString(letter)
		}
		out[m[1]] = letters.String()
	}
	return out
}

// TestPTXTable holds the table to the embedded PTX, both ways, without a GPU.
func TestPTXTable(t *testing.T) {
	files, err := ptxFiles.ReadDir("ptx")
	require.NoError(t, err)
	inPTX := map[string]string{}
	for _, f := range files {
		for entry, letters := range entries(t, f.Name()) {
			inPTX[strings.TrimSuffix(f.Name(), path.Ext(f.Name()))+"/"+entry] = letters
		}
	}
	declared := map[string]bool{}
	for _, k := range table {
		name := k.module + "/" + k.entry
		require.False(t, declared[name], "%s is declared twice", name)
		declared[name] = true
		letters, ok := inPTX[name]
		require.True(t, ok, "%s is declared, ptx/%s.ptx does not have it: run 'make ptx'", name, k.module)
		require.Equal(t, letters, strings.ReplaceAll(k.params, "p", "l"), "parameters of %s", name)
	}
	for name := range inPTX {
		require.True(t, declared[name], "%s is in the PTX, and no table row declares it", name)
	}
}

func TestEntriesReadsStructsAndEmptyLists(t *testing.T) {
	m := entryPattern.FindAllStringSubmatch(".visible .entry a_f32(\n\t.param .u64 a_f32_param_0,\n"+
		"\t.param .align 4 .b8 a_f32_param_1[48]\n)\n.visible .entry b()\n{", -1)
	require.Len(t, m, 2)
	require.Equal(t, "a_f32", m[0][1])
	p := paramPattern.FindAllStringSubmatch(m[0][2], -1)
	require.Len(t, p, 2)
	require.Equal(t, "48", p[1][3])
	require.Empty(t, paramPattern.FindAllStringSubmatch(m[1][2], -1))
}
