package train

import (
	"time"

	"truegrain/train/data"
)

// Progress is where the loop stands: after a batch, or with Done after a validation.
type Progress struct {
	Epoch, Epochs  int // the running one, from 1
	Batch, Batches int // of this epoch
	Update         int // of the whole run
	Updated        bool
	Pictures       int // in the batch, of all workers
	Loss           float64
	LR, GradNorm   float64 // of the update, if there was one
	Rate           float64 // pictures per second, of late
	Left           time.Duration
	Unread         []data.Unread
	Done           *Epoch // set when an epoch has been validated
}

// clock measures how fast a run goes.
type clock struct {
	start    time.Time
	last     time.Time // of the report before
	rate     float64   // pictures per second, averaged over some twenty batches
	validate time.Duration
}

// batch counts a batch of n pictures.
func (c *clock) batch(n int) {
	now := time.Now()
	if !c.last.IsZero() {
		const share = 0.05
		rate := float64(n) / max(now.Sub(c.last).Seconds(), 1e-9)
		if c.rate == 0 {
			c.rate = rate
		}
		// Times are averaged, not rates: one slow batch then weighs as much as it took.
		c.rate = 1 / ((1-share)/c.rate + share/max(rate, 1e-9))
	}
	c.last = now
}

// left is how long the rest of the run will take at this rate, or 0 if that is not known yet.
func (c *clock) left(pictures, validations int) time.Duration {
	if c.rate == 0 {
		return 0
	}
	return time.Duration(float64(pictures)/c.rate*float64(time.Second)) +
		time.Duration(validations)*c.validate
}

// report tells Watch where the loop stands.
func (l *Loop) report(p Progress) error {
	s := &l.State
	p.Epochs, p.Batches, p.Update = l.Epochs, l.Train.Batches(), s.Updates
	if p.Done != nil {
		p.Epoch, p.Batch = s.Epoch, p.Batches
		l.clock.last = time.Time{} // a validation lay between
	} else {
		p.Epoch, p.Batch = s.Epoch+1, s.Batch
		l.clock.batch(p.Pictures)
	}
	p.Rate = l.clock.rate
	p.Left = l.clock.left((l.Epochs-s.Epoch)*l.Train.Pictures()-s.Pictures, l.Epochs-s.Epoch)
	if l.Watch == nil {
		return nil
	}
	return l.Watch(p)
}
