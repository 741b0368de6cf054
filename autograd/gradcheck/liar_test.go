package gradcheck_test

import (
	"reflect"

	"truegrain/kernels"
)

// liar is a backend with one gradient of one backward kernel wrong by a factor 1.001.
type liar struct {
	kernels.Backend
	kernel, field string
	lied          bool
}

// tell runs the true kernel and then spoils what it gave: a gradient that was written is scaled, one that was
// added to has a thousandth of its addition added again.
func (l *liar) tell(kernel string, args any) {
	v := reflect.New(reflect.TypeOf(args)).Elem()
	v.Set(reflect.ValueOf(args))
	call := func() {
		reflect.ValueOf(l.Backend).MethodByName(kernel).Call([]reflect.Value{v})
	}
	if kernel != l.kernel {
		call()
		return
	}
	grads, ok := v.FieldByName(l.field).Interface().([]kernels.Grad)
	if !ok {
		grads = []kernels.Grad{v.FieldByName(l.field).Interface().(kernels.Grad)}
	}
	var before [][]float64
	for _, g := range grads {
		before = append(before, append([]float64(nil), kernels.Floats[float64](g.Buf)...))
	}
	call()
	for k, g := range grads {
		for i, x := range kernels.Floats[float64](g.Buf) {
			if !g.Acc {
				before[k][i] = 0
			}
			if x != before[k][i] {
				kernels.Floats[float64](g.Buf)[i] = x + 0.001*(x-before[k][i])
				l.lied = true
			}
		}
	}
}

func (l *liar) LinearBackward(a kernels.LinearGrad) { l.tell("LinearBackward", a) }

func (l *liar) Conv2DBackward(a kernels.Conv2DGrad) { l.tell("Conv2DBackward", a) }

func (l *liar) ConvTranspose2DBackward(a kernels.ConvTranspose2DGrad) {
	l.tell("ConvTranspose2DBackward", a)
}

func (l *liar) MaxPool2DBackward(a kernels.MaxPool2DGrad) { l.tell("MaxPool2DBackward", a) }

func (l *liar) AvgPool2DBackward(a kernels.AvgPool2DGrad) { l.tell("AvgPool2DBackward", a) }

func (l *liar) AdaptiveAvgPool2DBackward(a kernels.AdaptiveAvgPool2DGrad) {
	l.tell("AdaptiveAvgPool2DBackward", a)
}

func (l *liar) BatchNormBackward(a kernels.BatchNormGrad) { l.tell("BatchNormBackward", a) }

func (l *liar) LayerNormBackward(a kernels.LayerNormGrad) { l.tell("LayerNormBackward", a) }

func (l *liar) ReLUBackward(a kernels.ReLUGrad) { l.tell("ReLUBackward", a) }

func (l *liar) GELUBackward(a kernels.GELUGrad) { l.tell("GELUBackward", a) }

func (l *liar) SigmoidBackward(a kernels.SigmoidGrad) { l.tell("SigmoidBackward", a) }

func (l *liar) SoftmaxBackward(a kernels.SoftmaxGrad) { l.tell("SoftmaxBackward", a) }

func (l *liar) DropoutBackward(a kernels.DropoutGrad) { l.tell("DropoutBackward", a) }

func (l *liar) AttentionBackward(a kernels.AttentionGrad) { l.tell("AttentionBackward", a) }

func (l *liar) AddBackward(a kernels.AddGrad) { l.tell("AddBackward", a) }

func (l *liar) MulBackward(a kernels.MulGrad) { l.tell("MulBackward", a) }

func (l *liar) ScaleBackward(a kernels.ScaleGrad) { l.tell("ScaleBackward", a) }

func (l *liar) BiasBackward(a kernels.BiasGrad) { l.tell("BiasBackward", a) }

func (l *liar) ConcatBackward(a kernels.ConcatGrad) { l.tell("ConcatBackward", a) }

func (l *liar) SliceBackward(a kernels.SliceGrad) { l.tell("SliceBackward", a) }

func (l *liar) PadBackward(a kernels.PadGrad) { l.tell("PadBackward", a) }

func (l *liar) ResizeBackward(a kernels.ResizeGrad) { l.tell("ResizeBackward", a) }

func (l *liar) SumBackward(a kernels.SumGrad) { l.tell("SumBackward", a) }

func (l *liar) BCEBackward(a kernels.BCEGrad) { l.tell("BCEBackward", a) }

func (l *liar) BCELogitsBackward(a kernels.BCELogitsGrad) { l.tell("BCELogitsBackward", a) }

func (l *liar) MSEBackward(a kernels.MSEGrad) { l.tell("MSEBackward", a) }

func (l *liar) CrossEntropyBackward(a kernels.CrossEntropyGrad) { l.tell("CrossEntropyBackward", a) }
