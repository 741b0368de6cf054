package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// VersionCmd prints what this binary was built from.
type VersionCmd struct{}

// Run prints one line.
func (VersionCmd) Run(t *terminal) error {
	_, err := fmt.Fprintln(t.out, "truegrain", version(), runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	return err
}

// version is the module's version or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return info.Main.Version
}
