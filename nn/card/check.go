package card

import (
	"encoding/hex"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of a card: more than any detector needs.
const (
	maxText   = 4096 // bytes of a text
	maxName   = 255  // bytes of a name
	maxList   = 1000 // bins, sets, thresholds, scales
	maxNumber = 1e6  // of a parameter
)

// check refuses what no detector of ours would say of itself.
func (c *Card) check() error {
	for _, f := range []func() error{c.checkInput, c.checkTexts, c.checkBins, c.checkThresholds, c.checkScales,
		c.checkTest, c.MapFrom.check, c.Calibration.check} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Card) checkInput() error {
	switch {
	case c.Arch == "":
		return fmt.Errorf("arch is missing")
	case c.Classes != 1 && c.Classes != 2:
		return fmt.Errorf("classes is %d, want 1 or 2", c.Classes)
	case c.Size < 8 || c.Size > 1024:
		return fmt.Errorf("size is %d, want 8 to 1024", c.Size)
	case c.View != "crop" && c.View != "resize" && c.View != "full":
		return fmt.Errorf("view is %q, want crop, resize or full", c.View)
	case !(0 <= c.Band[0] && c.Band[0] <= c.Band[1] && c.Band[1] <= 1):
		return fmt.Errorf("band is %v, want two probabilities in order", c.Band)
	case c.Epochs < 0:
		return fmt.Errorf("epochs is %d", c.Epochs)
	}
	for i, s := range c.Std {
		if !(s > 0 && s <= maxNumber) {
			return fmt.Errorf("std is %v, want positive numbers", c.Std)
		}
		if m := float64(c.Mean[i]); !number(m) {
			return fmt.Errorf("mean is %v", c.Mean)
		}
	}
	return nil
}

func (c *Card) checkTexts() error {
	if len(c.Generators) > maxList {
		return fmt.Errorf("%d generators, want %d at most", len(c.Generators), maxList)
	}
	for _, s := range append([]string{c.Arch}, c.Generators...) {
		if err := text(s, maxName); err != nil {
			return err
		}
	}
	for _, s := range []string{c.Data, c.Recipe, c.Decoder, c.Note} {
		if err := text(s, maxText); err != nil {
			return err
		}
	}
	return nil
}

// text refuses what is too long, is not UTF-8, or could steer a terminal.
func text(s string, most int) error {
	switch {
	case len(s) > most:
		return fmt.Errorf("a text of %d bytes, want %d at most: %.40q", len(s), most, s)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("control characters in %.40q", s)
	}
	return nil
}

func (c *Card) checkBins() error {
	if len(c.Reliability) > maxList {
		return fmt.Errorf("%d bins, want %d at most", len(c.Reliability), maxList)
	}
	end := 0.0
	for i, b := range c.Reliability {
		switch {
		case b.Lo != end || !(b.Hi > b.Lo):
			return fmt.Errorf("bin %d is from %v to %v, behind one that ends at %v", i, b.Lo, b.Hi, end)
		case b.AI < 0 || b.N < b.AI:
			return fmt.Errorf("bin %d counts %d AI of %d", i, b.AI, b.N)
		case !(b.Lo <= b.Mean && b.Mean <= b.Hi):
			return fmt.Errorf("bin %d from %v to %v has a mean of %v", i, b.Lo, b.Hi, b.Mean)
		}
		end = b.Hi
	}
	if len(c.Reliability) > 0 && end != 1 {
		return fmt.Errorf("the bins end at %v, want 1", end)
	}
	return nil
}

func (c *Card) checkThresholds() error {
	if len(c.Thresholds) > maxList {
		return fmt.Errorf("%d thresholds, want %d at most", len(c.Thresholds), maxList)
	}
	last := 0.0
	for _, t := range c.Thresholds {
		switch {
		case !(t.FPR > last && t.FPR < 1):
			return fmt.Errorf("a threshold for a false-positive rate of %v behind one for %v", t.FPR, last)
		case !share(t.P):
			return fmt.Errorf("the threshold for a false-positive rate of %v is %v", t.FPR, t.P)
		case t.FP < 0 || t.FP > t.Photographs || t.TP < 0 || t.TP > t.AI:
			return fmt.Errorf("the threshold %v calls %d of %d photographs and %d of %d AI pictures AI",
				t.P, t.FP, t.Photographs, t.TP, t.AI)
		}
		last = t.FPR
	}
	return nil
}

func (c *Card) checkScales() error {
	if len(c.Scales) > maxList {
		return fmt.Errorf("%d scales, want %d at most", len(c.Scales), maxList)
	}
	for name, v := range c.Scales {
		if err := text(name, maxName); err != nil {
			return err
		}
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("the scale of %s ends at %v", name, v)
		}
	}
	return nil
}

