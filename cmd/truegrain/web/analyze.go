package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/cmd/truegrain/web/evidence"
	"truegrain/models/detect"
)

// analyzeInput is a request with its picture, which is read while the limits are counted.
type analyzeInput struct {
	Models   []string `query:"models" maxItems:"16" doc:"Detectors to ask, by name; all if none is named"`
	Maps     []string `query:"maps" maxItems:"64" doc:"Maps to compute: 'all', or names such as cam,rollout"`
	Views    bool     `query:"views" doc:"Score cropped, resized and recompressed versions, too"`
	Evidence bool     `query:"evidence" default:"true" doc:"Read what the file says about itself"`

	request  *http.Request
	response http.ResponseWriter
}

// Resolve keeps the request, whose body the handler reads itself.
func (in *analyzeInput) Resolve(ctx huma.Context) []error {
	in.request, in.response = humago.Unwrap(ctx)
	return nil
}

func analyzeOperation() huma.Operation {
	op := operation("analyze", http.MethodPost, "/v1/analyze", "Score a picture", 408, 413, 415)
	op.Description = "The picture is the body itself, or the one file of a form. It is read in memory and " +
		"never stored; the result is kept for some minutes under a name that can't be guessed."
	return op
}

// analyzeBody describes the body. It joins the description after the operation was registered: huma would
// read a body that it knows of, and all of it at once.
func analyzeBody() *huma.RequestBody {
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	content := map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{Type: huma.TypeObject,
		Properties: map[string]*huma.Schema{"picture": binary}, Required: []string{"picture"}}}}
	for _, t := range bodyTypes {
		content[t] = &huma.MediaType{Schema: binary}
	}
	return &huma.RequestBody{Required: true, Content: content}
}

func (s *Server) analyze(ctx context.Context, in *analyzeInput) (*analysisOutput, error) {
	wanted, err := s.wanted(in)
	if err != nil {
		return nil, s.problem(err)
	}
	var out *Analysis
	err = s.uploads(in.response, in.request, 1, func(u upload) error {
		out, err = s.analyzed(ctx, in, u, wanted)
		return err
	})
	if err != nil {
		return nil, s.problem(err)
	}
	return &analysisOutput{out}, nil
}

// wanted is the numbers of the detectors that are asked; what is asked for must exist.
func (s *Server) wanted(in *analyzeInput) (out []int, err error) {
	var maps []string
	for i, d := range s.engine.Detectors {
		if len(in.Models) == 0 || slices.Contains(in.Models, d.Name) {
			out, maps = append(out, i), append(maps, detect.MapNames(d.Model)...)
		}
	}
	for _, m := range in.Models {
		if _, err := s.engine.Index(m); err != nil {
			return nil, &queryError{"models", err.Error()}
		}
	}
	for _, m := range in.Maps {
		if m != "all" && !slices.Contains(maps, m) {
			slices.Sort(maps)
			return nil, &queryError{"maps", fmt.Sprintf("these detectors have no map %q; there are all, %s",
				m, strings.Join(slices.Compact(maps), ", "))}
		}
	}
	return out, nil
}

// analyzed does all that was asked for one picture.
func (s *Server) analyzed(ctx context.Context, in *analyzeInput, u upload, wanted []int) (*Analysis, error) {
	r, err := s.scored(ctx, u, wanted, nil)
	if err != nil {
		return nil, err
	}
	a := s.describe(r)
	for _, i := range wanted {
		if len(in.Maps) == 0 {
			break
		}
		maps, err := s.engine.Maps(ctx, r, i)
		if err != nil {
			return nil, err
		}
		a.Maps = append(a.Maps, s.links(r, s.engine.Detectors[i].Name, maps, in.Maps)...)
	}
	if in.Views {
		held, err := s.engine.Holds(ctx, r)
		if err != nil {
			return nil, err
		}
		a.Versions = s.versions(held)
	}
	if in.Evidence {
		a.Evidence = evidence.Read(r.Data, r.Format)
	}
	return a, nil
}

// scored takes an upload in and scores it.
func (s *Server) scored(ctx context.Context, u upload, wanted []int, see func(*engine.Result, engine.Event)) (
	*engine.Result, error) {
	defer u.done()
	r, err := s.engine.Admit(u.name, u.data, u.took)
	if err != nil {
		return nil, err
	}
	var tell func(engine.Event)
	if see != nil {
		tell = func(ev engine.Event) { see(r, ev) }
	}
	return r, s.engine.Score(ctx, r, wanted, tell)
}
