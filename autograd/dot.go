package autograd

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteDOT writes recorded nodes as a graph in Graphviz's DOT language: a box for each op with its layer and
// the shape of its result, an ellipse for each parameter, an arrow for each operand.
func WriteDOT(w io.Writer, nodes []*Node) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "digraph model {\n  rankdir=TB; node [shape=box, fontname=sans];")
	made := map[*Var]int{}
	for i, n := range nodes {
		made[n.Out] = i
		fmt.Fprintf(b, "  n%d [label=%q];\n", i,
			strings.TrimSpace(n.Path+"\n"+n.Name+" "+n.Out.Shape().String()))
		for _, in := range n.In {
			from, ok := made[in]
			switch {
			case ok:
				fmt.Fprintf(b, "  n%d -> n%d;\n", from, i)
			case in.param != nil:
				name := in.param.Name
				fmt.Fprintf(b, "  %q [shape=ellipse, label=%q];\n", name, name+"\n"+in.Shape().String())
				fmt.Fprintf(b, "  %q -> n%d;\n", name, i)
			default:
				fmt.Fprintf(b, "  input -> n%d;\n", i)
			}
		}
	}
	fmt.Fprintln(b, "}")
	return b.Flush()
}
