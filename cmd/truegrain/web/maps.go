package web

import (
	"bytes"
	"context"
	"encoding/binary"
	"image/png"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/models/detect"
	"truegrain/tensor/picture"
)

// mapInput names a map of a result.
type mapInput struct {
	ID       string  `path:"id" maxLength:"64" doc:"The result's name"`
	Detector string  `path:"detector" maxLength:"300"`
	File     string  `path:"file" maxLength:"80" doc:"The map's name and .png or .f32"`
	Opacity  float64 `query:"opacity" minimum:"0" maximum:"1" default:"0.75" doc:"Of the PNG: at the strongest places"`
}

// mapOutput is a file.
type mapOutput struct {
	Type   string  `header:"Content-Type"`
	Width  int     `header:"X-Map-Width"`
	Height int     `header:"X-Map-Height"`
	Kind   string  `header:"X-Map-Kind"`
	Max    float64 `header:"X-Map-Max"`
	Body   []byte
}

// finite refuses what Go reads as a number and JSON can't say, which would make the answer about it fail.
func finite(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		v, err := strconv.ParseFloat(ctx.Query("opacity"), 64)
		if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			_ = huma.WriteErr(a, ctx, http.StatusUnprocessableEntity, "opacity: want a number from 0 to 1")
			return
		}
		next(ctx)
	}
}

func mapOperation(a huma.API) huma.Operation {
	op := operation("getMap", http.MethodGet, "/v1/results/{id}/maps/{detector}/{file}",
		"A map as a picture or as numbers", 404)
	op.Description = "The PNG shows the map over the picture with its legend. The numbers are height × " +
		"width little-endian float32; where the detector did not look they are NaN. The first request " +
		"computes the map."
	op.Middlewares = huma.Middlewares{finite(a)}
	bin := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	op.Responses = map[string]*huma.Response{"200": {Description: "The map",
		Content: map[string]*huma.MediaType{
			"image/png": {Schema: bin}, "application/octet-stream": {Schema: bin}}}}
	return op
}

func (s *Server) getMap(ctx context.Context, in *mapInput) (*mapOutput, error) {
	out, err := s.mapFile(ctx, in)
	if err != nil {
		return nil, s.problem(err)
	}
	return out, nil
}

func (s *Server) mapFile(ctx context.Context, in *mapInput) (*mapOutput, error) {
	r, err := s.engine.Store.Get(in.ID)
	if err != nil {
		return nil, err
	}
	i, err := s.engine.Index(unescaped(in.Detector))
	if err != nil {
		return nil, err
	}
	name, kind, _ := strings.Cut(in.File, ".")
	if kind != "png" && kind != "f32" {
		return nil, &engine.UnknownError{What: "such file: ask for .png or .f32"}
	}
	m, err := s.engine.Map(ctx, r, i, name)
	if err != nil {
		return nil, err
	}
	if kind == "f32" {
		return &mapOutput{"application/octet-stream", m.W, m.H, kindOf(m.Kind), m.Max, floats(m)}, nil
	}
	b, err := s.figure(ctx, r, m, in.Opacity)
	return &mapOutput{"image/png", m.W, m.H, kindOf(m.Kind), m.Max, b}, err
}

// floats is a map as numbers; NaN where the detector did not look.
func floats(m detect.Map) []byte {
	out := make([]byte, 0, 4*len(m.Values))
	for i, v := range m.Values {
		if m.Seen != nil && !m.Seen[i] {
			v = float32(math.NaN())
		}
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// figure is the map over the picture, with title and legend.
func (s *Server) figure(ctx context.Context, r *engine.Result, m detect.Map, opacity float64) (
	[]byte, error) {
	var buf bytes.Buffer
	err := s.engine.Draw(ctx, r, engine.LargeSide, func(p *picture.Picture) error {
		enc := png.Encoder{CompressionLevel: png.BestSpeed}
		return enc.Encode(&buf, m.Figure(p, opacity))
	})
	return buf.Bytes(), err
}
