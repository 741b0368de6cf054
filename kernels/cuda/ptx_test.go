package cuda

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What every entry of a module has before its body: its name, its parameters, and its bounds.
var (
	headPattern      = regexp.MustCompile(`(?s)\.visible \.entry (\w+)\((.*?)\)\s*(.*?)\{`)
	boundsPattern    = regexp.MustCompile(`\.maxntid (\d+), 1, 1`)
	blocksPattern    = regexp.MustCompile(`\.minnctapersm (\d+)`)
	registersPattern = regexp.MustCompile(`setmaxnreg\.(inc|dec)\.sync\.aligned\.u32 (\d+);`)
)

// bodies are the entries of a module: head and body of each.
func bodies(t *testing.T, file string) (heads [][]string, texts []string) {
	all, err := ptxFiles.ReadFile("ptx/" + file)
	require.NoError(t, err)
	at := headPattern.FindAllStringIndex(string(all), -1)
	for i, p := range at {
		end := len(all)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		heads = append(heads, headPattern.FindStringSubmatch(string(all[p[0]:p[1]])))
		texts = append(texts, string(all[p[1]:end]))
	}
	return heads, texts
}

// sm90 calls f with every entry that is for sm_90a.
func sm90(t *testing.T, f func(head []string, body string)) {
	files, err := ptxFiles.ReadDir("ptx")
	require.NoError(t, err)
	n := 0
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), "_sm90.ptx") {
			continue
		}
		heads, texts := bodies(t, file.Name())
		for i, head := range heads {
			f(head, texts[i])
			n++
		}
	}
	require.Greater(t, n, 30)
}

func number(t *testing.T, pattern *regexp.Regexp, text string) int {
	m := pattern.FindStringSubmatch(text)
	require.NotNil(t, m, "%s in %q", pattern, text)
	n, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	return n
}

// TestRegistersSuffice: what warpgroups give back covers what the others take, or they would wait for ever. A block
// of three begins with what its bounds leave a thread, a multiple of 8, and one of them gives.
func TestRegistersSuffice(t *testing.T) {
	sm90(t, func(head []string, body string) {
		threads, blocks := number(t, boundsPattern, head[3]), number(t, blocksPattern, head[3])
		require.Equal(t, 384, threads, head[1])
		begin := 65536 / (threads * blocks) &^ 7
		few, many := 0, 0
		for _, m := range registersPattern.FindAllStringSubmatch(body, -1) {
			n, err := strconv.Atoi(m[2])
			require.NoError(t, err)
			require.True(t, n%8 == 0 && n >= 24 && n <= 256, "%s: %d registers", head[1], n)
			if m[1] == "dec" {
				require.LessOrEqual(t, n, begin, head[1])
				few = n
			} else {
				require.GreaterOrEqual(t, n, begin, head[1])
				many = n
			}
		}
		require.NotZero(t, few*many, "%s: a warpgroup that gives, and two that take", head[1])
		require.LessOrEqual(t, few+2*many, 3*begin, "%s: %d and twice %d of %d", head[1], few, many, begin)
	})
}

// TestDriversReadThePTX: the drivers that are asked for know the version of each module.
func TestDriversReadThePTX(t *testing.T) {
	files, err := ptxFiles.ReadDir("ptx")
	require.NoError(t, err)
	for _, f := range files {
		text, err := ptxFiles.ReadFile("ptx/" + f.Name())
		require.NoError(t, err)
		head := regexp.MustCompile(`\.version (\d+)\.(\d+)\s+\.target (\w+)`).FindStringSubmatch(string(text))
		require.NotNil(t, head, f.Name())
		driver := map[string]int{"8.0": portableDriver, "8.3": sm90Driver}[head[1]+"."+head[2]]
		require.Equal(t, map[string]int{"sm_80": portableDriver, "sm_90a": sm90Driver}[head[3]], driver, f.Name())
		require.Equal(t, strings.HasSuffix(f.Name(), "_sm90.ptx"), head[3] == "sm_90a", f.Name())
	}
}

// TestTensorMapsLieAsTheHardwareReadsThem: at multiples of 128 bytes (CUtensorMap since CUDA 13), in the memory of
// parameters and not in a copy.
func TestTensorMapsLieAsTheHardwareReadsThem(t *testing.T) {
	sm90(t, func(head []string, body string) {
		maps := regexp.MustCompile(`\.align (\d+) \.b8 (\w+)\[128\]`).FindAllStringSubmatch(head[2], -1)
		require.NotEmpty(t, maps, head[1])
		for _, m := range maps {
			require.Equal(t, "128", m[1], m[2])
			require.Regexp(t, `mov\.b64 t, `+m[2]+`;\s*cvta\.param\.u64`, body)
			require.NotContains(t, body, "["+m[2], "a tensor map that is read as bytes")
		}
		require.NotContains(t, body, ".local", "a copy on the stack")
	})
}

// TestDynamicSharedMemoryBeginsAtAtoms: boxes that are swizzled begin at multiples of 1024 bytes, which the first
// array does if no other lies before it.
func TestDynamicSharedMemoryBeginsAtAtoms(t *testing.T) {
	files, err := ptxFiles.ReadDir("ptx")
	require.NoError(t, err)
	for _, f := range files {
		text, err := ptxFiles.ReadFile("ptx/" + f.Name())
		require.NoError(t, err)
		declared := regexp.MustCompile(`(?m)^\s*\.shared .*$`).FindAllString(string(text), -1)
		dynamic := regexp.MustCompile(`\.extern \.shared \.align (\d+)`).FindStringSubmatch(string(text))
		if dynamic != nil {
			require.Equal(t, "1024", dynamic[1], f.Name())
			require.Empty(t, declared, f.Name())
		}
	}
}

// TestProxiesAreKeptApart: wgmma and TMA see through another proxy than the threads' own accesses, and there is no
// fence between the two in these sources; none is needed as long as boxes alone write what wgmma reads, which the
// emulator's checker watches, and results leave by the threads' own stores.
func TestProxiesAreKeptApart(t *testing.T) {
	sm90(t, func(head []string, body string) {
		require.NotContains(t, body, "cp.async.bulk.tensor.2d.global", "a store by TMA wants fence.proxy.async: "+head[1])
		require.NotRegexp(t, `\bcp\.async\.c[ag]\b`, body, head[1])
	})
}