func (c *Card) checkTest() error {
	t := c.Test
	if t == nil {
		return nil
	}
	held := [2]float64{}
	if t.HeldOutInterval != nil {
		held = *t.HeldOutInterval
	}
	for _, v := range []float64{t.Accuracy, t.AUC, t.ECE, t.SizeFloor, t.HeldOut, t.IoU} {
		if !share(v) {
			return fmt.Errorf("a test result of %v, want 0 to 1", v)
		}
	}
	if t.N < 0 || !interval(t.Interval) || !interval(held) {
		return fmt.Errorf("the test of %d pictures has intervals %v and %v", t.N, t.Interval, held)
	}
	if len(t.Sets) > maxList {
		return fmt.Errorf("%d test sets, want %d at most", len(t.Sets), maxList)
	}
	for _, s := range t.Sets {
		if err := text(s.Name, maxName); err != nil {
			return err
		}
		if s.N < 0 || !share(s.Accuracy) || !interval(s.Interval) {
			return fmt.Errorf("test set %s: accuracy %v %v of %d pictures", s.Name, s.Accuracy,
				s.Interval, s.N)
		}
	}
	return nil
}

func (m *Companion) check() error {
	if m == nil {
		return nil
	}
	if err := text(m.File, maxName); err != nil {
		return err
	}
	if !filepath.IsLocal(m.File) || strings.ContainsAny(m.File, `/\:`) || m.File == "." {
		return fmt.Errorf("the checkpoint for the map is %q, want a file's name without a folder", m.File)
	}
	if sum, err := hex.DecodeString(m.SHA256); err != nil || len(sum) != 32 ||
		m.SHA256 != strings.ToLower(m.SHA256) {
		return fmt.Errorf("the checkpoint for the map has SHA-256 %.80q, want 64 digits", m.SHA256)
	}
	return nil
}

func (c *Calibration) check() error {
	if c == nil {
		return nil
	}
	for _, s := range []string{c.Data, c.Tested} {
		if err := text(s, maxText); err != nil {
			return err
		}
	}
	switch c.Method {
	case Platt, PlattMSE:
		if !number(c.A) || !number(c.B) || c.T != 0 {
			return fmt.Errorf("calibration %s has A %v, B %v, T %v", c.Method, c.A, c.B, c.T)
		}
	case Temperature:
		if !(c.T > 1/maxNumber && c.T < maxNumber) || c.A != 0 || c.B != 0 {
			return fmt.Errorf("calibration %s has T %v, A %v, B %v", c.Method, c.T, c.A, c.B)
		}
	default:
		return fmt.Errorf("calibration method %.40q, want %s, %s or %s", c.Method, Platt,
			PlattMSE, Temperature)
	}
	if c.N < 0 {
		return fmt.Errorf("calibration on %d pictures", c.N)
	}
	for _, q := range []*Quality{c.Before, c.After} {
		if q != nil && !(share(q.ECE) && share(q.Brier) && q.LogLoss >= 0 && number(q.LogLoss)) {
			return fmt.Errorf("calibration with ECE %v, Brier %v, log loss %v", q.ECE, q.Brier, q.LogLoss)
		}
	}
	return nil
}

func number(v float64) bool { return v >= -maxNumber && v <= maxNumber } // NaN is neither

func share(v float64) bool { return v >= 0 && v <= 1 }

func interval(v [2]float64) bool { return 0 <= v[0] && v[0] <= v[1] && v[1] <= 1 }
