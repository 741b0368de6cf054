package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/models/bundled"
	"truegrain/models/detect"
)

// app is a running server over the bundled detectors.
type app struct {
	*httptest.Server
	s      *Server
	engine *engine.Engine
}

// openApp starts one; set changes what it is set to.
func openApp(t testing.TB, set func(*Config, *engine.Limits)) app { return openWith(t, set, nil) }

// openWith is openApp with more detectors.
func openWith(t testing.TB, set func(*Config, *engine.Limits),
	more func(kernels.Backend) []*detect.Detector) app {
	t.Helper()
	c := Config{UploadTime: time.Minute, Version: "test", Log: slog.New(slog.DiscardHandler)}
	l := engine.DefaultLimits()
	l.DecodeTime, l.Deadline = time.Minute, 5*time.Minute // a busy machine is not what is tested
	if set != nil {
		set(&c, &l)
	}
	s, e := newServer(t, c, l, more)
	a := app{httptest.NewUnstartedServer(nil), s, e}
	a.Config, a.Listener = s.server(), sparing(a.Listener)
	a.Start()
	t.Cleanup(a.Close)
	return a
}

// newServer has the bundled detectors, and those of more behind them.
func newServer(t testing.TB, c Config, l engine.Limits, more func(kernels.Backend) []*detect.Detector) (
	*Server, *engine.Engine) {
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	var all []*detect.Detector
	for _, n := range []string{"resnet_mini", "fcn8s_mini", "vit_mini_8"} {
		require.Contains(t, bundled.Names(), n)
		d, err := detect.Load(be, n)
		require.NoError(t, err)
		all = append(all, d)
	}
	if more != nil {
		all = append(all, more(be)...)
	}
	m := NewMetrics()
	e, err := engine.New(t.Context(), all, l, m)
	require.NoError(t, err)
	t.Cleanup(func() {
		e.Close()
		for _, d := range all {
			d.Close()
		}
		be.Close()
	})
	s, err := New(c, e, m)
	require.NoError(t, err)
	return s, e
}

// waves is a JPEG file.
func waves(t testing.TB, w, h int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		x, y := i%w, i/w
		img.SetRGBA(x, y, color.RGBA{uint8(x * y / 50), uint8(y + i%7), uint8(x/3 + i%5), 255})
	}
	var buf bytes.Buffer
	require.NoError(t, jpeg.Encode(&buf, img, nil))
	return buf.Bytes()
}

// form is a multipart body of some files.
func form(t testing.TB, files map[string][]byte) (string, io.Reader) {
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	for name, data := range files {
		w, err := m.CreateFormFile("picture", name)
		require.NoError(t, err)
		_, err = w.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, m.Close())
	return m.FormDataContentType(), &buf
}

// reply is an answer and its body.
type reply struct {
	*http.Response
	body []byte
}

func (a app) do(t testing.TB, method, path string, body io.Reader, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, body)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request,
		[]*http.Request) error {
		return http.ErrUseLastResponse
	}}
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return reply{res, data}
}

// post sends a picture to the API.
func (a app) post(t testing.TB, path string, data []byte) reply {
	return a.do(t, "POST", path, bytes.NewReader(data), "Content-Type", "image/jpeg")
}

func decode[T any](t testing.TB, r reply) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.body, &v), "%s", r.body)
	return v
}

func TestMain(m *testing.M) {
	if set := os.Getenv(floodVar); set != "" {
		if err := floods(set); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}
