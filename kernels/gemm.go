package kernels

// Gemm is the general matrix product, batched, over strided operands:
//
//	C[b] = α·op(A[b])·op(B[b])  (+ C[b] if Acc),  op(X) = X or Xᵀ
//
// Shapes: op(A) (M,K), op(B) (K,N), C (M,N), each row-major with LDA, LDB, LDC elements from a stored row to
// the next and StrideA, StrideB, StrideC from one matrix of the batch to the next (0 repeats the same
// matrix).
type Gemm struct {
	M, N, K                   int
	Batch                     int // 0 means 1
	TransA, TransB, Acc       bool
	Alpha                     float64 // 0 means 1
	LDA, LDB, LDC             int
	StrideA, StrideB, StrideC int
	A, B, C                   Buf
}

// Stem is the op's name.
func (Gemm) Stem() string { return "gemm" }

// Cost counts 2·M·N·K operations for each matrix of the batch.
func (g Gemm) Cost() Cost {
	n := int64(max(1, g.Batch))
	return Cost{2 * n * product(g.M, g.N, g.K), n * int64(g.A.DType().Size()) *
		(product(g.M, g.K) + product(g.K, g.N) + product(g.M, g.N))}
}

// Run calls the backend.
func (g Gemm) Run(b Backend) { b.Gemm(g) }
