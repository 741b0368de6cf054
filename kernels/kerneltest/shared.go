package kerneltest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Shared is the path of test data that lies beside the repository: Shared(t, "golden"), Shared(t, "data",
// "photos"). The environment variable TRUEGRAIN_GOLDEN or TRUEGRAIN_DATA names the folder of the first part;
// where it is unset, that is ../shared/<part> next to the folder of go.mod. The test is skipped if the path
// does not exist.
func Shared(t testing.TB, parts ...string) string {
	t.Helper()
	variable := "TRUEGRAIN_" + strings.ToUpper(parts[0])
	dir := os.Getenv(variable)
	if dir == "" {
		dir = filepath.Join(repository(t), "..", "shared", parts[0])
	}
	path := filepath.Join(append([]string{dir}, parts[1:]...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs %s, which is not there; set %s to the folder that has it", path, variable)
	}
	return path
}

// repository is the folder of go.mod.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	t.Skip("needs to run inside the repository: no go.mod above the working directory")
	return ""
}
