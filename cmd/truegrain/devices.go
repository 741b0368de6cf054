package main

import (
	"fmt"
	"text/tabwriter"

	"truegrain/kernels"
)

// DevicesCmd lists the backends of this build, and why one can't be opened here.
type DevicesCmd struct{}

// Run prints the table.
func (DevicesCmd) Run(t *terminal) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SPEC\tDESCRIPTION\tHERE")
	for _, d := range kernels.Devices() {
		here := "yes"
		if d.Err != nil {
			here = "no: " + d.Err.Error()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", d.Spec, d.Description, here)
	}
	return w.Flush()
}
