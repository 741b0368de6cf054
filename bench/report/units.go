package report

import (
	"fmt"
	"math"
)

// Seconds is a time with three digits: "1.23 ms".
func Seconds(s float64) string {
	for _, u := range []struct {
		name string
		of   float64
	}{{"s", 1}, {"ms", 1e-3}, {"µs", 1e-6}} {
		if s >= u.of {
			return digits(s/u.of) + " " + u.name
		}
	}
	return digits(s/1e-9) + " ns"
}

// Bytes is a size in binary units.
func Bytes(n int64) string {
	for _, u := range []struct {
		name string
		of   float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if float64(n) >= u.of {
			return digits(float64(n)/u.of) + " " + u.name
		}
	}
	return fmt.Sprintf("%d B", n)
}

// digits writes three significant ones.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	n := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	return fmt.Sprintf("%.*f", min(max(n, 0), 3), v)
}

func percent(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v < 0.0995:
		return fmt.Sprintf("%.1f %%", 100*v)
	}
	return fmt.Sprintf("%.0f %%", 100*v)
}
