package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// api registers the operations of the API and renders its description once.
func (s *Server) api() error {
	c := huma.DefaultConfig("truegrain", s.Version)
	c.Info.Description = "Tells photographs from AI-generated pictures. Three detectors answer, each with " +
		"a calibrated probability; there is no merged score."
	// served by us, without another host
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	if s.Token != "" {
		c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
			"token": {Type: "http", Scheme: "bearer"}}
		c.Security = []map[string][]string{{"token": {}}}
	}
	a := humago.New(s.mux, c)
	huma.Register(a, analyzeOperation(), s.analyze)
	a.OpenAPI().Paths["/v1/analyze"].Post.RequestBody = analyzeBody()
	const result = "/v1/results/{id}"
	huma.Register(a, operation("getResult", http.MethodGet, result, "A result again", 404), s.getResult)
	huma.Register(a, operation("deleteResult", http.MethodDelete, result, "Forget a result", 404),
		s.deleteResult)
	huma.Register(a, mapOperation(a), s.getMap)
	huma.Register(a, operation("listModels", http.MethodGet, "/v1/models", "The detectors and their cards"),
		s.listModels)
	huma.Register(a, operation("listLayers", http.MethodGet, "/v1/models/{name}/layers",
		"A detector layer by layer, as it serves", 404), s.listLayers)
	var err error
	if s.spec, err = a.OpenAPI().MarshalJSON(); err != nil {
		return fmt.Errorf("the API's description: %w", err)
	}
	s.documented(a.OpenAPI())
	return nil
}

// operation is one of the API. Every one may be refused for the token, or fail.
func operation(id, method, path, summary string, errors ...int) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary,
		Errors: append(errors, 401, 403, 405, 422, 429, 500, 503)}
}

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
	_, _ = w.Write(s.spec) // the client may have left
}

// idInput names a result.
type idInput struct {
	ID string `path:"id" maxLength:"64" doc:"The result's name"`
}

type analysisOutput struct{ Body *Analysis }

func (s *Server) getResult(_ context.Context, in *idInput) (*analysisOutput, error) {
	r, err := s.engine.Store.Get(in.ID)
	if err != nil {
		return nil, s.problem(err)
	}
	return &analysisOutput{s.describe(r)}, nil
}

func (s *Server) deleteResult(_ context.Context, in *idInput) (*struct{}, error) {
	if _, err := s.engine.Store.Get(in.ID); err != nil {
		return nil, s.problem(err)
	}
	s.engine.Store.Delete(in.ID)
	return nil, nil
}

// unescaped is a path parameter that may hold anything; the router has taken the escapes off once.
func unescaped(p string) string {
	if u, err := url.PathUnescape(p); err == nil {
		return u
	}
	return p
}
