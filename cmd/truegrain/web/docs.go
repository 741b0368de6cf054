package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docOperation is one operation of the API as the page of its documentation shows it.
type docOperation struct {
	*huma.Operation
	ID       string
	Bodies   []string
	Statuses []docStatus
}

type docStatus struct{ Code, Text string }

// docSchema is a schema as a list of fields.
type docSchema struct {
	Name   string
	Fields []docField
}

type docField struct{ Name, Type, Doc string }

// documented prepares the page from the same description that /openapi.json gives.
func (s *Server) documented(spec *huma.OpenAPI) {
	s.pages.docs = docPage{Title: spec.Info.Title, Description: spec.Info.Description}
	for _, path := range []string{"/v1/analyze", "/v1/results/{id}",
		"/v1/results/{id}/maps/{detector}/{file}", "/v1/models", "/v1/models/{name}/layers"} {
		item := spec.Paths[path]
		for _, op := range []*huma.Operation{item.Post, item.Get, item.Delete} {
			if op != nil {
				s.pages.docs.Operations = append(s.pages.docs.Operations, document(op))
			}
		}
	}
	for name, schema := range spec.Components.Schemas.Map() {
		s.pages.docs.Schemas = append(s.pages.docs.Schemas, fields(name, schema))
	}
	slices.SortFunc(s.pages.docs.Schemas, func(a, b docSchema) int { return strings.Compare(a.Name, b.Name) })
}

// docPage is the whole page.
type docPage struct {
	Title, Description string
	Operations         []docOperation
	Schemas            []docSchema
}

// document is one operation for the page.
func document(op *huma.Operation) docOperation {
	d := docOperation{Operation: op, ID: op.OperationID}
	if op.RequestBody != nil {
		for t := range op.RequestBody.Content {
			d.Bodies = append(d.Bodies, t)
		}
		slices.Sort(d.Bodies)
	}
	for code, r := range op.Responses {
		text := r.Description
		for t, m := range r.Content {
			text += " · " + t
			if m.Schema != nil && m.Schema.Ref != "" {
				text += " · " + m.Schema.Ref[strings.LastIndex(m.Schema.Ref, "/")+1:]
			}
		}
		d.Statuses = append(d.Statuses, docStatus{code, text})
	}
	slices.SortFunc(d.Statuses, func(a, b docStatus) int { return strings.Compare(a.Code, b.Code) })
	return d
}

func fields(name string, s *huma.Schema) docSchema {
	out := docSchema{Name: name}
	for f, p := range s.Properties {
		out.Fields = append(out.Fields, docField{f, typeOf(p), p.Description})
	}
	slices.SortFunc(out.Fields, func(a, b docField) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// typeOf is a schema in a word or two.
func typeOf(s *huma.Schema) string {
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case s.Type == huma.TypeArray && s.Items != nil:
		return "array of " + typeOf(s.Items)
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i], _ = v.(string)
		}
		return strings.Join(words, " | ")
	case s.Format != "" && s.Format != "double":
		return s.Type + ", " + s.Format
	}
	return s.Type
}

func (s *Server) docs(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, "docs.html", s.pages.docs)
}
