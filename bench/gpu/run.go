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
	Most  time.Duration // how long one step may take; 0: as long as it wants
	Again bool          // also what this program has done before
	Only  string        // a part of the names of the steps wanted
	Plan  Plan
	Say   io.Writer
}

// ErrUnfinished says that the time was over before the part was; run it again, and it goes on.
var ErrUnfinished = errors.New("not everything is done: run the same again, and it goes on")

// ErrDiffers says that kernels do not compute what the oracle does.
var ErrDiffers = errors.New("some results differ from ref")

// ErrHangs says that a step did not end, as with a kernel that waits for ever. Nothing can stop it but the end of
// the process, so that the device must not be closed.
var ErrHangs = errors.New("it did not end")

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
	tasks, err := b.tasks(o.Part)
	if err == nil {
		err = b.do(ctx, o, path, program, tasks)
	}
	if !errors.Is(err, ErrHangs) {
		b.close()
	}
	return err
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
// into the time. One that loses the device, or hangs, ends the run and counts as done: the next run goes on behind it.
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
		step, err := t.within(ctx, o.Most)
		if err == nil {
			err = context.Cause(ctx)
		}
		gone := errors.Is(err, ErrHangs) || errors.Is(err, kernels.ErrDeviceLost)
		if gone { // and so it would be the next time: what comes behind it shall have its turn
			step.Rows = append(step.Rows, report.Row{Name: t.name, Skipped: err.Error()})
			err = fmt.Errorf("%w: run the same again", err)
		} else if err != nil {
			return fmt.Errorf("%s: %s: %w", o.Part, t.name, err)
		}
		took := time.Since(begun)
		longest = max(longest, took)
		done++
		step.Part, step.Name, step.Program = o.Part, t.name, program
		step.Date, step.Seconds = time.Now().Round(time.Second), took.Seconds()
		b.result.put(step)
		if err := errors.Join(err, b.result.save(path)); err != nil {
			return fmt.Errorf("%s: %s: %w", o.Part, t.name, err)
		}
		fmt.Fprintf(o.Say, "%s: %s: %d rows in %.1f s\n", o.Part, t.name, len(step.Rows), took.Seconds())
	}
	fmt.Fprintf(o.Say, "%s: done; %s.md\n", o.Part, path)
	if o.Part == "check" && len(b.result.differing()) > 0 {
		return ErrDiffers
	}
	return nil
}

// within runs a task, which may take so long; of one that takes longer the error is ErrHangs.
func (t task) within(ctx context.Context, most time.Duration) (Step, error) {
	ended := make(chan error, 1)
	var step Step
	go func() {
		var err error
		step.Rows, step.Ratios, err = t.run(ctx)
		ended <- err
	}()
	var late <-chan time.Time
	if most > 0 {
		late = time.After(most)
	}
	select {
	case err := <-ended:
		return step, err
	case <-late:
		return Step{}, fmt.Errorf("%w within %v", ErrHangs, most)
	}
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
