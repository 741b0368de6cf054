package cpu

// The tail of the normal distribution is Φ(−a) = e^(−a²/2)·M(a), and M, which falls slowly from 1/2 (it is
// Mills' ratio over √(2π)), is a quotient of two polynomials here: minimax in relative error over [0,
// normalEnd], 1.6e-8 with the coefficients rounded to float32, the highest power first. All are positive, so
// that nothing cancels. The generator reads the numbers of this file.
var (
	millsNumerator = [...]float32{0.004123856779187918, 0.04068395867943764, 0.1833854466676712,
		0.43849754333496094, 0.5}
	millsDenominator = [...]float32{0.010336858220398426, 0.10198593884706497, 0.469867467880249,
		1.2031270265579224, 1.674880027770996, 1.0}
)

// Where a ≥ normalEnd, Φ(−a) and a·Φ(−a) are 0 in float32.
const normalEnd = 14.6
