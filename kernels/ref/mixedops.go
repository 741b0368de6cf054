package ref

import "truegrain/kernels"

func (m mixed) Linear(o kernels.Linear) {
	rounded(o.X, &o.Weight)
	rounded(o.Y, &o.Bias)
	widened(o, m.Backend.Linear)
}

// LinearBackward rounds dy for the products, where it is wider than x.
func (m mixed) LinearBackward(o kernels.LinearGrad) {
	sides := o
	sides.DX, sides.DWeight = kernels.Grad{}, kernels.Grad{}
	o.DBias, o.DResidual = kernels.Grad{}, kernels.Grad{}
	rounded(o.X, &o.Weight, &o.DY)
	widened(o, m.Backend.LinearBackward)
	widened(sides, m.Backend.LinearBackward)
}

func (m mixed) Conv2D(o kernels.Conv2D) {
	rounded(o.X, &o.Weight, &o.Bias)
	defer channelSums(o.Sums, o.Y) // of y as it is kept, rounded
	o.Sums = kernels.Buf{}
	widened(o, m.Backend.Conv2D)
}

func (m mixed) Conv2DBackward(o kernels.Conv2DGrad) {
	rounded(o.X, &o.Weight)
	widened(o, m.Backend.Conv2DBackward)
}

func (m mixed) ConvTranspose2D(o kernels.ConvTranspose2D) {
	rounded(o.X, &o.Weight, &o.Bias)
	defer channelSums(o.Sums, o.Y)
	o.Sums = kernels.Buf{}
	widened(o, m.Backend.ConvTranspose2D)
}

func (m mixed) ConvTranspose2DBackward(o kernels.ConvTranspose2DGrad) {
	rounded(o.X, &o.Weight)
	widened(o, m.Backend.ConvTranspose2DBackward)
}

func (m mixed) Normalize(o kernels.Normalize) { widened(o, m.Backend.Normalize) }

func (m mixed) Bias(o kernels.Bias) {
	rounded(o.X, &o.Bias)
	widened(o, m.Backend.Bias)
}

