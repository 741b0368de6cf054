package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/cmd/truegrain/web/engine"
)

func TestAnalyze(t *testing.T) {
	a := openApp(t, nil)
	got := a.post(t, "/v1/analyze?maps=all&views=true", waves(t, 200, 140))
	require.Equal(t, 200, got.StatusCode, "%s", got.body)
	r := decode[Analysis](t, got)
	require.Equal(t, PictureFacts{"jpeg", 200, 140, len(waves(t, 200, 140))}, r.Picture)
	require.Len(t, r.Detectors, 3)
	for _, d := range r.Detectors {
		require.NotNil(t, d.AI, d.Error)
		require.NotEmpty(t, d.Lean)
		require.Len(t, d.Band, 2)
		require.NotEmpty(t, d.Method)
	}
	require.Len(t, r.Versions, 7)
	require.NotNil(t, r.Evidence)
	require.Greater(t, r.Timings.Decode, 0.0)
	require.Len(t, r.Maps, 21, "every map of the three")
	for _, m := range r.Maps {
		raw := a.do(t, "GET", m.Float32, nil)
		require.Equal(t, 200, raw.StatusCode)
		require.Len(t, raw.body, 4*m.Width*m.Height)
		require.Equal(t, m.Kind, raw.Header.Get("X-Map-Kind"))
	}
	img, err := png.Decode(bytes.NewReader(a.do(t, "GET", r.Maps[0].PNG, nil).body))
	require.NoError(t, err)
	require.Greater(t, img.Bounds().Dy(), 140, "the picture and its legend")

	again := decode[Analysis](t, a.do(t, "GET", "/v1/results/"+r.ID, nil))
	require.Equal(t, r.Detectors, again.Detectors)
	require.Equal(t, 204, a.do(t, "DELETE", "/v1/results/"+r.ID, nil).StatusCode)
	require.Equal(t, 404, a.do(t, "GET", "/v1/results/"+r.ID, nil).StatusCode)
}

func TestFormsAndChoices(t *testing.T) {
	a := openApp(t, nil)
	kind, body := form(t, map[string][]byte{`C:\holiday\wa<b>ves.jpg`: waves(t, 90, 70)})
	got := a.do(t, "POST", "/v1/analyze?models=vit_mini_8&evidence=false", body, "Content-Type", kind)
	require.Equal(t, 200, got.StatusCode, "%s", got.body)
	r := decode[Analysis](t, got)
	require.Equal(t, "wa<b>ves.jpg", r.File)
	require.Len(t, r.Detectors, 1)
	require.Nil(t, r.Evidence)
	page := a.do(t, "GET", r.Page, nil, "Accept", "text/html")
	require.Contains(t, string(page.body), "wa&lt;b&gt;ves.jpg")
	require.NotContains(t, string(page.body), "wa<b>ves")
	require.Contains(t, string(page.body), "Run the CNN again")
	require.Equal(t, 303, a.do(t, "POST", r.Page+"/score/resnet_mini", nil).StatusCode)
	require.Len(t, decode[Analysis](t, a.do(t, "GET", "/v1/results/"+r.ID, nil)).Detectors, 2)
}

