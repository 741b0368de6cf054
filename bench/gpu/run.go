package gpu

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"truegrain/bench/report"
	"truegrain/kernels"
)

// Parts are what a run may be asked for, in the order in which they make sense.
var Parts = []string{"check", "kernels", "models", "peers"}

// Options are those of a run of one part.
type Options struct {
	Part  string
	Dir   string        // of the results
	Limit time.Duration // how long the run may take
	Again bool          // also what this program has done before
	Only  string        // a part of the names of the steps wanted
	Plan  Plan
	Say   io.Writer
}

// ErrUnfinished says that the time was over before the part was; run it again, and it goes on.
var ErrUnfinished = errors.New("not everything is done: run the same again, and it goes on")

// ErrDiffers says that kernels do not compute what the oracle does.
var ErrDiffers = errors.New("some results differ from ref")

// task is one piece of a part that is measured and saved as a whole.
type task struct {
	name string
	run  func(ctx context.Context) (rows []report.Row, ratios []Ratio, err error)
}

// bench is a device with what is known of it.
type bench struct {
	be     kernels.Accelerator
	plan   Plan
	result *Result
	peer   *peer
}

// Run does what is missing of a part on a device, as far as the time goes, and saves after each step. The
// error is ErrUnfinished, ErrDiffers, or the context's, or says what went wrong.
func Run(ctx context.Context, be kernels.Backend, o Options) error {
	acc, ok := be.(kernels.Accelerator)
	if !ok {
		return fmt.Errorf("%s is no GPU: 'bench kernels' and 'bench models' time what computes in host memory",
			be.Name())
	}
	if !slices.Contains(Parts, o.Part) {
		return fmt.Errorf("no part %q: want %s", o.Part, strings.Join(Parts, ", "))
	}
	path := fileOf(o.Dir, acc.Hardware())
	result, err := load(path + ".json")
	if err != nil {
		return err
	}
	machine := report.Here(be.Name())
	result.Hardware, result.System, result.Go, result.Commit = acc.Hardware(), machine.System, machine.Go,
		machine.Commit
	program, err := fingerprint()
	if err != nil {
		return err
	}
	b := &bench{be: acc, plan: o.Plan, result: result}
	defer b.close()
	tasks, err := b.tasks(o.Part)
	if err != nil {
		return err
	}
	return b.do(ctx, o, path, program, tasks)
}

func (b *bench) close() {
	if b.peer != nil {
		b.peer.close()
	}
}

// tasks are the steps of a part.
func (b *bench) tasks(part string) ([]task, error) {
	switch part {
	case "check":
		return b.checks()
	case "kernels":
		return b.kernels()
	case "models":
		return b.models(), nil
	}
	return b.peers()
}

// do runs the steps that this program has not done. One is begun only if the longest so far would still fit
// into the time.
func (b *bench) do(ctx context.Context, o Options, path, program string, tasks []task) error {
	start, longest, done := time.Now(), time.Duration(0), 0
	for _, t := range tasks {
		if !strings.Contains(t.name, o.Only) {
			continue
		}
		if old := b.result.find(o.Part, t.name); old != nil && old.Program == program && !o.Again {
			continue
		}
		if done > 0 && time.Since(start)+longest > o.Limit {
			fmt.Fprintf(o.Say, "%s: %s is next\n", o.Part, t.name)
			return ErrUnfinished
		}
		begun := time.Now()
		rows, ratios, err := t.run(ctx)
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", o.Part, t.name, err)
		}
		took := time.Since(begun)
		longest = max(longest, took)
		done++
		b.result.put(Step{Part: o.Part, Name: t.name, Program: program, Date: time.Now().Round(time.Second),
			Seconds: took.Seconds(), Rows: rows, Ratios: ratios})
		if err := b.result.save(path); err != nil {
			return err
		}
		fmt.Fprintf(o.Say, "%s: %s: %d rows in %.1f s\n", o.Part, t.name, len(rows), took.Seconds())
	}
	fmt.Fprintf(o.Say, "%s: done; %s.md\n", o.Part, path)
	if o.Part == "check" && len(b.result.differing()) > 0 {
		return ErrDiffers
	}
	return nil
}

// fingerprint tells programs apart: what another one has measured is measured anew.
func fingerprint() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(self)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // read only
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return runtime.GOARCH + "-" + hex.EncodeToString(h.Sum(nil))[:16], nil
}
