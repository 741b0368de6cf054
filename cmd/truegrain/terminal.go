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
type terminal struct{ out, err io.Writer }

// interactive says that err is a terminal, where a line may be drawn over itself.
func (t terminal) interactive() bool {
	f, ok := t.err.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// say prints one line about the way.
func (t terminal) say(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) }

// progress shows how far long work has come: a bar on a terminal, a line now and then elsewhere.
type progress struct {
	bar   *progressbar.ProgressBar
	t     terminal
	title string
	total int
	said  time.Time
}

// quietEvery is how often work that writes to a file or a pipe says how far it is.
const quietEvery = 10 * time.Second

func (t terminal) progress(title string, total int) *progress {
	p := &progress{t: t, title: title, total: total, said: time.Now()}
	if t.interactive() {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(t.err), progressbar.OptionSetDescription(title),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true))
	}
	return p
}

// at says that done of the total are done, and what else is worth knowing.
func (p *progress) at(done int, detail string) {
	if p.bar != nil {
		p.bar.Describe(strings.TrimSpace(p.title + " " + detail))
		p.bar.Set(done) //nolint:errcheck // a bar that can't be drawn is no error
		return
	}
	if time.Since(p.said) >= quietEvery {
		p.said = time.Now()
		p.t.say("%s: %d of %d %s", p.title, done, p.total, detail)
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Finish() //nolint:errcheck
	}
}
