package data

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"truegrain/tensor/picture"
)

// Check decodes every picture and mask of some collections as a whole, and writes the list of those that
// can't be read to path: lines of path and reason, which WriteIndex leaves out by Work.Exclude. Interrupted,
// it goes on where it was.
func Check(ctx context.Context, path string, sources []string, w Work) (*Checked, error) {
	all, _, err := entriesOf(sources, w.Exclude)
	if err != nil {
		return nil, err
	}
	root, err := filepath.Abs(Root(sources[0]))
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	r := &Checked{Pictures: len(all)}
	l := list{path: path, key: keyOf(all), header: "path,reason\n", n: len(all), saw: w.Progress,
		end: func(bad int) string {
			r.Unreadable = bad
			return fmt.Sprintf("#%d of %d pictures can't be read\n", bad, len(all))
		}}
	err = l.write(ctx, func(i int) string {
		reason := all[i].fault()
		if reason == "" {
			return ""
		}
		return csvLine(fromDir(root, all[i].Path), reason)
	})
	return r, err
}

// Checked is what a check found.
type Checked struct {
	Pictures   int `json:"pictures"`
	Unreadable int `json:"unreadable"`
}

// fault is why a picture or its mask can't be used, or "".
func (it *Item) fault() string {
	if strings.ContainsAny(it.Path+it.Mask, lineBreaks) {
		return "the name has a line break: rename it"
	}
	p, err := it.Picture()
	if err == nil && it.Mask != "" {
		var m *picture.Picture
		if m, err = it.MaskPicture(); err == nil && (m.W != p.W || m.H != p.H) {
			return fmt.Sprintf("the mask has %d × %d pixels, its picture %d × %d", m.W, m.H, p.W, p.H)
		}
	}
	var e *picture.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Reason
	}
	return err.Error()
}

// unbroken writes line breaks out.
var unbroken = strings.NewReplacer("\r", `\r`, "\n", `\n`)

// lineBreaks have no place in a list of lines.
const lineBreaks = "\r\n"

// csvLine is cells with a newline behind them, quoted where they must be: a line that begins with # is a
// remark. Line breaks are written out.
func csvLine(cells ...string) string {
	for i, c := range cells {
		c = unbroken.Replace(c)
		cells[i] = c
		if strings.ContainsAny(c, ",\"") || strings.HasPrefix(c, "#") {
			cells[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
	}
	return strings.Join(cells, ",") + "\n"
}
