package tensor

import (
	"fmt"

	"truegrain/kernels"
)

// ShapeError says that an operand has the wrong shape: a programmer's mistake, raised by panic. In Want, −1
// stands for any size; an empty Want means that the message in Op says it all.
type ShapeError struct {
	Op        string
	Got, Want []int
}

func (e *ShapeError) Error() string {
	if len(e.Want) == 0 {
		return fmt.Sprintf("%s: not possible for shape %v", e.Op, e.Got)
	}
	return fmt.Sprintf("%s: shape is %v, want %v", e.Op, e.Got, e.Want)
}

// Misuse marks the error as a programmer's mistake.
func (*ShapeError) Misuse() {}

// Catch runs f and turns a panic of our own (kernels.Misuse) into an error. Any other panic goes on. It
// stands at the exported edges that run user data, and in tests.
func Catch(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case kernels.Misuse:
			err = p
		case *kernels.DeviceError:
			err = p
		default:
			panic(p)
		}
	}()
	f()
	return nil
}
