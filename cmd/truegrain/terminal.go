package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

// terminal is where a command writes: results to out, everything that is said on the way to err.
type terminal struct {
	out, err io.Writer
	bar      *progressbar.ProgressBar // what is drawn on err now; nil if nothing is
}

// interactive says that err is a terminal, where a line may be drawn over itself.
func (t *terminal) interactive() bool {
	f, ok := t.err.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// say prints one line about the way, above the bar if there is one.
func (t *terminal) say(format string, args ...any) {
	if t.bar != nil { // a bar that can't be drawn is no error
		t.bar.Clear()             //nolint:errcheck
		defer t.bar.RenderBlank() //nolint:errcheck
	}
	fmt.Fprintf(t.err, format+"\n", args...)
}

// progress shows how far long work has come: a bar on a terminal, a line now and then elsewhere.
type progress struct {
	t     *terminal
	title string
	total int
	said  time.Time
}

// quietEvery is how often work that writes to a file or a pipe says how far it is.
const quietEvery = 10 * time.Second

func (t *terminal) progress(title string, total int) *progress {
	if t.interactive() {
		t.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(t.err),
			progressbar.OptionSetDescription(title),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true))
	}
	return &progress{t: t, title: title, total: total, said: time.Now()}
}

// at says that done of the total are done, and what else is worth knowing.
func (p *progress) at(done int, detail string) {
	if bar := p.t.bar; bar != nil {
		bar.Describe(strings.TrimSpace(p.title + " " + detail))
		bar.Set(done) //nolint:errcheck // a bar that can't be drawn is no error
		return
	}
	if time.Since(p.said) >= quietEvery {
		p.said = time.Now()
		p.t.say("%s: %d of %d%s", p.title, done, p.total, separated(detail))
	}
}

func separated(detail string) string {
	if detail == "" {
		return ""
	}
	return ", " + detail
}

// end takes the bar away.
func (p *progress) end() {
	p.t.clear()
}

// clear takes away what is drawn.
func (t *terminal) clear() {
	if t.bar != nil {
		t.bar.Clear() //nolint:errcheck
		t.bar = nil
	}
}
