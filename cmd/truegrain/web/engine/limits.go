// Package engine is the room behind the web app: detectors that were loaded once, a bounded queue of pictures
// to score, batches of several of them, explanations on request, and results that live in memory for some
// minutes. Whatever nobody waits for any more stops.
package engine

import (
	"errors"
	"time"

	"truegrain/tensor/picture"
)

// Limits bound what the engine takes on.
type Limits struct {
	Picture    picture.Limits // of one picture; FileBytes is that of an upload
	DecodeTime time.Duration  // for decoding one picture
	Uploads    int64          // bytes of all uploads that are being read at once
	Queue      int            // pictures that wait; as many explanations
	Batch      int            // pictures scored together
	Window     time.Duration  // how long a batch waits for pictures that are on their way
	Deadline   time.Duration  // from an upload to its scores
	Results    int            // kept at most
	Kept       int64          // bytes of all results
	Keep       time.Duration  // how long
}

// DefaultLimits are those of the command line.
func DefaultLimits() Limits {
	p := picture.DefaultLimits
	p.FileBytes = 16 << 20
	return Limits{Picture: p, DecodeTime: 2 * time.Second, Uploads: 256 << 20, Queue: 64, Batch: 8,
		Window: 2 * time.Millisecond, Deadline: 30 * time.Second, Results: 1000, Kept: 512 << 20,
		Keep: 15 * time.Minute}
}

// batchPixels bounds the pixels of the pictures that are scored together: what they take decoded.
const batchPixels = 48_000_000

// What the engine refuses; everything else is a picture's or a detector's own error.
var (
	ErrBusy    = errors.New("busy: as many pictures as this server takes are waiting already")
	ErrGone    = errors.New("this result is gone")
	ErrTooSlow = errors.New("the picture takes too long to decode")
	ErrTimeout = errors.New("the detectors did not answer in time")
	ErrClosed  = errors.New("the server is shutting down")
)

// UnknownError names something that there is none of.
type UnknownError struct{ What string }

func (e *UnknownError) Error() string { return "there is no " + e.What }
