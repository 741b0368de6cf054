package cpu

// The tail of the normal distribution is Φ(−a) = e^(−a²/2)·M(a), and M falls slowly from 1/2: it is Mills'
// ratio times φ(0), about φ(0)/a for large a. Here it is φ(0)·N(a)/(a·N(a) + R(a)) with two polynomials, N
// and R: minimax in relative error over [0, normalEnd], 1.7e-8 with the coefficients rounded to float32, the
// highest power first. All are positive, so that nothing cancels; and where N is large and off by several
// roundings, so is a·N below it, and the quotient is not. The generator reads the numbers of this file.
var (
	millsNumerator = [...]float32{0.007211941294372082, 0.06757736951112747, 0.2932366132736206,
		0.678729772567749, 0.7419344782829285}
	millsRest = [...]float32{7.14795703515847e-07, 0.00717962859198451, 0.06820163130760193,
		0.2719443440437317, 0.5919780731201172}
)

// density is φ(0) as the coefficients want it, a float32.
const density = 0.39894229

// Where a ≥ normalEnd, Φ(−a) and a·Φ(−a) are 0 in float32.
const normalEnd = 14.6
