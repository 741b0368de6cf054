package evaluate

import "strings"

// grid is rows of cells, drawn with aligned columns for a terminal or with bars for Markdown.
type grid struct {
	head []string
	rows [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// width counts what is drawn: one column for each letter.
func width(s string) int { return len([]rune(s)) }

func (g *grid) widths() []int {
	w := make([]int, len(g.head))
	for _, row := range append([][]string{g.head}, g.rows...) {
		for i, c := range row {
			w[i] = max(w[i], width(c))
		}
	}
	return w
}

// terminal aligns numbers to the right, the first column to the left.
func (g *grid) terminal(indent string) string {
	var b strings.Builder
	w := g.widths()
	for _, row := range append([][]string{g.head}, g.rows...) {
		b.WriteString(indent)
		for i, c := range row {
			pad := strings.Repeat(" ", w[i]-width(c))
			if i == 0 {
				b.WriteString(c + pad)
			} else {
				b.WriteString("  " + pad + c)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// markdown is a pipe table.
func (g *grid) markdown() string {
	var b strings.Builder
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	line(g.head)
	rule := make([]string, len(g.head))
	for i := range rule {
		rule[i] = "---:"
	}
	rule[0] = "---"
	line(rule)
	for _, row := range g.rows {
		line(row)
	}
	return b.String()
}
