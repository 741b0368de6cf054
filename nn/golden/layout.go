package golden

// Number is what the permutations move.
type Number interface{ ~float32 | ~float64 }

// FromNCHW permutes (B,C,H,W) to (B,H,W,C). With B = OC it takes convolution weights from OIHW to
// (OC,KH,KW,C), and transposed ones from IOHW to (C,KH,KW,OC).
func FromNCHW[T Number](x []T, b, c, h, w int) []T { return swap(x, b, c, h*w) }

// ToNCHW permutes (B,H,W,C) to (B,C,H,W), and our convolution weights to PyTorch's.
func ToNCHW[T Number](x []T, b, h, w, c int) []T { return swap(x, b, h*w, c) }

// swap exchanges the last two axes of (b,m,n).
func swap[T Number](x []T, b, m, n int) []T {
	out := make([]T, len(x))
	for k := range b {
		in, to := x[k*m*n:(k+1)*m*n], out[k*m*n:(k+1)*m*n]
		for i := range m {
			for j := range n {
				to[j*m+i] = in[i*n+j]
			}
		}
	}
	return out
}
