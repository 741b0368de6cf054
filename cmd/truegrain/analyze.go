package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"truegrain/cmd/truegrain/report"
	"truegrain/cmd/truegrain/words"
	"truegrain/models/detect"
	"truegrain/tensor/picture"
)

// AnalyzeCmd scores pictures with every detector and can write a report with the maps that explain the
// scores.
type AnalyzeCmd struct {
	Files  []string `arg:"" name:"file" help:"Pictures, or folders of pictures."`
	Model  []string `short:"m" placeholder:"NAME|FILE" help:"Detectors: bundled names or checkpoints (default: all bundled ones)."`
	Device string   `default:"cpu" help:"cpu, cuda:0, ref …; 'truegrain devices' lists them."`
	View   string   `enum:",crop,resize,full" default:"" placeholder:"crop|resize|full" help:"What of each picture the detectors see (default: as they were trained)."`
	Exact  bool     `help:"Compute as the models do, without Winograd's convolutions."`
	JSON   bool     `help:"Print JSON: an array with file, per detector raw and calibrated scores, band, times."`
	Report string   `placeholder:"DIR" help:"Write DIR/index.html with scores and maps."`
}

// result is one picture's line in the output.
type result struct {
	File      string            `json:"file"`
	Width     int               `json:"width,omitempty"`
	Height    int               `json:"height,omitempty"`
	Format    string            `json:"format,omitempty"`
	Together  detect.Together   `json:"together,omitempty"`
	Detectors []*detect.Verdict `json:"detectors,omitempty"`
	Seconds   float64           `json:"seconds,omitempty"`
	Error     string            `json:"error,omitempty"`
}

// Run analyses every file. One that can't be read is named, with the reason, and the rest goes on.
func (c *AnalyzeCmd) Run(ctx context.Context, t *terminal) error {
	detectors, closeAll, err := openDetectors(c.Device, c.Model)
	if err != nil {
		return err
	}
	defer closeAll()
	exactly(c.Exact, detectors)
	opts := detect.Options{View: detect.View(c.View), Maps: c.Report != ""}
	if err := possible(detectors, opts); err != nil {
		return err
	}
	a := analysis{t: t, detectors: detectors, opts: opts}
	if c.Report != "" {
		if a.report, err = newReport(c.Report, detectors); err != nil {
			return err
		}
	}
	start := time.Now()
	results, err := a.all(ctx, expand(c.Files))
	if len(results) == 0 {
		return err
	}
	// what was interrupted has its results, too
	if err := errors.Join(err, c.write(a, results, time.Since(start))); err != nil {
		return err
	}
	if slices.ContainsFunc(results, func(r result) bool { return r.Error != "" }) {
		return errReported
	}
	return nil
}

