package gpu

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"truegrain/bench/kernel"
	"truegrain/bench/table"
	"truegrain/kernels"
)

// Accesses writes what each kernel asks of the memory on the shapes that are timed, counted on a few of its blocks by
// a device that can.
func Accesses(be kernels.Backend, plan Plan, only string, to io.Writer) error {
	s, ok := be.(kernels.Sampler)
	if !ok {
		return fmt.Errorf("%s does not count: --device emu:sample does, in a build with the tag emu", be.Name())
	}
	fmt.Fprintf(to, "# What the kernels ask of the memory: counted in their PTX, not run on hardware\n\n"+
		"On two blocks of each launch. Sectors are of 32 bytes of global memory, passes of shared memory go as often as\n"+
		"the bank that is asked most; both as multiples of what the bytes would need at best. Local is accesses to\n"+
		"memory for what registers do not hold.\n")
	for _, group := range groups(plan.Kernels) {
		var rows [][]string
		seen := map[string]bool{}
		for _, r := range group {
			if seen[r.Shape] {
				continue
			}
			seen[r.Shape] = true
			for _, half := range []bool{true, false} {
				if !strings.Contains(r.Op+"/"+r.Pass+" "+r.Shape, only) {
					continue
				}
				more, err := asks(s, r, half)
				if err != nil {
					return err
				}
				rows = append(rows, more...)
			}
		}
		if len(rows) > 0 {
			var b strings.Builder
			tabulate(&b, "shape|kernel|launches|blocks|instructions a block|sectors|passes|local", rows)
			fmt.Fprintf(to, "\n## %s/%s\n\n%s", group[0].Op, group[0].Pass, b.String())
		}
	}
	return nil
}

// asks is a row for each kernel of one call.
func asks(s kernels.Sampler, r table.Row, half bool) (rows [][]string, err error) {
	p, err := kernel.New(r.Op, r.Pass, r.Shape)
	if err != nil {
		return nil, err
	}
	x, err := place(p, s, half)
	if err != nil {
		return [][]string{{r.Shape, err.Error(), "", "", "", "", "", ""}}, nil
	}
	defer x.Close()
	call := x.On(s)
	if err := s.Wait(); err != nil {
		return nil, err
	}
	s.Asked() // what loading asked for
	call()
	if err := s.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name(), err)
	}
	asked := s.Asked()
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		a := asked[name]
		rows = append(rows, []string{r.Shape, name, fmt.Sprint(a.Launches), fmt.Sprint(a.Blocks),
			fmt.Sprint(a.Instructions / max(1, a.Sampled)), times(a.Sectors, a.LeastSectors),
			times(a.Passes, a.LeastPasses), fmt.Sprint(a.Local)})
	}
	return rows, nil
}

// times is how many times b a is, or a dash where there is nothing.
func times(a, b int) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}
