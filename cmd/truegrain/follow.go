package main

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"truegrain/nn/state"
	"truegrain/train"
	"truegrain/train/energy"
	"truegrain/train/logs"
)

// watcher prints how a run goes, and logs it.
type watcher struct {
	t      *terminal
	loop   *train.Loop
	log    *logs.Log
	every  int // updates between two lines of the logs
	bar    *progress
	unread int // pictures that have been named
	start  time.Time
	meter  energy.Meter
	before logs.Row // with what the run took before this process
}

func (l *learning) watch(t *terminal, loop *train.Loop) (*watcher, error) {
	r := l.recipe
	log, last, err := logs.Open(l.folder, loop.State.Updates, loop.State.Epoch)
	if err != nil {
		return nil, err
	}
	learning, all := weightsOf(loop.Model)
	t.say("%s: %s of %s weights learn; %d training and %d validation pictures, %d epochs of %d batches, in %s",
		r.Model.Name, counted(learning), counted(all), loop.Train.Pictures(), loop.Val.Pictures(), r.Epochs(),
		loop.Train.Batches(), l.folder)
	return &watcher{t: t, loop: loop, log: log, every: r.LogEvery, start: time.Now(), before: last,
		meter: l.meter, bar: t.progress("train "+r.Model.Name, loop.Epochs*loop.Train.Batches())}, nil
}

// weightsOf counts a model's weights, and those that its optimiser moves.
func weightsOf(m train.Model) (learning, all int) {
	for _, p := range m.Params() {
		if p.Buffer {
			continue
		}
		all += p.Value.Len()
		if !p.Frozen {
			learning += p.Value.Len()
		}
	}
	return learning, all
}

// counted is a number for reading: 23.5 M.
func counted(n int) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f M", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1f k", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}

// pictures is how many, in words.
func pictures(n int) string { return several(n, "picture") }

// several is so many of something.
func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// mostNamed is how many unread pictures are named on the terminal; all are in unread.txt.
const mostNamed = 10

// saw takes in one report of the loop.
func (w *watcher) saw(p train.Progress) error {
	for _, u := range p.Unread {
		if w.unread++; w.unread <= mostNamed {
			w.t.say("left out: %s", u.Reason)
		}
	}
	if err := w.write(p); err != nil {
		return err
	}
	if p.Done == nil {
		w.bar.show((p.Epoch-1)*p.Batches+p.Batch, "",
			fmt.Sprintf("epoch %d/%d, loss %.4f, %.3g img/s%s", p.Epoch, p.Epochs, p.Loss,
				p.Rate, left(p.Left)))
		return nil
	}
	kept := ""
	if p.Done.Best {
		kept = ", kept"
	}
	w.t.say("epoch %*d of %d: loss %.4f, validation %.4f, accuracy %5.1f %%, %.1f s%s",
		len(fmt.Sprint(p.Epochs)),
		p.Epoch, p.Epochs, p.Done.TrainLoss, p.Done.ValLoss, 100*p.Done.Accuracy,
		p.Done.Duration.Seconds(), kept)
	return nil
}

// validating shows how far a validation is.
func (w *watcher) validating(batch int) {
	s := w.loop.State
	w.bar.show(s.Epoch*w.loop.Train.Batches()+s.Batch, "",
		fmt.Sprintf("epoch %d/%d, validating batch %d of %d", s.Epoch+1, w.loop.Epochs, batch,
			w.loop.Val.Batches()))
}

// write logs every so many updates, and every epoch.
func (w *watcher) write(p train.Progress) error {
	row := logs.Row{Kind: logs.Update, Epoch: p.Epoch, Batch: p.Batch, Update: p.Update, Loss: p.Loss,
		LR: p.LR, GradNorm: p.GradNorm, Rate: p.Rate}
	row.Seconds, row.Joules = w.took()
	switch {
	case p.Done != nil:
		row.Kind, row.ValLoss, row.Accuracy, row.Best = logs.Epoch, p.Done.ValLoss, p.Done.Accuracy,
			p.Done.Best
	case !p.Updated || p.Update%w.every != 0:
		return nil
	}
	return w.log.Write(row)
}

// took is how long the run has trained, and with what energy.
func (w *watcher) took() (seconds, joules float64) {
	return w.before.Seconds + time.Since(w.start).Seconds(), w.before.Joules + w.meter.Joules()
}

// close ends bar and logs, and lists what could not be read.
func (w *watcher) close() error {
	w.bar.end()
	unread := w.loop.State.Unread
	if err := w.log.Close(); err != nil || len(unread) == 0 {
		return err
	}
	path := filepath.Join(w.loop.Checkpoints.Dir, "unread.txt")
	w.t.say("could not be read and left out: %s, listed in %s", pictures(len(unread)), path)
	return state.Atomic(path, func(out io.Writer) error {
		for _, file := range slices.Sorted(maps.Keys(unread)) {
			if _, err := fmt.Fprintf(out, "%s\t%s\n", file, unread[file]); err != nil {
				return err
			}
		}
		return nil
	})
}