// write prints the results and ends the report.
func (c *AnalyzeCmd) write(a analysis, results []result, took time.Duration) error {
	if c.JSON {
		enc := json.NewEncoder(a.t.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(results); err != nil {
			return err
		}
	} else if err := table(a.t, a.detectors, results); err != nil {
		return err
	}
	if a.report == nil {
		return nil
	}
	if err := a.report.Write(took); err != nil {
		return err
	}
	a.t.say("report: %s", filepath.Join(c.Report, "index.html"))
	return nil
}

// analysis is one run over many pictures.
type analysis struct {
	t         *terminal
	detectors []*detect.Detector
	opts      detect.Options
	report    *report.Report
}

// all analyses the files in turn. What ends that leaves the results so far.
func (a *analysis) all(ctx context.Context, files []target) ([]result, error) {
	bar := a.t.progress("analyze", len(files))
	defer bar.end()
	var out []result
	for i, f := range files {
		r, err := a.one(ctx, f)
		if ctx.Err() != nil {
			return out, fmt.Errorf("%d of %d pictures are done: %w", i, len(files), context.Cause(ctx))
		}
		if err != nil {
			return out, err
		}
		if r.Error != "" {
			a.t.say("%s: %s", oneLine(f.path), r.Error)
		}
		out = append(out, r)
		bar.at(i+1, "")
	}
	return out, nil
}

// one analyses one file; only what ends the whole run is an error.
func (a *analysis) one(ctx context.Context, f target) (result, error) {
	start := time.Now()
	r := result{File: f.path, Error: f.wrong}
	if f.wrong != "" {
		return r, a.add(r, f, nil)
	}
	p, err := picture.Open(f.path)
	if err != nil {
		r.Error = reason(err)
		return r, a.add(r, f, nil)
	}
	r.Width, r.Height, r.Format = p.W, p.H, p.Format
	if r.Detectors, err = a.look(ctx, p); err != nil {
		return r, fmt.Errorf("%s: %w", f.path, err)
	}
	r.Together, r.Seconds = detect.Combine(r.Detectors), time.Since(start).Seconds()
	return r, a.add(r, f, p)
}

// look asks all detectors at once.
func (a *analysis) look(ctx context.Context, p *picture.Picture) ([]*detect.Verdict, error) {
	verdicts, errs := make([]*detect.Verdict, len(a.detectors)), make([]error, len(a.detectors))
	var wg sync.WaitGroup
	for i, d := range a.detectors {
		wg.Go(func() { verdicts[i], errs[i] = d.Analyze(ctx, p, a.opts) })
	}
	wg.Wait()
	return verdicts, errors.Join(errs...)
}

func (a *analysis) add(r result, f target, p *picture.Picture) error {
	if a.report == nil {
		return nil
	}
	e := &report.Entry{File: r.File, Verdicts: r.Detectors, Together: r.Together, Seconds: r.Seconds,
		Failed: r.Error, Known: f.known}
	if p != nil {
		e.Facts = fmt.Sprintf("%s, %d × %d", strings.ToUpper(p.Format), p.W, p.H)
		if info, err := os.Stat(f.path); err == nil {
			e.Facts += fmt.Sprintf(", %d KB", (info.Size()+500)/1000)
		}
	}
	return a.report.Add(e, p)
}

// reason is why a picture can't be read, without the file's name, which stands beside it.
func reason(err error) string {
	if e := (*picture.Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return err.Error()
}

// pictureExt are the endings that a folder is searched for; a file that is named outright is taken by its
// content.
var pictureExt = []string{".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}

// target is a file to look at, with what is known of it, or what is wrong with the place that was named.
type target struct{ path, wrong, known string }

// expand lists the files to look at: those that are named, and the pictures in folders that are named, in
// order. A folder that can't be read or holds no picture takes its turn with the reason.
func expand(args []string) (out []target) {
	for _, arg := range args {
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			out = append(out, target{path: arg}) // what is wrong with it is said when its turn comes
			continue
		}
		before := len(out)
		// with the separator a link to a folder is that folder
		//nolint:errcheck // f never fails
		filepath.WalkDir(arg+string(filepath.Separator), func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				out = append(out, target{path: path, wrong: "the folder can't be read: " + systemReason(err)})
			case !e.IsDir() && slices.Contains(pictureExt, strings.ToLower(filepath.Ext(path))):
				out = append(out, target{path: path})
			}
			return nil
		})
		if len(out) == before {
			wrong := "the folder holds no picture (" + strings.Join(pictureExt, " ") + ")"
			out = append(out, target{path: arg, wrong: wrong})
		}
	}
	return out
}

// systemReason is the system's reason without the operation and the path.
func systemReason(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// table prints one line per picture: p(AI) and lean of every detector.
func table(t *terminal, detectors []*detect.Detector, results []result) error {
	if !slices.ContainsFunc(results, func(r result) bool { return r.Error == "" }) {
		return nil // what is wrong with each has been said
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "FILE")
	for _, d := range detectors {
		fmt.Fprintf(w, "\t%s", strings.ToUpper(d.Name))
	}
	fmt.Fprintln(w, "\tTOGETHER\tTIME")
	for _, r := range results {
		if r.Error != "" {
			continue
		}
		fmt.Fprint(w, oneLine(r.File))
		for _, v := range r.Detectors {
			fmt.Fprintf(w, "\tAI %s %s", words.Percent(v.AI), v.Lean)
		}
		fmt.Fprintf(w, "\t%s\t%.2f s\n", r.Together, r.Seconds)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if note := notes(detectors); note != "" {
		fmt.Fprintln(t.out, "\nNote: "+note)
	}
	if m := methods(detectors); m != "" {
		fmt.Fprintln(t.out, m)
	}
	return nil
}

// notes is what must be known of these detectors, each note once.
func notes(detectors []*detect.Detector) string {
	var out []string
	for _, d := range detectors {
		if n := d.Card.Note; n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return strings.Join(out, " ")
}

func newReport(dir string, detectors []*detect.Detector) (*report.Report, error) {
	named := map[string]report.Detector{}
	for _, d := range detectors {
		named[d.Name] = report.Detector{Short: d.Short(), Card: d.Card}
	}
	return report.New(dir, notes(detectors), named)
}
