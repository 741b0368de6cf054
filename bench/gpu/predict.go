package gpu

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"truegrain/bench/report"
	"truegrain/kernels"
)

// What an H200 was measured to do at most, elsewhere and by others' kernels; the shares of it that ours are
// reckoned to reach; and what a launch of a graph costs on its own.
const (
	copyRate     = 4.3e12 // bytes a second
	productRate  = 790e12 // bfloat16
	scalarRate   = 60e12  // float32
	ofCopy       = 0.85
	ofProducts   = 0.75
	ofAttention  = 0.30 // two warpgroups that wait for their e^ (kernels/cuda/README.md)
	ofScalars    = 0.5
	launchedEach = 1.5e-6
)

// spent is what a kernel takes of a model's time.
type spent struct {
	kernel       string
	launches     int
	bytes, flops int64
	floor, time  float64 // seconds: at the rates, and at the shares of them
}

// cost is what one launch takes.
func cost(l kernels.Launch) (floor, time float64) {
	rate, share := scalarRate, ofScalars
	if l.Tensor {
		rate, share = productRate, ofProducts
		if strings.HasPrefix(l.Kernel, "attention") {
			share = ofAttention
		}
	}
	bytes, flops := float64(l.Bytes)/copyRate, float64(l.FLOPs)/rate
	return max(bytes, flops), max(bytes/ofCopy, flops/share) + launchedEach
}

// Predict writes what each model would take on an H200, kernel by kernel, from the launches that it makes on a
// device that counts them.
func Predict(be kernels.Backend, plan Plan, to io.Writer) error {
	counter, ok := be.(kernels.Counter)
	if !ok {
		return fmt.Errorf("%s runs what it is given: predictions are made with --device dry", be.Name())
	}
	b := &bench{be: counter, plan: plan}
	fmt.Fprintf(to, "# What an H200 would take: a prediction, not yet run on hardware\n\n"+
		"From the launches of one run: each operand's bytes once at %.1f TB/s, or products at %.0f TFLOP/s in\n"+
		"bfloat16, whichever is longer, is the least; the time reckons with %.0f %% of the bytes' rate, %.0f %% of\n"+
		"the products' (attention's %.0f %%), and %.1f µs a launch.\n", copyRate/1e12, productRate/1e12, 100*ofCopy, 100*ofProducts,
		100*ofAttention, 1e6*launchedEach)
	for _, m := range plan.Models {
		if err := b.predict(counter, m, to); err != nil {
			return fmt.Errorf("%s: %w", m.Name(), err)
		}
	}
	return nil
}

func (b *bench) predict(counter kernels.Counter, m Model, to io.Writer) error {
	counter.HighWater()
	w, err := b.openModel(m.Spec, m.Impls[0])
	if err != nil {
		return err
	}
	defer w.Close()
	for range 3 { // the first run loads kernels, the second records them
		counter.Launches()
		if err := w.Run(); err != nil {
			return err
		}
	}
	all := counter.Launches()
	if len(all) == 0 {
		return errors.New("it launches nothing")
	}
	writeSpent(to, m, sorted(all), counter.HighWater())
	return nil
}

// sorted adds up the launches of each kernel, the longest first.
func sorted(launches []kernels.Launch) (all []spent) {
	at := map[string]int{}
	for _, l := range launches {
		i, ok := at[l.Kernel]
		if !ok {
			i = len(all)
			at[l.Kernel], all = i, append(all, spent{kernel: l.Kernel})
		}
		floor, time := cost(l)
		s := &all[i]
		s.launches, s.bytes, s.flops = s.launches+1, s.bytes+l.Bytes, s.flops+l.FLOPs
		s.floor, s.time = s.floor+floor, s.time+time
	}
	slices.SortStableFunc(all, func(a, b spent) int {
		if a.time > b.time {
			return -1
		}
		return 1
	})
	return all
}

func writeSpent(to io.Writer, m Model, all []spent, memory int) {
	var sum spent
	for _, s := range all {
		sum.launches, sum.bytes, sum.flops = sum.launches+s.launches, sum.bytes+s.bytes, sum.flops+s.flops
		sum.floor, sum.time = sum.floor+s.floor, sum.time+s.time
	}
	fmt.Fprintf(to, "\n## %s, %s: %.0f img/s, at most %.0f\n%.1f GiB of memory at most.\n\n", m.Name(), m.Impls[0],
		float64(m.Batch)/sum.time, float64(m.Batch)/sum.floor, float64(memory)/(1<<30))
	var b strings.Builder
	row := func(s spent) []string {
		return []string{s.kernel, fmt.Sprint(s.launches), fmt.Sprintf("%.2f", float64(s.bytes)/1e9),
			fmt.Sprintf("%.0f", float64(s.flops)/1e9), report.Seconds(s.floor), report.Seconds(s.time),
			fmt.Sprintf("%.1f %%", 100*s.time/sum.time)}
	}
	var rows [][]string
	for _, s := range all {
		rows = append(rows, row(s))
	}
	sum.kernel = "all"
	tabulate(&b, "kernel|launches|GB|GFLOP|least|time|share", append(rows, row(sum)))
	io.WriteString(to, b.String()) //nolint:errcheck // a terminal
}
