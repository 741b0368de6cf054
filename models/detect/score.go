package detect

import (
	"context"
	"errors"
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// Ask is one of several pictures that are scored together. Its views stop being looked at when Context is
// done.
type Ask struct {
	Context context.Context
	Picture *picture.Picture
	View    View // zero: the card's
}

// Answer is what came of an Ask: a raw score, the mean p(photograph) of the views, or an error.
type Answer struct {
	View  View
	Views int
	Raw   float64
	Err   error
}

// Score is the raw score of a picture, the mean p(photograph) of its views, without verdict or maps.
func (d *Detector) Score(ctx context.Context, p *picture.Picture, v View) (float64, error) {
	a := d.ScoreAll(ctx, []Ask{{ctx, p, v}})[0]
	return a.Raw, a.Err
}

// ScoreAll scores pictures together: their views share the batches of a frozen model, and a picture's score
// does not depend on its company. A full view, whose size is the picture's own, goes through the model alone.
// Several goroutines may call it. Errors name the detector.
func (d *Detector) ScoreAll(ctx context.Context, asks []Ask) []Answer {
	out := make([]Answer, len(asks))
	var queue []asked
	for i, a := range asks {
		out[i].View = d.view(a.View)
		views, err := d.patches(a.Picture, out[i].View)
		if err == nil && out[i].View == Full {
			out[i].Raw, err = d.scoreFull(a.Context, views)
		} else if err == nil {
			for _, v := range views {
				queue = append(queue, asked{i, v})
			}
		}
		out[i].Views, out[i].Err = len(views), err
	}
	d.run(ctx, asks, queue, out)
	for i := range out {
		a := &out[i]
		if a.Err == nil {
			a.Err = context.Cause(asks[i].Context)
		}
		if a.Err != nil {
			a.Err = fmt.Errorf("%s: %w", d.Name, a.Err)
		} else if a.View != Full {
			a.Raw /= float64(a.Views)
		}
	}
	return out
}

// asked is a view and the number of the Ask that it belongs to.
type asked struct {
	ask  int
	view patch
}

// run scores views a batch at a time and adds them up in their order. Those that nobody waits for any more
// are passed over.
func (d *Detector) run(ctx context.Context, asks []Ask, queue []asked, out []Answer) {
	most := d.batch()
	for len(queue) > 0 {
		batch := make([]asked, 0, most)
		for len(queue) > 0 && len(batch) < most {
			if i := queue[0].ask; asks[i].Context.Err() == nil && out[i].Err == nil {
				batch = append(batch, queue[0])
			}
			queue = queue[1:]
		}
		if len(batch) == 0 {
			return
		}
		own := ctx
		if batch[0].ask == batch[len(batch)-1].ask {
			own = asks[batch[0].ask].Context // a batch of one picture stops with it
		}
		scores, err := d.scoreBatch(own, batch)
		for k, b := range batch {
			if err != nil {
				out[b.ask].Err = err
			} else {
				out[b.ask].Raw += float64(scores[k])
			}
		}
	}
}

// scoreBatch is p(photograph) of some views; places of the batch that are left over stay black.
func (d *Detector) scoreBatch(ctx context.Context, batch []asked) ([]float32, error) {
	f, err := d.frozen()
	if err != nil {
		return nil, err
	}
	n := d.batch()
	pics := make([]*picture.Picture, 0, n)
	for _, b := range batch {
		pics = append(pics, b.view.view)
	}
	if len(pics) < n {
		black := &picture.Picture{W: d.Card.Size, H: d.Card.Size,
			Pix: make([]uint8, 3*d.Card.Size*d.Card.Size)}
		for len(pics) < n {
			pics = append(pics, black)
		}
	}
	var logits tensor.Tensor
	if _, ok := d.be.(kernels.Accelerator); ok {
		logits, err = f.RunBytes(ctx, picture.Stack(pics), d.Card.Mean, d.Card.Std)
	} else {
		logits, err = f.Run(ctx, picture.Batch(pics, d.Card.Mean, d.Card.Std))
	}
	if err != nil {
		return nil, err
	}
	t := autograd.NewTape(d.be, autograd.WithContext(ctx), autograd.WithPool(d.pool))
	defer t.Reset()
	return values(func() *autograd.Var { return d.Model.Probability(t, t.Upload(logits)) })
}

// scoreFull is the score of one view of any size, on a tape.
func (d *Detector) scoreFull(ctx context.Context, views []patch) (float64, error) {
	var sum float64
	err := d.batches(views, func(_ []patch, x tensor.Tensor) error {
		t := autograd.NewTape(d.be, autograd.WithContext(ctx), autograd.WithPool(d.pool))
		defer t.Reset()
		p, err := values(func() *autograd.Var { return d.Model.Probability(t, d.Model.Forward(t, t.Const(x))) })
		for _, v := range p {
			sum += float64(v)
		}
		return err
	})
	return sum, err
}

// values reads what f computes; our own panics become errors.
func values(f func() *autograd.Var) (out []float32, err error) {
	bad := tensor.Catch(func() { out, err = f().Values() })
	return out, errors.Join(bad, err)
}

// batches hands the views to f on the backend, some at a time.
func (d *Detector) batches(views []patch, f func([]patch, tensor.Tensor) error) error {
	each := max(1, batchPixels/max(1, views[0].view.W*views[0].view.H))
	for len(views) > 0 {
		batch := views[:min(each, len(views))]
		views = views[len(batch):]
		pics := make([]*picture.Picture, len(batch))
		for i, p := range batch {
			pics[i] = p.view
		}
		host := picture.Batch(pics, d.Card.Mean, d.Card.Std)
		buf, err := d.be.Alloc(kernels.F32, host.Len())
		if err != nil {
			return err
		}
		if err = tensor.Catch(func() { d.be.Upload(buf, host.Buf) }); err == nil {
			err = f(batch, tensor.New(buf, host.Shape()...))
		}
		d.be.Free(buf)
		if err != nil {
			return err
		}
	}
	return nil
}
