package main

import (
	"context"
	"fmt"

	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/train"
	"truegrain/train/folder"
)

// rates are how many updates, and between which rates, the search for one tries.
const (
	lowestRate, highestRate = 1e-7, 10
	triedRates              = 100
)

// findRate tries rates from low to high and suggests one. The run's folder is not touched.
func (l *learning) findRate(ctx context.Context, t *terminal) error {
	p, err := l.plan()
	if err != nil {
		return err
	}
	device, be, err := l.open()
	if err != nil {
		return err
	}
	defer device.Close()
	m, err := models.New(be, l.recipe.Model.Name, l.config(false))
	if err != nil {
		return err
	}
	if err := l.initial(t, m, p.weights); err != nil {
		return err
	}
	loop, err := l.loop(detect.New(be, m.Name(), m, l.card(p)), p, &folder.Run{Recipe: *l.recipe})
	if err != nil {
		return err
	}
	tried, err := train.FindRate(ctx, loop, lowestRate, highestRate, triedRates)
	if err != nil {
		return err
	}
	fmt.Fprintln(t.out, "lr,loss")
	for _, r := range tried {
		fmt.Fprintf(t.out, "%.3g,%.5f\n", r.LR, r.Loss)
	}
	t.say("the loss falls fastest at about %.2g: take that as the highest rate, or a third of it",
		train.Suggest(tried))
	return nil
}
