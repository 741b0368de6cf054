package cpu

// Flags of the kernels that pass memory once (the generator reads this file).
const (
	flagPast      = 1 << iota // stores of the first operand go past the caches; it lies on a cache line
	gateOutput                // a gradient goes through where the ReLU's output is positive
	gateGradient              // a gradient goes through where it is not negative
	flagResidual              // there is a residual
	flagRectify               // negative results become 0
	flagCentre                // the gradient has the terms of the batch's statistics
	flagAdd                   // the result is added to the first operand
	flagBranch                // there is a second result, the gradient of the residual
	flagAddBranch             // and it is added, too
	flagAhead                 // what lies behind the columns of a call is asked for: the next call reads it
)
