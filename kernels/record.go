package kernels

// Recorder is a backend that can keep a sequence of ops and queue all of it at once, without the cost of each
// call: CUDA graphs.
type Recorder interface {
	// Record calls f with the same device in recording: what f asks of it is kept instead of run, with the
	// memory that it takes, until Close; that memory holds anything at first. An upload is kept as a place
	// that Replay fills; nothing can be downloaded. Other work on the device goes on meanwhile. What f runs
	// must have run once before, so that its kernels are loaded. The error is a *DeviceError; a panic of f
	// ends the recording and goes on.
	Record(f func(Backend)) (Recording, error)
}

// Recording is ops that are repeated on the same memory.
type Recording interface {
	// Replay queues them behind all that was queued before. host are the sources of the uploads, in the order
	// in which they were recorded and of the sizes that they had then; they may change as soon as it returns.
	// Without any it takes those that Prepare was given.
	Replay(host ...Buf) error
	// Prepare brings the sources of the next Replay on their way, beside the one that still runs. They may
	// change as soon as it returns.
	Prepare(host ...Buf) error
	// Close waits for replays and gives the memory back.
	Close() error
}