func (m mixed) MaxPool2D(o kernels.MaxPool2D)             { widened(o, m.Backend.MaxPool2D) }
func (m mixed) MaxPool2DBackward(o kernels.MaxPool2DGrad) { widened(o, m.Backend.MaxPool2DBackward) }
func (m mixed) AvgPool2D(o kernels.AvgPool2D)             { widened(o, m.Backend.AvgPool2D) }
func (m mixed) AvgPool2DBackward(o kernels.AvgPool2DGrad) { widened(o, m.Backend.AvgPool2DBackward) }
func (m mixed) AdaptiveAvgPool2D(o kernels.AdaptiveAvgPool2D) {
	widened(o, m.Backend.AdaptiveAvgPool2D)
}
func (m mixed) AdaptiveAvgPool2DBackward(o kernels.AdaptiveAvgPool2DGrad) {
	widened(o, m.Backend.AdaptiveAvgPool2DBackward)
}
func (m mixed) BatchNorm(o kernels.BatchNorm)             { widened(o, m.Backend.BatchNorm) }
func (m mixed) BatchNormBackward(o kernels.BatchNormGrad) { widened(o, m.Backend.BatchNormBackward) }
func (m mixed) LayerNorm(o kernels.LayerNorm)             { widened(o, m.Backend.LayerNorm) }
func (m mixed) LayerNormBackward(o kernels.LayerNormGrad) { widened(o, m.Backend.LayerNormBackward) }
func (m mixed) ReLU(o kernels.ReLU)                       { widened(o, m.Backend.ReLU) }
func (m mixed) ReLUBackward(o kernels.ReLUGrad)           { widened(o, m.Backend.ReLUBackward) }
func (m mixed) GELU(o kernels.GELU)                       { widened(o, m.Backend.GELU) }
func (m mixed) GELUBackward(o kernels.GELUGrad)           { widened(o, m.Backend.GELUBackward) }
func (m mixed) Sigmoid(o kernels.Sigmoid)                 { widened(o, m.Backend.Sigmoid) }
func (m mixed) SigmoidBackward(o kernels.SigmoidGrad)     { widened(o, m.Backend.SigmoidBackward) }
func (m mixed) Softmax(o kernels.Softmax)                 { widened(o, m.Backend.Softmax) }
func (m mixed) SoftmaxBackward(o kernels.SoftmaxGrad)     { widened(o, m.Backend.SoftmaxBackward) }
func (m mixed) Dropout(o kernels.Dropout)                 { widened(o, m.Backend.Dropout) }
func (m mixed) DropoutBackward(o kernels.DropoutGrad)     { widened(o, m.Backend.DropoutBackward) }
func (m mixed) Attention(o kernels.Attention)             { widened(o, m.Backend.Attention) }
func (m mixed) AttentionBackward(o kernels.AttentionGrad) { widened(o, m.Backend.AttentionBackward) }
func (m mixed) AttentionMap(o kernels.AttentionMap)       { widened(o, m.Backend.AttentionMap) }
func (m mixed) Add(o kernels.Add)                         { widened(o, m.Backend.Add) }
func (m mixed) AddBackward(o kernels.AddGrad)             { widened(o, m.Backend.AddBackward) }
func (m mixed) Mul(o kernels.Mul)                         { widened(o, m.Backend.Mul) }
func (m mixed) MulBackward(o kernels.MulGrad)             { widened(o, m.Backend.MulBackward) }
func (m mixed) Scale(o kernels.Scale)                     { widened(o, m.Backend.Scale) }
func (m mixed) ScaleBackward(o kernels.ScaleGrad)         { widened(o, m.Backend.ScaleBackward) }
func (m mixed) Cast(o kernels.Cast)                       { widened(o, m.Backend.Cast) }
func (m mixed) BiasBackward(o kernels.BiasGrad)           { widened(o, m.Backend.BiasBackward) }
func (m mixed) Concat(o kernels.Concat)                   { widened(o, m.Backend.Concat) }
func (m mixed) ConcatBackward(o kernels.ConcatGrad)       { widened(o, m.Backend.ConcatBackward) }
func (m mixed) Slice(o kernels.Slice)                     { widened(o, m.Backend.Slice) }
func (m mixed) SliceBackward(o kernels.SliceGrad)         { widened(o, m.Backend.SliceBackward) }
func (m mixed) Pad(o kernels.Pad)                         { widened(o, m.Backend.Pad) }
func (m mixed) PadBackward(o kernels.PadGrad)             { widened(o, m.Backend.PadBackward) }
func (m mixed) Resize(o kernels.Resize)                   { widened(o, m.Backend.Resize) }
func (m mixed) ResizeBackward(o kernels.ResizeGrad)       { widened(o, m.Backend.ResizeBackward) }
func (m mixed) Sum(o kernels.Sum)                         { widened(o, m.Backend.Sum) }
func (m mixed) SumBackward(o kernels.SumGrad)             { widened(o, m.Backend.SumBackward) }
func (m mixed) BCE(o kernels.BCE)                         { widened(o, m.Backend.BCE) }
func (m mixed) BCEBackward(o kernels.BCEGrad)             { widened(o, m.Backend.BCEBackward) }
func (m mixed) BCELogits(o kernels.BCELogits)             { widened(o, m.Backend.BCELogits) }
func (m mixed) BCELogitsBackward(o kernels.BCELogitsGrad) { widened(o, m.Backend.BCELogitsBackward) }
func (m mixed) MSE(o kernels.MSE)                         { widened(o, m.Backend.MSE) }
func (m mixed) MSEBackward(o kernels.MSEGrad)             { widened(o, m.Backend.MSEBackward) }
func (m mixed) CrossEntropy(o kernels.CrossEntropy)       { widened(o, m.Backend.CrossEntropy) }
func (m mixed) CrossEntropyBackward(o kernels.CrossEntropyGrad) {
	widened(o, m.Backend.CrossEntropyBackward)
}
