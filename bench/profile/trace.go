package profile

import (
	"encoding/json"
	"io"
	"time"
)

// Track is one run in a trace, a line of its own.
type Track struct {
	Name   string
	Events []Event
}

// traceEvent is an event as chrome://tracing reads it (the Trace Event Format): "X" is one with a duration,
// "M" names a line. Times are in microseconds.
type traceEvent struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Phase    string         `json:"ph"`
	Start    float64        `json:"ts"`
	Took     float64        `json:"dur,omitempty"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	Args     map[string]any `json:"args,omitempty"`
}

// WriteTrace writes runs as a JSON file that chrome://tracing and Perfetto open: each op with its layer,
// shape, operations and bytes.
func WriteTrace(w io.Writer, tracks ...Track) error {
	micro := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	events := []traceEvent{{Name: "process_name", Phase: "M", Process: 1,
		Args: map[string]any{"name": "truegrain"}}}
	for i, t := range tracks {
		events = append(events, traceEvent{Name: "thread_name", Phase: "M", Process: 1, Thread: i + 1,
			Args: map[string]any{"name": t.Name}})
		for _, e := range t.Events {
			events = append(events, traceEvent{Name: e.Name(), Category: e.Op, Phase: "X",
				Start: micro(e.Start), Took: micro(e.Took), Process: 1, Thread: i + 1,
				Args: map[string]any{"layer": e.Layer, "shape": e.Shape, "method": e.Method,
					"FLOPs": e.Cost.FLOPs, "bytes": e.Cost.Bytes, "GFLOP/s": e.GFLOPs()}})
		}
	}
	return json.NewEncoder(w).Encode(map[string]any{"traceEvents": events, "displayTimeUnit": "ms"})
}
