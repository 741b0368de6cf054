package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkAnalyze is one JPEG of 1024×768 pixels over HTTP: scores only, and with all maps. It reports
// medians of the whole, of decoding, of scoring, and of what is left for HTTP and the queue.
func BenchmarkAnalyze(b *testing.B) {
	a := openApp(b, nil)
	body := waves(b, 1024, 768)
	for name, path := range map[string]string{"scores": "/v1/analyze?evidence=false",
		"maps": "/v1/analyze?maps=all"} {
		b.Run(name, func(b *testing.B) {
			var whole, decoding, scoring, rest []float64
			for b.Loop() {
				start := time.Now()
				res, err := http.Post(a.URL+path, "image/jpeg", bytes.NewReader(body))
				require.NoError(b, err)
				var got Analysis
				require.NoError(b, json.NewDecoder(res.Body).Decode(&got))
				res.Body.Close()
				require.Len(b, got.Detectors, 3)
				took := milliseconds(time.Since(start))
				whole, decoding = append(whole, took), append(decoding, got.Timings.Decode)
				scoring, rest = append(scoring, got.Timings.Score), append(rest,
					took-got.Timings.Decode-got.Timings.Score)
			}
			for unit, all := range map[string][]float64{"p50-ms": whole, "decode-ms": decoding, "score-ms": scoring,
				"rest-ms": rest} {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2], unit)
			}
		})
	}
}
