package web

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"truegrain/cmd/truegrain/web/engine"
)

// marked is a JPEG with a comment, as attackers hide things in pictures.
func marked(t testing.TB, comment string) []byte {
	p := waves(t, 80, 60)
	seg := append([]byte{0xFF, 0xFE, byte((len(comment) + 2) >> 8), byte(len(comment) + 2)}, comment...)
	return append(append(append([]byte(nil), p[:2]...), seg...), p[2:]...)
}

// Files that are a picture to one program and something else to another are refused, and what is shown of a
// picture is never a byte that the sender wrote.
func TestPolyglots(t *testing.T) {
	a := openApp(t, nil)
	picture := waves(t, 80, 60)
	for name, file := range map[string][]byte{
		"zip at the end": append(bytes.Clone(picture), "PK\x05\x06"+strings.Repeat("\x00", 18)...),
		"zip with a comment": append(bytes.Clone(picture), "PK\x05\x06"+strings.Repeat("\x00",
			16)+"\x03\x00abc"...),
		"page in a comment":       marked(t, "<html><script>alert(1)</script>"),
		"upper case":              marked(t, "<SCRIPT src=//evil.example>"),
		"document in a comment":   marked(t, "%PDF-1.7\n"),
		"drawing in a comment":    marked(t, "<svg onload=alert(1)>"),
		"page that says it's one": []byte("\xFF\xD8\xFF<html>"),
	} {
		require.Equal(t, 422, a.post(t, "/v1/analyze", file).StatusCode, name)
	}
	secret := "=1;alert(1)/*hidden-marker*/"
	r := decode[Analysis](t, a.post(t, "/v1/analyze", marked(t, secret)))
	for _, path := range []string{"picture", "thumb"} {
		got := a.do(t, "GET", "/r/"+r.ID+"/"+path, nil)
		require.Equal(t, "image/jpeg", got.Header.Get("Content-Type"))
		require.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
		require.NotContains(t, string(got.body), "hidden-marker", path)
	}
	report := string(a.do(t, "GET", "/r/"+r.ID+"/report.html", nil).body)
	require.Contains(t, report, "hidden-marker", "shown as what the file says")
	require.NotContains(t, report, "<script")
}

// Forms of many parts, of large headers and of large fields end early, however often they are sent.
func TestHostileForms(t *testing.T) {
	a := openApp(t, nil)
	const edge = "edge"
	part := func(header, body string) string {
		return "--" + edge + "\r\nContent-Disposition: form-data; name=\"x\"" + header + "\r\n\r\n" + body + "\r\n"
	}
	picture := part(`; filename="a.jpg"`, string(waves(t, 60, 50)))
	for name, c := range map[string]struct {
		form   string
		status int
	}{
		"a field before the picture": {part("", "hello") + picture, 200},
		"100,000 parts":              {strings.Repeat(part("", ""), 100_000) + picture, 422},
		"parts behind the picture":   {picture + strings.Repeat(part("", ""), 100_000), 422},
		"a header of 8 MiB":          {part("; y="+strings.Repeat("y", 8<<20), "") + picture, 422},
		"10,000 headers":             {part("\r\nX-Y: z", strings.Repeat("\r\nX-Y: z", 10_000)) + picture, 422},
		"a field of 8 MiB":           {part("", strings.Repeat("z", 8<<20)) + picture, 422},
		"an endless boundary":        {strings.Repeat("-", 8<<20), 422},
	} {
		for _, path := range []string{"/v1/analyze", "/analyze"} {
			start := time.Now()
			got := a.do(t, "POST", path, strings.NewReader(c.form+"--"+edge+"--\r\n"), "Content-Type",
				"multipart/form-data; boundary="+edge)
			want := c.status
			if path == "/analyze" && want == 200 {
				want = 303
			}
			require.Equal(t, want, got.StatusCode, "%s to %s: %s", name, path, got.body)
			require.Less(t, time.Since(start), 10*time.Second, name)
		}
	}
	require.Zero(t, a.engine.Uploads.Used())
}

// Names of files are text of strangers: one line, printable, without marks that turn the direction of
// writing.
func TestFileNames(t *testing.T) {
	for in, want := range map[string]string{
		"../../etc/passwd": "passwd", `C:\windows\a.jpg`: "a.jpg", "a\x00b\r\nX-Evil: 1.jpg": "abX-Evil: 1.jpg",
		"holiday\u202egpj.exe": "holidaygpj.exe", "\xff\xfe.jpg": ".jpg", "": "picture", "/": "picture",
		"..":                 "picture",
		"\u200b\u2066\u2069": "picture", "grüße 写真 🏔.jpg": "grüße 写真 🏔.jpg", strings.Repeat("é",
			999): strings.Repeat("é", maxName),
	} {
		got := fileName(in)
		require.Equal(t, want, got)
		require.NotContains(t, got, "/")
		for _, r := range got {
			require.True(t, unicode.IsPrint(r))
		}
	}
	a := openApp(t, nil)
	for _, name := range []string{"grüße 写真.jpg", `a";filename="b.html`, "%0d%0aX: y.jpg", strings.Repeat("写",
		300)} {
		kind, body := form(t, map[string][]byte{name: waves(t, 60, 50)})
		r := decode[Analysis](t, a.do(t, "POST", "/v1/analyze", body, "Content-Type", kind))
		got := a.do(t, "GET", "/r/"+r.ID+"/report.json", nil)
		disposition, params, err := mime.ParseMediaType(got.Header.Get("Content-Disposition"))
		require.NoError(t, err, name)
		require.Equal(t, "attachment", disposition)
		require.True(t, strings.HasSuffix(params["filename"], "-truegrain.json"), params["filename"])
	}
}

