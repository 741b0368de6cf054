package folder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"

	"truegrain/nn/state"
	"truegrain/train/yamlfile"
)

// Resources is what a run took, as in the thesis' table 4.27. Energy stands with the method that it was found
// by.
type Resources struct {
	WeightsBytes    int64   `yaml:"weights_bytes"` // of the detector's file
	TrainingHours   float64 `yaml:"training_hours"`
	KWh             float64 `yaml:"kwh"`
	KWhPerEpoch     float64 `yaml:"kwh_per_epoch"`
	EnergyMethod    string  `yaml:"energy_method"`
	Rate            float64 `yaml:"pictures_per_second"` // in training, over the whole run
	PeakMemoryBytes int64   `yaml:"peak_memory_bytes"`   // of the process that finished the run
	Inference       struct {
		Rate             float64 `yaml:"pictures_per_second"` // with all their views, decoding included
		JoulesPerPicture float64 `yaml:"joules_per_picture"`
	} `yaml:"inference"`
}

const joulesPerKWh = 3.6e6

// NewResources is what the training took: seconds and joules over so many epochs and pictures.
func NewResources(seconds, joules, epochs, pictures float64) *Resources {
	r := &Resources{TrainingHours: seconds / 3600, KWh: joules / joulesPerKWh,
		Rate: pictures / max(seconds, 1e-9)}
	if epochs > 0 {
		r.KWhPerEpoch = r.KWh / epochs
	}
	return r
}

func (r *Resources) String() string {
	took := time.Duration(r.TrainingHours * float64(time.Hour))
	for _, unit := range []time.Duration{time.Second, 100 * time.Millisecond, time.Millisecond} {
		if took >= 100*unit {
			took = took.Round(unit)
			break
		}
	}
	return fmt.Sprintf("%.1f MB of weights; trained %s at %.3g pictures/s with %s (%s an epoch) "+
		"and at most %.0f MB of "+
		"memory; in use %.3g pictures/s, %.3g J each; energy is %s", float64(r.WeightsBytes)/1e6,
		took, r.Rate, energyText(r.KWh), energyText(r.KWhPerEpoch), float64(r.PeakMemoryBytes)/1e6,
		r.Inference.Rate, r.Inference.JoulesPerPicture, r.EnergyMethod)
}

// energyText is an energy in a unit that suits it.
func energyText(kWh float64) string {
	switch {
	case kWh >= 0.1:
		return fmt.Sprintf("%.3g kWh", kWh)
	case kWh >= 1e-4:
		return fmt.Sprintf("%.3g Wh", kWh*1000)
	}
	return fmt.Sprintf("%.3g J", kWh*joulesPerKWh)
}

// ReadResources reads the resources.yaml of a finished run.
func ReadResources(dir string) (*Resources, error) {
	path := filepath.Join(dir, "resources.yaml")
	src, err := yamlfile.Read(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf(
			"%s: no finished run is here (resources.yaml); 'truegrain train --resume %s' finishes it",
			dir, dir)
	}
	if err != nil {
		return nil, err
	}
	var r Resources
	if err := yaml.UnmarshalWithOptions(src, &r, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}

// WriteResources writes resources.yaml.
func (f *Folder) WriteResources(r *Resources) error {
	src, err := yaml.Marshal(r)
	if err != nil {
		return err
	}
	return state.Atomic(f.Path("resources.yaml"), func(w io.Writer) error {
		_, err := w.Write(src)
		return err
	})
}
