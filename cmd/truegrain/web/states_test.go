package web

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"truegrain/cmd/truegrain/web/engine"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/nn/card"
)

// slowDetector takes seconds for a large picture: a ResNet18 with random weights.
func slowDetector(t testing.TB) func(be kernels.Backend) []*detect.Detector {
	return func(be kernels.Backend) []*detect.Detector {
		m, err := models.New(be, "resnet18", models.Config{Seed: 1})
		require.NoError(t, err)
		return []*detect.Detector{detect.New(be, "slow", m, &card.Card{Arch: "resnet18", Classes: 1,
			Size: 224, View: "crop", Std: [3]float32{1, 1, 1}, Band: [2]float64{0.4, 0.6},
			Scales: map[string]float64{}})}
	}
}

// A first score is shown while others are computed; cancelling keeps what there is, and the rest can be asked
// for later.
func TestBrowserPartial(t *testing.T) {
	b := openTabOn(t, func() app { return openWith(t, nil, slowDetector(t)) })
	home := func() {
		b.run(chromedp.Navigate(b.URL+"/"), chromedp.WaitReady("html.js"))
		b.until("document.querySelector('#drop').dataset.ready")
		b.run(chromedp.SetUploadFiles("#files", []string{b.file("large.jpg", waves(t, 2400, 1800))},
			chromedp.NodeReady))
		b.until("location.pathname.startsWith('/r/') && document.querySelectorAll('.score-val').length === 3")
	}
	home()
	require.Equal(t, "Three of four have answered", eval[string](b,
		"document.querySelector('#h-answer').textContent"))
	require.Contains(t, eval[string](b, "document.querySelector('.scores').lastElementChild.textContent"),
		"still working")
	require.True(t, eval[bool](b, "document.querySelector('#why').inert"))
	b.shoot("partial")
	b.until("!document.querySelector('#scores[data-pending]')")
	require.Equal(t, 4, eval[int](b, "document.querySelectorAll('.score-val').length"))
	require.NotContains(t, eval[string](b, "document.querySelector('#scores-live').textContent"), "answered")
	b.until(mapShown)
	require.Equal(t, "none", eval[string](b,
		"(e => e ? getComputedStyle(e).display : 'none')(document.querySelector('#stop'))"))

	home()
	b.run(chromedp.KeyEvent(kb.Escape))
	b.until("document.querySelector('#alerts').textContent.includes('Cancelled. What was finished stays.')")
	require.Eventually(t, func() bool { return b.engine.Flight() == 0 }, 5*time.Second, time.Millisecond)
	b.until("!document.querySelector('#scores[data-pending]')")
	require.Contains(t, eval[string](b, "document.querySelector('.scores').lastElementChild.textContent"),
		"It was not asked.")
	b.run(chromedp.Click(".again button", chromedp.NodeVisible))
	b.until("document.querySelectorAll('.score-val').length === 4")
	b.run(chromedp.NavigateBack())
	b.until("document.querySelector('#drop, .score-val')")
	b.clean()
}

// A report is one file: opened from the disk it is complete, and asks nobody for anything.
func TestBrowserReport(t *testing.T) {
	b := openTab(t, nil)
	id := decode[Analysis](t, b.post(t, "/v1/analyze", sampleFile(t, "composite.jpg"))).ID
	got := b.do(t, "GET", "/r/"+id+"/report.html", nil)
	require.Equal(t, 200, got.StatusCode)
	require.Contains(t, got.Header.Get("Content-Disposition"), `attachment; filename=picture-truegrain.html`)
	require.Less(t, len(got.body), 4<<20)
	path := b.file("report.html", got.body)
	b.mu.Lock()
	b.allowed = "file://" + filepath.ToSlash(path)
	b.mu.Unlock()
	b.run(chromedp.Navigate(b.allowed), chromedp.WaitReady("h1"))
	require.Equal(t, 21, eval[int](b, "document.querySelectorAll('.fig').length"))
	require.True(t, eval[bool](b, "[...document.images].every(i => i.complete && i.naturalWidth > 0)"))
	require.Equal(t, 8, eval[int](b, "document.querySelectorAll('.holds tbody tr').length"))
	require.Equal(t, "grid", eval[string](b, "getComputedStyle(document.querySelector('.figs')).display"),
		"its style is let in")
	b.shoot("report")
	b.run(js("document.querySelector('.figs').scrollIntoView()"))
	b.shoot("report-maps")
	b.clean()
	all := decode[Report](t, b.do(t, "GET", "/r/"+id+"/report.json", nil))
	require.Len(t, all.Detectors, 3)
	require.Len(t, all.Result.Versions, 7)
	require.Len(t, all.Result.Maps, 21)
	require.NotNil(t, all.Result.Evidence)
	require.Equal(t, 404, b.do(t, "GET", "/r/none/report.html", nil).StatusCode)
}

