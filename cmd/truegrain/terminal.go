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
	fmt.Fprintf(plain{t.err}, format+"\n", args...)
}

// progress shows how far long work has come: a bar on a terminal, a line now and then elsewhere.
type progress struct {
	t           *terminal
	title       string
	total       int
	start, said time.Time
}

// quietEvery is how often work that writes to a file or a pipe says how far it is.
const quietEvery = 10 * time.Second

func (t *terminal) progress(title string, total int) *progress {
	if t.interactive() {
		coloured := os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		t.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(t.err),
			progressbar.OptionSetDescription(title), progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionSetWidth(28), progressbar.OptionSetTheme(theme(coloured)),
			progressbar.OptionEnableColorCodes(coloured), progressbar.OptionShowCount(),
			progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetElapsedTime(false))
	}
	return &progress{t: t, title: title, total: total, start: time.Now(), said: time.Now()}
}

// theme is a thin line that what is done covers from the left.
func theme(coloured bool) progressbar.Theme {
	if !coloured {
		return progressbar.Theme{Saucer: "━", SaucerHead: "╸", SaucerPadding: "╌"}
	}
	return progressbar.Theme{Saucer: "[light_blue]━[reset]", SaucerHead: "[light_blue]╸[reset]",
		SaucerPadding: "[dark_gray]━[reset]"}
}

// at says that done of the total are done, and how long the rest will take.
func (p *progress) at(done int, detail string) {
	rest := time.Duration(0)
	if took := time.Since(p.start); done > 0 && done < p.total && took > time.Second {
		rest = time.Duration(float64(took) / float64(done) * float64(p.total-done))
	}
	p.show(done, p.title, strings.TrimPrefix(detail+left(rest), ", "))
}

// show says that done of the total are done, and what else is worth knowing.
func (p *progress) show(done int, title, detail string) {
	if bar := p.t.bar; bar != nil {
		bar.Describe(strings.TrimSpace(title + " " + detail))
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

// left is the rest of the time in words.
func left(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return ", " + d.Round(time.Second).String() + " left"
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
