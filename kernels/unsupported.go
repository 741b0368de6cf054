package kernels

// Unsupported implements every op by panicking with *UnsupportedError: a backend embeds it, and what it has
// not overridden is refused by name instead of computed elsewhere in silence.
type Unsupported struct{ Backend string }

func (u Unsupported) no(op string) { panic(&UnsupportedError{u.Backend, op}) }

// Activations is float32, as the values of all backends but the oracle of float64.
func (u Unsupported) Activations() DType { return F32 }

// Workspace is 0: most ops need none.
func (u Unsupported) Workspace(any) int { return 0 }

// Pack is nil: weights are read as they are.
func (u Unsupported) Pack(Op, Packing) (Packed, error) { return nil, nil }

// Gemm is refused.
func (u Unsupported) Gemm(Gemm) { u.no("Gemm") }

// Linear is refused.
func (u Unsupported) Linear(Linear) { u.no("Linear") }

// LinearBackward is refused.
func (u Unsupported) LinearBackward(LinearGrad) { u.no("LinearBackward") }

// Conv2D is refused.
func (u Unsupported) Conv2D(Conv2D) { u.no("Conv2D") }

// Conv2DBackward is refused.
func (u Unsupported) Conv2DBackward(Conv2DGrad) { u.no("Conv2DBackward") }

// ConvTranspose2D is refused.
func (u Unsupported) ConvTranspose2D(ConvTranspose2D) { u.no("ConvTranspose2D") }

// ConvTranspose2DBackward is refused.
func (u Unsupported) ConvTranspose2DBackward(ConvTranspose2DGrad) { u.no("ConvTranspose2DBackward") }

// MaxPool2D is refused.
func (u Unsupported) MaxPool2D(MaxPool2D) { u.no("MaxPool2D") }

// MaxPool2DBackward is refused.
func (u Unsupported) MaxPool2DBackward(MaxPool2DGrad) { u.no("MaxPool2DBackward") }

// AvgPool2D is refused.
func (u Unsupported) AvgPool2D(AvgPool2D) { u.no("AvgPool2D") }

// AvgPool2DBackward is refused.
func (u Unsupported) AvgPool2DBackward(AvgPool2DGrad) { u.no("AvgPool2DBackward") }

// AdaptiveAvgPool2D is refused.
func (u Unsupported) AdaptiveAvgPool2D(AdaptiveAvgPool2D) { u.no("AdaptiveAvgPool2D") }

// AdaptiveAvgPool2DBackward is refused.
func (u Unsupported) AdaptiveAvgPool2DBackward(AdaptiveAvgPool2DGrad) {
	u.no("AdaptiveAvgPool2DBackward")
}

// BatchNorm is refused.
func (u Unsupported) BatchNorm(BatchNorm) { u.no("BatchNorm") }

// BatchNormBackward is refused.
func (u Unsupported) BatchNormBackward(BatchNormGrad) { u.no("BatchNormBackward") }

// LayerNorm is refused.
func (u Unsupported) LayerNorm(LayerNorm) { u.no("LayerNorm") }

// LayerNormBackward is refused.
func (u Unsupported) LayerNormBackward(LayerNormGrad) { u.no("LayerNormBackward") }

// ReLU is refused.
func (u Unsupported) ReLU(ReLU) { u.no("ReLU") }

// ReLUBackward is refused.
func (u Unsupported) ReLUBackward(ReLUGrad) { u.no("ReLUBackward") }

// GELU is refused.
func (u Unsupported) GELU(GELU) { u.no("GELU") }

// GELUBackward is refused.
func (u Unsupported) GELUBackward(GELUGrad) { u.no("GELUBackward") }

// Sigmoid is refused.
func (u Unsupported) Sigmoid(Sigmoid) { u.no("Sigmoid") }

// SigmoidBackward is refused.
func (u Unsupported) SigmoidBackward(SigmoidGrad) { u.no("SigmoidBackward") }

// Softmax is refused.
func (u Unsupported) Softmax(Softmax) { u.no("Softmax") }

