package kernels

import "context"

// Backend is one device that computes: memory, and every op of the contract. A backend embeds Unsupported and
// overrides what it has. Its methods may be called from several goroutines; those of one buffer may not.
type Backend interface {
	// Name is the spec that opens this very backend: "cpu:avx512".
	Name() string
	// DType is the type of its values: F32, or F64 on the float64 oracle.
	DType() DType
	// Activations is the type in which a model gives it the values between ops, and they their gradients:
	// BF16 in mixed precision, else DType. An op's results have the type of its operands.
	Activations() DType
	// WithContext is the same backend looking at ctx between chunks of work. A cancelled op returns early
	// with its outputs undefined; whoever holds the context notices and discards them.
	WithContext(ctx context.Context) Backend
	// Workspace is the number of elements (of DType) that the op's Work field needs; 0 for most.
	Workspace(op any) int
	Close() error

	Memory
	Prepare
	MatMul
	Conv
	Pool
	Norm
	Activate
	Attend
	Elementwise
	Reshape
	Reduce
	Loss
	Optimize
}

// Mixed is a backend that may also train in mixed precision.
type Mixed interface {
	// Mixed is the same device for values and their gradients in bfloat16, added up in float32. Parameters,
	// their gradients, statistics and losses stay float32; products round their weights. What an op finds in
	// float32 it computes in float32. false: the device does not gain from that, or can't.
	Mixed() (Backend, bool)
}

// Memory gives and takes buffers and moves data. Host buffers are made by Of.
type Memory interface {
	Alloc(d DType, n int) (Buf, error) // zeroed; ErrOutOfMemory
	Free(b Buf)
	// host to device, converting between F32, F64 and BF16, I32 as it is; lengths equal
	Upload(dst, host Buf)
	Download(host, src Buf) // device to host, likewise
	Copy(dst, src Buf)      // within the device, same type and length
	Fill(dst Buf, v float64)
}

// MatMul is the family of matrix products.
type MatMul interface {
	Gemm(Gemm)
	Linear(Linear)
	LinearBackward(LinearGrad)
}

// Conv is the family of convolutions.
type Conv interface {
	Conv2D(Conv2D)
	Conv2DBackward(Conv2DGrad)
	ConvTranspose2D(ConvTranspose2D)
	ConvTranspose2DBackward(ConvTranspose2DGrad)
}

// Pool is the family of poolings.
type Pool interface {
	MaxPool2D(MaxPool2D)
	MaxPool2DBackward(MaxPool2DGrad)
	AvgPool2D(AvgPool2D)
	AvgPool2DBackward(AvgPool2DGrad)
	AdaptiveAvgPool2D(AdaptiveAvgPool2D)
	AdaptiveAvgPool2DBackward(AdaptiveAvgPool2DGrad)
}

// Norm is the family of normalisations.
type Norm interface {
	BatchNorm(BatchNorm)
	BatchNormBackward(BatchNormGrad)
	LayerNorm(LayerNorm)
	LayerNormBackward(LayerNormGrad)
}

// Activate is the family of activations.
type Activate interface {
	ReLU(ReLU)
	ReLUBackward(ReLUGrad)
	GELU(GELU)
	GELUBackward(GELUGrad)
	Sigmoid(Sigmoid)
	SigmoidBackward(SigmoidGrad)
	Softmax(Softmax)
	SoftmaxBackward(SoftmaxGrad)
	Dropout(Dropout)
	DropoutBackward(DropoutGrad)
}

// Attend is attention, its backward, and its map.
type Attend interface {
	Attention(Attention)
	AttentionBackward(AttentionGrad)
	AttentionMap(AttentionMap)
}

// Elementwise is the family of ops on equal shapes, and the row bias.
type Elementwise interface {
	Add(Add)
	AddBackward(AddGrad)
	Mul(Mul)
	MulBackward(MulGrad)
	Scale(Scale)
	ScaleBackward(ScaleGrad)
	Cast(Cast)
	Normalize(Normalize)
	Bias(Bias)
	BiasBackward(BiasGrad)
}

// Reshape is the family of ops that move elements: join, cut, pad, resample.
type Reshape interface {
	Concat(Concat)
	ConcatBackward(ConcatGrad)
	Slice(Slice)
	SliceBackward(SliceGrad)
	Pad(Pad)
	PadBackward(PadGrad)
	Resize(Resize)
	ResizeBackward(ResizeGrad)
}

// Reduce is the family of sums.
type Reduce interface {
	Sum(Sum)
	SumBackward(SumGrad)
}

// Loss is the family of losses, each averaged to one scalar.
type Loss interface {
	BCE(BCE)
	BCEBackward(BCEGrad)
	BCELogits(BCELogits)
	BCELogitsBackward(BCELogitsGrad)
	MSE(MSE)
	MSEBackward(MSEGrad)
	CrossEntropy(CrossEntropy)
	CrossEntropyBackward(CrossEntropyGrad)
}

// Optimize is the family of optimiser steps, each one pass over its state.
type Optimize interface {
	SGD(SGD)
	Adam(Adam)
}