// Every kind of bad input has its status, says why, and gives nothing of this machine away.
func TestBadInput(t *testing.T) {
	a := openApp(t, func(c *Config, l *engine.Limits) {
		l.Picture.FileBytes, l.Picture.Pixels, l.Picture.Side = 20_000, 100_000, 1000
	})
	kind, two := form(t, map[string][]byte{"a.jpg": waves(t, 20, 20), "b.jpg": waves(t, 20, 20)})
	_, none := form(t, nil)
	broken := waves(t, 64, 64)
	for name, c := range map[string]struct {
		got    reply
		status int
		say    string
	}{
		"body":   {a.post(t, "/v1/analyze", make([]byte, 20_001)), 413, "larger than this server takes"},
		"pixels": {a.post(t, "/v1/analyze", blank(t, 400, 300)), 413, "too large"},
		"side":   {a.post(t, "/v1/analyze", blank(t, 1001, 2)), 413, "too large"},
		"html":   {a.post(t, "/v1/analyze", []byte("<html><body>hello")), 422, "an HTML page"},
		"svg":    {a.post(t, "/v1/analyze", []byte("<svg xmlns='x'/>")), 422, "an SVG drawing"},
		"zip": {a.post(t, "/v1/analyze", []byte("PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")), 422,
			"a ZIP archive"},
		"empty":   {a.post(t, "/v1/analyze", nil), 422, "empty"},
		"cut":     {a.post(t, "/v1/analyze", broken[:len(broken)/2]), 422, ""},
		"two":     {a.do(t, "POST", "/v1/analyze", two, "Content-Type", kind), 422, "several"},
		"no file": {a.do(t, "POST", "/v1/analyze", none, "Content-Type", kind), 422, ""},
		"no boundary": {a.do(t, "POST", "/v1/analyze", strings.NewReader("x"), "Content-Type",
			"multipart/form-data"), 422, ""},
		"type": {a.do(t, "POST", "/v1/analyze", strings.NewReader("{}"), "Content-Type",
			"application/json"), 415, "application/json"},
		"svg type": {a.do(t, "POST", "/v1/analyze", strings.NewReader("<svg/>"), "Content-Type",
			"image/svg+xml"), 415, ""},
		"no type": {a.do(t, "POST", "/v1/analyze", strings.NewReader("x")), 415, ""},
		"method":  {a.do(t, "GET", "/v1/analyze", nil), 405, "POST"},
		"path":    {a.do(t, "GET", "/v1/nothing", nil), 404, ""},
		"result":  {a.do(t, "GET", "/v1/results/nobody", nil), 404, "gone"},
		"model": {a.do(t, "POST", "/v1/analyze?models=no", bytes.NewReader(broken), "Content-Type",
			"image/jpeg"), 422, "resnet_mini"},
		"map": {a.do(t, "POST", "/v1/analyze?maps=no", bytes.NewReader(broken), "Content-Type",
			"image/jpeg"), 422, "there are all, "},
		"parameter": {a.do(t, "POST", "/v1/analyze?views=perhaps", bytes.NewReader(broken), "Content-Type",
			"image/jpeg"), 422, ""},
		"layers": {a.do(t, "GET", "/v1/models/no/layers", nil), 404, ""},
		"page": {a.do(t, "POST", "/analyze", strings.NewReader("x"), "Content-Type", "text/plain"),
			415, ""},
		"name": {a.do(t, "GET", "/livez", nil, "Host", "evil.example"), 200, ""},
	} {
		require.Equal(t, c.status, c.got.StatusCode, "%s: %s", name, c.got.body)
		require.Contains(t, string(c.got.body), c.say, name)
		for _, secret := range []string{"/work", "/root", "/tmp", "goroutine", strings.TrimPrefix(a.URL,
			"http://"), ".go:"} {
			require.NotContains(t, string(c.got.body), secret, name)
		}
		if c.status >= 400 {
			require.Equal(t, "application/problem+json", c.got.Header.Get("Content-Type"), name)
			require.Equal(t, float64(c.status), decode[map[string]any](t, c.got)["status"], name)
		}
		require.Equal(t, policy, c.got.Header.Get("Content-Security-Policy"), name)
		require.Equal(t, "nosniff", c.got.Header.Get("X-Content-Type-Options"), name)
	}
	_, kept := a.engine.Store.Size()
	require.Zero(t, kept, "nothing of it was kept")
}

// blank is a JPEG of one colour: small however large it is.
func blank(t testing.TB, w, h int) []byte {
	t.Helper()
	data := waves(t, 16, 16)
	at := bytes.Index(data, []byte{0xFF, 0xC0})
	data[at+5], data[at+6], data[at+7], data[at+8] = byte(h>>8), byte(h), byte(w>>8), byte(w)
	return data
}

func TestBusy(t *testing.T) {
	a := openApp(t, func(c *Config, _ *engine.Limits) { c.Rate, c.Burst = 0.001, 2 })
	small := waves(t, 20, 20)
	for range 2 {
		require.Equal(t, 200, a.post(t, "/v1/analyze", small).StatusCode)
	}
	got := a.post(t, "/v1/analyze", small)
	require.Equal(t, 429, got.StatusCode)
	wait, err := strconv.Atoi(got.Header.Get("Retry-After"))
	require.NoError(t, err)
	require.InDelta(t, 900, wait, 100, "a thousand seconds since the second upload")
	require.Equal(t, 200, a.do(t, "GET", "/v1/models", nil).StatusCode, "only uploads are counted")
}

