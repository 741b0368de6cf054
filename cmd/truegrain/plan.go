package main

import (
	"fmt"
	"strings"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/train/data"
)

// plan is what a run comes to before anything is allocated for it.
type plan struct {
	model      models.Model // on paper
	size       int          // of the crops
	train, val *data.Set
	weights    weightsFile
}

// plan checks a run as a whole: the recipe, the model that it names, the loss and the groups that have to
// fit the model, the pictures and the initial weights.
func (l *learning) plan() (*plan, error) {
	r := l.recipe
	if err := r.Check(); err != nil {
		return nil, usageError{err}
	}
	m, err := models.New(kernels.NewPaper(), r.Model.Name, l.config(true))
	if err != nil {
		return nil, usageError{fmt.Errorf("recipe %s: %w", r.Name, err)}
	}
	p := &plan{model: m, size: m.InputSize()}
	if err := l.fits(p); err != nil {
		return nil, usageError{fmt.Errorf("recipe %s: %w", r.Name, err)}
	}
	if _, err := r.NewOptimizer(m.Params(), m.Stages(), headNames(m)); err != nil {
		return nil, usageError{err}
	}
	if p.train, p.val, err = l.sets(m.Kind()); err != nil {
		return nil, err
	}
	if !l.resume {
		p.weights, err = l.findWeights()
	}
	return p, err
}

// kindOf is the kind of an architecture by name.
func kindOf(arch string) models.Kind {
	m, err := models.New(kernels.NewPaper(), arch, models.Config{Empty: true})
	if err != nil {
		return models.Convolutional // it will be said by whoever builds it
	}
	return m.Kind()
}

// fits says whether loss and size are the model's.
func (l *learning) fits(p *plan) error {
	r, m := l.recipe, p.model
	pixels := strings.HasPrefix(r.Loss.Name, "pixel-")
	switch {
	case m.Kind() == models.Segmenter && r.Model.Classes != 1:
		return fmt.Errorf("model.classes is %d: %s learns the probability of a photograph "+
			"at every pixel and has one output", r.Model.Classes, m.Name())
	case pixels && m.Kind() != models.Segmenter:
		return fmt.Errorf("loss.name is %s: %s has no output for each pixel", r.Loss.Name, m.Name())
	case !pixels && r.Loss.Name != "auto" && m.Kind() == models.Segmenter:
		return fmt.Errorf("loss.name is %s: %s has an output for each pixel: want pixel-mse or pixel-bce",
			r.Loss.Name, m.Name())
	case r.Data.Layout == "masks" && m.Kind() != models.Segmenter:
		return fmt.Errorf("data.layout is masks: %s has no output for each pixel", m.Name())
	}
	return nil
}

// headNames are the parameters behind a model's trunk: the last layer of a classifier, all that a segmenter
// has beside its backbone.
func headNames(m models.Model) (names []string) {
	if h := m.Head(); h != nil {
		return []string{h.Weight.Name, h.Bias.Name}
	}
	params := m.Params()
	if m.Kind() == models.Transformer {
		return []string{params[len(params)-2].Name, params[len(params)-1].Name}
	}
	for _, p := range params {
		if !strings.HasPrefix(p.Name, "backbone.") {
			names = append(names, p.Name)
		}
	}
	return names
}
