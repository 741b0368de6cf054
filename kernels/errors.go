package kernels

import (
	"errors"
	"fmt"
)

// Misuse is a programmer's mistake, raised by panic: a wrong shape, type or device. Exported edges that run
// user data turn it into an error (tensor.Catch); nothing else recovers it.
type Misuse interface {
	error
	Misuse()
}

// BufError says that a Buf was used as something it is not.
type BufError struct {
	Got      Buf
	Want     DType
	Range    bool
	From, To int
}

func (e *BufError) Error() string {
	if e.Range {
		return fmt.Sprintf("buffer: elements %d..%d wanted of %d", e.From, e.To, e.Got.Len())
	}
	where := "host"
	if e.Got.OnDevice() {
		where = "device"
	}
	return fmt.Sprintf("buffer: holds %s in %s memory, used as %s in host memory", e.Got.DType(),
		where, e.Want)
}

// Misuse marks the error as a programmer's mistake.
func (*BufError) Misuse() {}

// UnsupportedError says that a backend lacks an op. There is no silent fallback to another backend.
type UnsupportedError struct{ Backend, Op string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("backend %s has no %s; 'truegrain devices' lists the backends of this build",
		e.Backend, e.Op)
}

// Misuse marks the error as a programmer's mistake.
func (*UnsupportedError) Misuse() {}

// ArgError says that an op's argument struct does not hold together.
type ArgError struct{ Op, Field, Reason string }

func (e *ArgError) Error() string { return fmt.Sprintf("%s: %s: %s", e.Op, e.Field, e.Reason) }

// Misuse marks the error as a programmer's mistake.
func (*ArgError) Misuse() {}

// DeviceError is a device's refusal: which op, the driver's code, what its log said, and the kind of failure
// it is, such as ErrDeviceLost, if it is one of those.
type DeviceError struct {
	Op, Code, Log string
	Err           error
}

// Unwrap is the kind of failure.
func (e *DeviceError) Unwrap() error { return e.Err }

func (e *DeviceError) Error() string {
	if e.Log == "" {
		return fmt.Sprintf("device: %s: %s", e.Op, e.Code)
	}
	return fmt.Sprintf("device: %s: %s\n%s", e.Op, e.Code, e.Log)
}

// ErrNoBackend says that a spec names no backend of this build, or one whose device is absent.
var ErrNoBackend = errors.New("no such backend")

// ErrOutOfMemory says that a backend could not give the memory asked for.
var ErrOutOfMemory = errors.New("out of memory")

// ErrDeviceLost says that a device has stopped answering or has run into an error that it can't go on from.
// The process must open it anew; what it held is gone.
var ErrDeviceLost = errors.New("device lost")

// ErrNoDriver says that the machine has no driver for the device.
var ErrNoDriver = errors.New("no driver")

// ErrDriverTooOld says that the driver lacks what the kernels need.
var ErrDriverTooOld = errors.New("driver too old")