func TestGuards(t *testing.T) {
	a := openApp(t, func(c *Config, _ *engine.Limits) { c.Token, c.Hosts = "secret", []string{"127.0.0.1"} })
	require.Equal(t, 403, a.do(t, "GET", "/v1/models", nil, "Host", "evil.example", "Authorization",
		"Bearer secret").StatusCode)
	require.Equal(t, 401, a.do(t, "GET", "/v1/models", nil).StatusCode)
	require.Equal(t, 401, a.do(t, "GET", "/v1/models", nil, "Authorization", "Bearer wrong").StatusCode)
	require.Equal(t, 200, a.do(t, "GET", "/v1/models", nil, "Authorization", "Bearer secret").StatusCode)
	require.Equal(t, 200, a.do(t, "GET", "/livez", nil).StatusCode)
	require.Equal(t, 401, a.do(t, "GET", "/metrics", nil).StatusCode)
	to := a.do(t, "GET", "/", nil, "Accept", "text/html")
	require.Equal(t, "/login", to.Header.Get("Location"))
	form := func(token string) reply {
		return a.do(t, "POST", "/login", strings.NewReader(url.Values{"token": {token}}.Encode()),
			"Content-Type", "application/x-www-form-urlencoded")
	}
	require.Contains(t, string(form("wrong").body), "not the token")
	cookie := form("secret").Header.Get("Set-Cookie")
	require.Contains(t, cookie, "HttpOnly")
	require.Contains(t, cookie, "SameSite=Strict")
	require.Equal(t, 200, a.do(t, "GET", "/", nil, "Accept", "text/html", "Cookie",
		"truegrain-token=secret").StatusCode)
	require.Equal(t, 403, a.do(t, "POST", "/analyze", nil, "Sec-Fetch-Site", "cross-site", "Authorization",
		"Bearer secret").StatusCode)
}

