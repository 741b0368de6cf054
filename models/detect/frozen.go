package detect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/tensor"
)

// scorer is the frozen model of a detector, made when first needed. It serves many goroutines.
type scorer struct {
	mu     sync.Mutex
	how    kernels.Packing
	frozen *models.Frozen
}

// batchPixels is how many pixels go through a model at once: enough to fill every core, few enough for the
// cache. Every view is scored in a batch of one and the same size, whatever its company: another size may
// mean other algorithms, and other last bits.
const batchPixels = 24 * 64 * 64

// Exact makes the detector compute as its model does, without Winograd's convolutions. It must be called
// before the first score.
func (d *Detector) Exact() { d.scorer.how = kernels.Exact }

// Method says how scores are computed: "exact", or "fast" with the algorithms that round more than the
// model's own, "fast (Winograd 4x4)"; empty before the first score.
func (d *Detector) Method() string {
	d.scorer.mu.Lock()
	defer d.scorer.mu.Unlock()
	if d.scorer.frozen == nil {
		return ""
	}
	return methodOf(d.scorer.frozen)
}

func methodOf(f *models.Frozen) string {
	var special []string
	for _, l := range f.Layers() {
		if m := l.Method(); strings.Contains(m, "Winograd") && !slices.Contains(special, m) {
			special = append(special, m)
		}
	}
	if len(special) == 0 {
		return f.Packing().String()
	}
	return fmt.Sprintf("%s (%s)", f.Packing(), strings.Join(special, ", "))
}

// Close gives the frozen model back. Nothing may be scored meanwhile; the next score freezes anew.
func (d *Detector) Close() {
	d.scorer.mu.Lock()
	defer d.scorer.mu.Unlock()
	if d.scorer.frozen != nil {
		d.scorer.frozen.Close()
		d.scorer.frozen = nil
	}
}

// Trim gives back the memory that tapes, which explanations run on, keep for the next one; it says how many
// bytes.
func (d *Detector) Trim() int64 {
	held := d.pool.Held()
	d.pool.Trim()
	return held - d.pool.Held()
}

// Warm freezes the model and runs it once, so that the first picture does not wait for it.
func (d *Detector) Warm(ctx context.Context) error {
	f, err := d.frozen()
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	n, size := d.batch(), d.Card.Size
	_, err = f.Run(ctx, tensor.FromSlice(make([]float32, n*size*size*3), n, size, size, 3))
	return err
}

// batch is how many views are scored at once.
func (d *Detector) batch() int { return max(1, batchPixels/(d.Card.Size*d.Card.Size)) }

// frozen is the model for a batch of square views.
func (d *Detector) frozen() (*models.Frozen, error) {
	s := &d.scorer
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen != nil {
		return s.frozen, nil
	}
	var err error
	bad := tensor.Catch(func() {
		s.frozen, err = models.Freeze(d.Model, d.batch(), d.Card.Size, d.Card.Size, models.WithPacking(s.how))
	})
	return s.frozen, errors.Join(bad, err)
}

// Layers lists the steps of the frozen model, for inspection.
func (d *Detector) Layers() ([]models.Layer, error) {
	f, err := d.frozen()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	return f.Layers(), nil
}
