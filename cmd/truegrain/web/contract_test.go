package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"truegrain/cmd/truegrain/web/engine"
)

// spec is the API's own description, as it is served.
type spec struct{ doc map[string]any }

// at follows names through maps.
func at(v any, names ...string) any {
	for _, n := range names {
		m, _ := v.(map[string]any)
		v = m[n]
	}
	return v
}

// deref follows a schema's reference.
func (s spec) deref(schema any) map[string]any {
	m, _ := schema.(map[string]any)
	if ref, ok := m["$ref"].(string); ok {
		return s.deref(at(s.doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...))
	}
	return m
}

// check says where a value breaks its schema; "" if nowhere.
func (s spec) check(schema any, v any, where string) string {
	m := s.deref(schema)
	if kinds := kindsOf(m["type"]); len(kinds) > 0 && !slices.ContainsFunc(kinds,
		func(k string) bool { return isKind(k, v) }) {
		return fmt.Sprintf("%s is %v, want %v", where, v, kinds)
	}
	if enum, ok := m["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Sprintf("%s is %v, want one of %v", where, v, enum)
	}
	if n, ok := v.(float64); ok {
		if lo, ok := m["minimum"].(float64); ok && n < lo {
			return fmt.Sprintf("%s is %v, below %v", where, n, lo)
		}
		if hi, ok := m["maximum"].(float64); ok && n > hi {
			return fmt.Sprintf("%s is %v, above %v", where, n, hi)
		}
	}
	if list, ok := v.([]any); ok {
		for i, x := range list {
			if bad := s.check(m["items"], x, fmt.Sprintf("%s[%d]", where, i)); bad != "" {
				return bad
			}
		}
	}
	if obj, ok := v.(map[string]any); ok {
		return s.checkObject(m, obj, where)
	}
	return ""
}

func (s spec) checkObject(m, obj map[string]any, where string) string {
	required, _ := m["required"].([]any)
	for _, r := range required {
		if _, ok := obj[r.(string)]; !ok {
			return where + " lacks " + r.(string)
		}
	}
	properties, _ := m["properties"].(map[string]any)
	for name, x := range obj {
		p, ok := properties[name]
		if !ok && m["additionalProperties"] == false {
			return where + " has " + name + ", which is not described"
		}
		if !ok {
			p = m["additionalProperties"]
		}
		if bad := s.check(p, x, where+"."+name); bad != "" {
			return bad
		}
	}
	return ""
}

func kindsOf(t any) (out []string) {
	switch x := t.(type) {
	case string:
		return []string{x}
	case []any:
		for _, k := range x {
			out = append(out, k.(string))
		}
	}
	return out
}

func isKind(kind string, v any) bool {
	switch x := v.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case float64:
		return kind == "number" || kind == "integer" && x == float64(int64(x))
	case []any:
		return kind == "array"
	}
	return kind == "object"
}

// operation is one that the description has.
type described struct {
	method, path string
	op           map[string]any
}

func (s spec) operations() (out []described) {
	for path, item := range s.doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			out = append(out, described{strings.ToUpper(method), path, op.(map[string]any)})
		}
	}
	slices.SortFunc(out, func(a, b described) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return out
}

// A client that knows nothing but the description sends what the description allows, and what it does not,
// and gets no answer that the description does not have.
func TestContract(t *testing.T) {
	a := openApp(t, func(_ *Config, l *engine.Limits) { l.Picture.FileBytes = 50_000 })
	s := spec{decode[map[string]any](t, a.do(t, "GET", "/openapi.json", nil))}
	known := decode[Analysis](t, a.post(t, "/v1/analyze?maps=all", waves(t, 70, 66))).ID
	bodies := [][]byte{waves(t, 66, 66), []byte("<html>"), nil, make([]byte, 60_000), waves(t, 40, 40)[:300]}
	seen := map[string]bool{}
	rapid.Check(t, func(r *rapid.T) {
		op := rapid.SampledFrom(s.operations()).Draw(r, "operation")
		target, kind, body := op.path, "", []byte(nil)
		query := url.Values{}
		params, _ := op.op["parameters"].([]any)
		for _, p := range params {
			name, schema := at(p, "name").(string), s.deref(at(p, "schema"))
			switch at(p, "in") {
			case "path":
				v := rapid.OneOf(rapid.SampledFrom([]string{known, "resnet_mini", "vit_mini_8", "cam.png",
					"rollout.f32", "x y"}),
					rapid.StringN(1, 20, 60)).Draw(r, name)
				target = strings.ReplaceAll(target, "{"+name+"}", url.PathEscape(v))
			case "query":
				for _, v := range s.draw(r, name, schema) {
					query.Add(name, v)
				}
			}
		}
		if content, ok := at(op.op, "requestBody", "content").(map[string]any); ok {
			kind = rapid.SampledFrom(append(sortedNames(content), "text/plain", "")).Draw(r, "kind")
			body = rapid.SampledFrom(bodies).Draw(r, "body")
		}
		got := a.do(t, op.method, target+"?"+query.Encode(), bytes.NewReader(body), "Content-Type", kind)
		s.answer(r, op, got)
		seen[op.method+op.path+strconv.Itoa(got.StatusCode)] = true
	})
	require.Greater(t, len(seen), 5, "%v", seen)
}

// draw makes values of a query parameter, most of them as described.
func (s spec) draw(r *rapid.T, name string, schema map[string]any) []string {
	if !rapid.Bool().Draw(r, name+" given") {
		return nil
	}
	switch kindsOf(schema["type"])[0] {
	case "boolean":
		return []string{rapid.SampledFrom([]string{"true", "false", "perhaps"}).Draw(r, name)}
	case "number":
		return []string{strconv.FormatFloat(rapid.Float64Range(-0.5, 1.5).Draw(r, name), 'f', 3, 64)}
	}
	return []string{rapid.OneOf(rapid.SampledFrom([]string{"all", "resnet_mini", "cam,rollout"}),
		rapid.StringN(0, 9, 30)).Draw(r, name)}
}

// answer holds an answer to the description.
func (s spec) answer(r *rapid.T, op described, got reply) {
	where := fmt.Sprintf("%s %s: %d", op.method, op.path, got.StatusCode)
	if got.StatusCode == 301 || got.StatusCode == 307 {
		return // a path that is written another way
	}
	if id := at(op.op, "operationId"); got.StatusCode == 404 && got.Request.URL.Path == "" {
		r.Fatalf("%v: no path", id)
	}
	described, ok := at(op.op, "responses", strconv.Itoa(got.StatusCode)).(map[string]any)
	if !ok {
		r.Fatalf("%s is not described: %s", where, got.body)
	}
	kind, _, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if got.StatusCode == 204 {
		return
	}
	media, ok := at(described, "content", kind).(map[string]any)
	if err != nil || !ok {
		r.Fatalf("%s: %q is not described", where, kind)
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	var v any
	if err := json.Unmarshal(got.body, &v); err != nil {
		r.Fatalf("%s: %v", where, err)
	}
	if bad := s.check(media["schema"], v, "answer"); bad != "" {
		r.Fatalf("%s: %s\n%s", where, bad, got.body)
	}
}