// Paths lead nowhere but to what is served, however they are written.
func TestPathTricks(t *testing.T) {
	a := openApp(t, nil)
	sum := a.s.pages.sum
	for _, path := range []string{"/assets/" + sum + "/..%2fserver.go",
		"/assets/" + sum + "/%2e%2e/%2e%2e/go.mod",
		"/assets/../../go.mod", "/assets/" + sum + "/origin.csv%00.jpg", "/r/..%2f..%2fetc%2fpasswd", "/r/%00",
		"/r//picture",
		"//evil.example/", "/%5c%5cevil.example", "/r/x/features/vit_mini_8/..%2f..%2f",
		"/v1/results/%2e%2e/maps/a/b.png",
		"/v1/models/..%2f/layers", "/.git/config", "/r/" + strings.Repeat("A", 5000),
		"/many?r=" + strings.Repeat("A", 5000)} {
		got := a.raw(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n")
		require.Contains(t, []int{200, 301, 307, 308, 404, 422}, got.StatusCode, path)
		if got.StatusCode == 200 {
			require.True(t, strings.HasPrefix(path, "/many"), path)
		}
		if to := got.Header.Get("Location"); to != "" {
			u, err := url.Parse(to)
			require.NoError(t, err)
			require.Empty(t, u.Host, "%s leads to %s", path, to)
			require.False(t, strings.HasPrefix(to, "//"), to)
		}
	}
}

// dial connects for 20 s at most.
func (a app) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return conn
}

// raw sends a request as it is written.
func (a app) raw(t testing.TB, request string) *http.Response {
	t.Helper()
	conn := a.dial(t)
	_, err := io.WriteString(conn, request)
	require.NoError(t, err)
	got, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err, "%.200s", request)
	return got
}

// Headers are bounded in size and in time.
func TestHeaderFloods(t *testing.T) {
	a := openApp(t, nil)
	addr, leave, gone := a.listen(t)
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n") // it may be refused before all was sent
	for i := range 20_000 {
		if _, err := fmt.Fprintf(conn, "X-%d: %s\r\n", i, strings.Repeat("y", 50)); err != nil {
			break
		}
	}
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	got, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, got.StatusCode)
	slow := begin(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nX: ", 20)
	start := time.Now()
	require.NoError(t, slow.SetReadDeadline(start.Add(4*headerTime)))
	_, err = io.Copy(io.Discard, slow)
	require.NoError(t, err, "a header that takes too long ends the connection")
	require.GreaterOrEqual(t, time.Since(start), headerTime-time.Second)
	leave()
	require.NoError(t, <-gone)
}

// Results can't be found by trying, tokens only slowly, and numbers that are none are refused.
func TestGuessing(t *testing.T) {
	a := openApp(t, func(c *Config, _ *engine.Limits) { c.Token, c.Rate, c.Burst = "secret", 1, 5 })
	codes := map[int]int{}
	for range 20 {
		codes[a.do(t, "GET", "/v1/models", nil, "Authorization", "Bearer wrong").StatusCode]++
	}
	require.Positive(t, codes[401])
	require.GreaterOrEqual(t, codes[429], 10, "%v", codes)
	require.Equal(t, 429, a.do(t, "POST", "/login", strings.NewReader("token=x"), "Content-Type",
		"application/x-www-form-urlencoded").StatusCode)
	require.Equal(t, 200, a.do(t, "GET", "/v1/models", nil, "Authorization", "Bearer secret").StatusCode,
		"whoever has the token is not kept out")

	a = openApp(t, nil)
	id := decode[Analysis](t, a.post(t, "/v1/analyze", waves(t, 70, 60))).ID
	require.Len(t, id, 26, "130 random bits")
	for _, other := range []string{strings.ToLower(id), id[:25], id + "A", id[:25] + "_"} {
		require.Equal(t, 404, a.do(t, "GET", "/v1/results/"+other, nil).StatusCode)
	}
	for _, q := range []string{"NaN", "Inf", "-1", "1e999", "0x1p-2", ""} {
		status := a.do(t, "GET", "/v1/results/"+id+"/maps/resnet_mini/cam.png?opacity="+q, nil).StatusCode
		require.Contains(t, []int{200, 422}, status, q)
	}
	for _, q := range []string{"view=-1", "view=999", "view=1e3", "view=0&layer=99", "layer=-1",
		"view=99999999999999999999"} {
		require.Equal(t, 404, a.do(t, "GET", "/r/"+id+"/attention/vit_mini_8?"+q, nil).StatusCode, q)
	}
	require.Equal(t, 404, a.do(t, "GET", "/r/"+id+"/stages/resnet_mini?view=9", nil).StatusCode)
}