// SoftmaxBackward is refused.
func (u Unsupported) SoftmaxBackward(SoftmaxGrad) { u.no("SoftmaxBackward") }

// Dropout is refused.
func (u Unsupported) Dropout(Dropout) { u.no("Dropout") }

// DropoutBackward is refused.
func (u Unsupported) DropoutBackward(DropoutGrad) { u.no("DropoutBackward") }

// Attention is refused.
func (u Unsupported) Attention(Attention) { u.no("Attention") }

// AttentionBackward is refused.
func (u Unsupported) AttentionBackward(AttentionGrad) { u.no("AttentionBackward") }

// AttentionMap is refused.
func (u Unsupported) AttentionMap(AttentionMap) { u.no("AttentionMap") }

// Add is refused.
func (u Unsupported) Add(Add) { u.no("Add") }

// AddBackward is refused.
func (u Unsupported) AddBackward(AddGrad) { u.no("AddBackward") }

// Mul is refused.
func (u Unsupported) Mul(Mul) { u.no("Mul") }

// MulBackward is refused.
func (u Unsupported) MulBackward(MulGrad) { u.no("MulBackward") }

// Scale is refused.
func (u Unsupported) Scale(Scale) { u.no("Scale") }

// ScaleBackward is refused.
func (u Unsupported) ScaleBackward(ScaleGrad) { u.no("ScaleBackward") }

// Cast is refused.
func (u Unsupported) Cast(Cast) { u.no("Cast") }

// Normalize is refused.
func (u Unsupported) Normalize(Normalize) { u.no("Normalize") }

// Bias is refused.
func (u Unsupported) Bias(Bias) { u.no("Bias") }

// BiasBackward is refused.
func (u Unsupported) BiasBackward(BiasGrad) { u.no("BiasBackward") }

// Concat is refused.
func (u Unsupported) Concat(Concat) { u.no("Concat") }

// ConcatBackward is refused.
func (u Unsupported) ConcatBackward(ConcatGrad) { u.no("ConcatBackward") }

// Slice is refused.
func (u Unsupported) Slice(Slice) { u.no("Slice") }

// SliceBackward is refused.
func (u Unsupported) SliceBackward(SliceGrad) { u.no("SliceBackward") }

// Pad is refused.
func (u Unsupported) Pad(Pad) { u.no("Pad") }

// PadBackward is refused.
func (u Unsupported) PadBackward(PadGrad) { u.no("PadBackward") }

// Resize is refused.
func (u Unsupported) Resize(Resize) { u.no("Resize") }

// ResizeBackward is refused.
func (u Unsupported) ResizeBackward(ResizeGrad) { u.no("ResizeBackward") }

// Sum is refused.
func (u Unsupported) Sum(Sum) { u.no("Sum") }

// SumBackward is refused.
func (u Unsupported) SumBackward(SumGrad) { u.no("SumBackward") }

// BCE is refused.
func (u Unsupported) BCE(BCE) { u.no("BCE") }

// BCEBackward is refused.
func (u Unsupported) BCEBackward(BCEGrad) { u.no("BCEBackward") }

// BCELogits is refused.
func (u Unsupported) BCELogits(BCELogits) { u.no("BCELogits") }

// BCELogitsBackward is refused.
func (u Unsupported) BCELogitsBackward(BCELogitsGrad) { u.no("BCELogitsBackward") }

// MSE is refused.
func (u Unsupported) MSE(MSE) { u.no("MSE") }

// MSEBackward is refused.
func (u Unsupported) MSEBackward(MSEGrad) { u.no("MSEBackward") }

// CrossEntropy is refused.
func (u Unsupported) CrossEntropy(CrossEntropy) { u.no("CrossEntropy") }

// CrossEntropyBackward is refused.
func (u Unsupported) CrossEntropyBackward(CrossEntropyGrad) { u.no("CrossEntropyBackward") }

// SGD is refused.
func (u Unsupported) SGD(SGD) { u.no("SGD") }

// Adam is refused.
func (u Unsupported) Adam(Adam) { u.no("Adam") }