func TestSlowUploadsEnd(t *testing.T) {
	a := openApp(t, func(c *Config, _ *engine.Limits) { c.UploadTime = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn,
		"POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 100\r\n\r\nx")
	require.NoError(t, err)
	got, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer got.Body.Close()
	require.Equal(t, 408, got.StatusCode)
	require.Zero(t, a.engine.Uploads.Used())
}

func TestOperators(t *testing.T) {
	a := openApp(t, nil)
	require.Equal(t, 200, a.post(t, "/v1/analyze", waves(t, 70, 70)).StatusCode)
	require.Equal(t, 422, a.post(t, "/v1/analyze", []byte("no")).StatusCode)
	require.Equal(t, "ok\n", string(a.do(t, "GET", "/readyz", nil).body))
	metrics := string(a.do(t, "GET", "/metrics", nil).body)
	for _, want := range []string{`truegrain_requests_total{code="200",route="POST /v1/analyze"} 1`,
		`truegrain_rejected_total{reason="kind"} 1`, "truegrain_batch_pictures_count 1",
		`truegrain_stage_seconds_count{stage="decode"} 1`,
		`stage="score"`, `stage="queue"`, "truegrain_queue_pictures 0", "truegrain_results 1"} {
		require.Contains(t, metrics, want)
	}
	spec := decode[map[string]any](t, a.do(t, "GET", "/openapi.json", nil))
	require.Equal(t, "3.1.0", spec["openapi"])
	layers := decode[struct{ Layers []Layer }](t, a.do(t, "GET", "/v1/models/resnet_mini/layers", nil))
	require.NotEmpty(t, layers.Layers)
	a.s.leaving.Store(true)
	require.Equal(t, 503, a.do(t, "GET", "/readyz", nil).StatusCode)
}

// No page asks for anything of another host, in words that a browser would load.
func TestPagesStandAlone(t *testing.T) {
	a := openApp(t, nil)
	id := decode[Analysis](t, a.post(t, "/v1/analyze", waves(t, 200, 140))).ID
	for _, path := range []string{"/", "/many?r=" + id + "&r=gone&f=x.txt:+not", "/detectors", "/docs",
		"/r/" + id + "?versions",
		"/r/gone", "/nothing"} {
		got := a.do(t, "GET", path, nil, "Accept", "text/html")
		page := string(got.body)
		require.Contains(t, page, "</html>", path)
		for _, bad := range []string{"src=\"http", "href=\"http", "<style", "style=\"",
			"onclick", "javascript:", "<script>"} {
			require.NotContains(t, page, bad, path)
		}
		require.Less(t, len(page), 120_000, path)
	}
	csvFile := a.do(t, "GET", "/many.csv?r="+id+"&f=%3Dcmd:+no", nil)
	rows, err := csv.NewReader(bytes.NewReader(csvFile.body)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "picture", rows[1][0])
	require.Equal(t, "'=cmd", rows[2][0], "no formula")
	require.Len(t, decode[[]Analysis](t, a.do(t, "GET", "/many.json?r="+id, nil)), 1)
}

func TestFormWithoutScript(t *testing.T) {
	a := openApp(t, nil)
	kind, body := form(t, map[string][]byte{"a.jpg": waves(t, 80, 60)})
	one := a.do(t, "POST", "/analyze", body, "Content-Type", kind, "Accept", "text/html")
	require.Equal(t, http.StatusSeeOther, one.StatusCode)
	require.True(t, strings.HasPrefix(one.Header.Get("Location"), "/r/"))
	kind, body = form(t, map[string][]byte{"a.jpg": waves(t, 80, 60), "b.jpg": waves(t, 70, 60),
		"c.txt": []byte("hello")})
	many := a.do(t, "POST", "/analyze", body, "Content-Type", kind, "Accept", "text/html")
	to := many.Header.Get("Location")
	require.True(t, strings.HasPrefix(to, "/many?"), to)
	page := string(a.do(t, "GET", to, nil, "Accept", "text/html").body)
	require.Contains(t, page, "2 scored, 1 not read")
	require.Equal(t, 303, a.do(t, "POST", "/sample/photograph.jpg", nil).StatusCode)
	require.Equal(t, 404, a.do(t, "POST", "/sample/origin.csv", nil).StatusCode)
}

// A page weighs less than 200 KB before pictures: itself, its styles, all scripts, and the colours of the
// maps.
func TestPageWeight(t *testing.T) {
	a := openApp(t, nil)
	id := decode[Analysis](t, a.post(t, "/v1/analyze", waves(t, 200, 140))).ID
	for path, page := range map[string]string{"/": "home.html", "/r/" + id: "result.html",
		"/many?r=" + id: "many.html",
		"/detectors":    "detectors.html", "/docs": "docs.html"} {
		html := len(a.do(t, "GET", path, nil, "Accept", "text/html").body)
		all := html + len(a.s.pages.assets["ramps.bin"].data) + len(a.s.pages.assets["icon.svg"].data)
		for name, asset := range a.s.pages.assets {
			if strings.HasSuffix(name, ".js") || slices.Contains(styles(page), name) {
				all += len(asset.data)
			}
		}
		t.Logf("%s: %d KB, %d KB with all that it loads", page, html/1000, all/1000)
		require.Less(t, all, 200_000, page)
	}
}

// Text is compressed for those who take it, and comes back as it was; pictures and steps that are followed go
// as they are, and so does what a client without compression asks for.
func TestCompressed(t *testing.T) {
	a := openApp(t, nil)
	id := decode[Analysis](t, a.post(t, "/v1/analyze", waves(t, 60, 40))).ID
	for path, packed := range map[string]bool{
		"/": true, "/docs": true, "/openapi.json": true, "/r/" + id: true, "/v1/models": true,
		"/assets/x/base.css": true, "/assets/x/upload.js": true, "/nothing": true,
		"/many.csv?r=" + id: false, "/r/" + id + "/picture": false, "/assets/x/unseen.jpg": false,
		"/livez": false} {
		got := a.do(t, "GET", path, nil, "Accept-Encoding", "gzip, br, zstd", "Accept", "text/html")
		plain := a.do(t, "GET", path, nil, "Accept-Encoding", "identity", "Accept", "text/html")
		require.Contains(t, got.Header["Vary"], "Accept-Encoding", path)
		require.Empty(t, plain.Header.Get("Content-Encoding"), path)
		if !packed {
			require.Empty(t, got.Header.Get("Content-Encoding"), path)
			continue
		}
		require.Equal(t, "gzip", got.Header.Get("Content-Encoding"), path)
		require.Less(t, len(got.body), len(plain.body)*2/3, path)
		unpacked, err := gzip.NewReader(bytes.NewReader(got.body))
		require.NoError(t, err)
		body, err := io.ReadAll(unpacked)
		require.NoError(t, err)
		require.Equal(t, string(plain.body), string(body), path)
		require.Equal(t, plain.StatusCode, got.StatusCode)
	}
}