// A busy server is asked again by itself; one that was stopped is named.
func TestBrowserBusyAndGone(t *testing.T) {
	b := openTab(t, func(c *Config, _ *engine.Limits) { c.Rate, c.Burst = 0.7, 1 })
	ready := func() {
		b.run(chromedp.Navigate(b.URL+"/"), chromedp.WaitReady("html.js"))
		b.until("document.querySelector('#drop').dataset.ready")
	}
	ready()
	require.Equal(t, 200, b.post(t, "/v1/analyze", waves(t, 60, 60)).StatusCode)
	b.drop(waves(t, 64, 64))
	b.until("document.querySelector('#alerts').textContent.includes('will be sent again')")
	b.shoot("busy")
	b.until("location.pathname.startsWith('/r/')")
	b.until(mapShown)
	ready()
	b.clean() // from here on, the console may complain
	b.Close()
	b.drop(waves(t, 64, 64))
	b.until("document.querySelector('#alerts').textContent.includes('The program does not answer. Is it still running?')")
	b.shoot("offline")
}

// drop lets a picture fall on the page.
func (b *tab) drop(data []byte) {
	b.hand(data, `dispatchEvent(new DragEvent('drop', { dataTransfer: held, bubbles: true, cancelable: true }))`)
}

// What a file says about itself is shown as text, whatever it says; where it was taken only when asked.
func TestBrowserEvidence(t *testing.T) {
	b := openTab(t, nil)
	evil := `<img src=x onerror="document.title='owned'"> steps: 30 ` + "\u202e" + `gpj.exe`
	b.upload("/r/", b.file(`<svg onload=x>'.png`, withText(t, "parameters", evil)))
	b.run(js("document.querySelector('#evidence').scrollIntoView()"))
	text := eval[string](b, "document.querySelector('#evidence').textContent")
	require.Contains(t, text, `<img src=x onerror="document.title='owned'"> steps: 30`)
	require.NotContains(t, text, "\u202e")
	require.Equal(t, 0, eval[int](b, "document.querySelectorAll('#evidence img').length"))
	require.Equal(t, `<svg onload=x>'.png`, eval[string](b, "document.querySelector('h1').textContent"))
	b.shoot("generator")
	many := "/many?" + url.Values{"r": {eval[string](b, "location.pathname.slice(3)")},
		"f": {"<b>x</b>.jpg: <i>no</i>"}}.Encode()
	b.run(chromedp.Navigate(b.URL+many), chromedp.WaitReady("html.js"))
	require.Contains(t, eval[string](b, "document.querySelector('#rows').textContent"), "<b>x</b>.jpg")
	b.clean()
}

// withText is a PNG with a text chunk (iTXt, UTF-8).
func withText(t testing.TB, keyword, text string) []byte {
	var buf bytes.Buffer
	require.NoError(t, png.Encode(&buf, image.NewGray(image.Rect(0, 0, 90, 70))))
	body := append([]byte("iTXt"+keyword), 0, 0, 0, 0, 0)
	body = append(body, text...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	const afterHeader = 8 + 25
	return append(append(append([]byte(nil), buf.Bytes()[:afterHeader]...), chunk...),
		buf.Bytes()[afterHeader:]...)
}
