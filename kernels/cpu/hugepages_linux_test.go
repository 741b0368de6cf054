package cpu

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// TestLargeMemoryOnHugePages finds the advice ("hg") among the flags of the mappings of large memory.
func TestLargeMemoryOnHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("needs a kernel with transparent huge pages")
	}
	b := testBackend(t, levels[0])
	buf, err := b.Alloc(kernels.F32, 16<<20)
	require.NoError(t, err)
	lent := b.scratch.get(16 << 20)
	defer b.scratch.put(lent)
	for _, x := range [][]float32{floats(buf), lent} {
		require.Contains(t, mappingFlags(t, uintptr(unsafe.Pointer(&x[len(x)/2]))), "hg")
	}
}

// mappingFlags is the flags of the mapping that an address lies in.
func mappingFlags(t *testing.T, at uintptr) []string {
	f, err := os.Open("/proc/self/smaps")
	require.NoError(t, err)
	defer f.Close()
	inside := false
	for s := bufio.NewScanner(f); s.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(s.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = from <= at && at < to
		}
		if flags, ok := strings.CutPrefix(s.Text(), "VmFlags:"); ok && inside {
			return strings.Fields(flags)
		}
	}
	t.Fatalf("no mapping has %x", at)
	return nil
}
