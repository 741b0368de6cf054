package web

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// Items 1 to 3: a picture by file; scores; every map, both answers, three views, opacity, grey, the point.
func TestBrowserScoresAndMaps(t *testing.T) {
	b := openTab(t, nil)
	b.upload("/r/", b.file("beach & sea.jpg", sampleFile(t, "composite.jpg")))
	b.until(mapShown)
	require.Equal(t, "beach & sea.jpg", eval[string](b, "document.querySelector('h1').textContent"))
	require.Equal(t, 3, eval[int](b, "document.querySelectorAll('.score .axis').length"))
	for _, v := range []string{"side", "swipe", "overlay"} {
		b.run(chromedp.Click("input[name=view][value="+v+"]", chromedp.NodeReady))
		require.Equal(t, v, eval[string](b, "document.querySelector('.stage').dataset.view"))
		b.shoot("map-" + v)
		if v == "swipe" {
			b.run(chromedp.Focus(".wipe"), chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.ArrowRight))
			require.Equal(t, "1%",
				eval[string](b, "document.querySelector('.stage').style.getPropertyValue('--cut')"))
		}
	}
	b.until("document.querySelector('#why').dataset.all")
	b.shoot("result")
	n := eval[int](b, "document.querySelectorAll('input[name=map]').length")
	require.Equal(t, 14, n)
	for i := range n {
		b.run(js(fmt.Sprintf("document.querySelectorAll('input[name=map]')[%d].click()", i)))
		b.until(mapShown + ".endsWith('/' + document.querySelector('input[name=map]:checked').dataset.ai)")
		weak := eval[bool](b, "'weak' in document.querySelector('input[name=map]:checked').dataset")
		require.Equal(t, weak, eval[bool](b, "!document.querySelector('#map-warn').hidden"))
	}
	b.run(js("document.querySelector('input[data-ai=guided_ai]').click()"),
		chromedp.Click("input[name=ask][value=photograph]", chromedp.NodeReady))
	b.until(mapShown + ".endsWith('guided_photograph')")
	b.shoot("guided")
	b.run(chromedp.SetValue("#alpha", "20"),
		js("document.querySelector('#alpha').dispatchEvent(new Event('input'))"),
		chromedp.Click("#grey", chromedp.NodeReady))
	require.Equal(t, "0.2", eval[string](b,
		"document.querySelector('.stage').style.getPropertyValue('--alpha')"))
	require.False(t, eval[bool](b, "document.querySelector('.stage').classList.contains('grey')"))
	b.run(chromedp.Focus("#pad"), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowDown))
	require.Contains(t, eval[string](b, "document.querySelector('#reading-live').textContent"), "x 244")
	for _, id := range []string{"get-png", "get-raw"} {
		require.Equal(t, 200, eval[int](b,
			"(() => { const x = new XMLHttpRequest(); x.open('GET', document.querySelector('#"+id+"').href, false); x.send(); return x.status })()"))
	}
	b.clean()
}

func sampleFile(t testing.TB, name string) []byte {
	data, err := files.ReadFile("samples/" + name)
	require.NoError(t, err)
	return data
}

// Items 4 to 6: attention, layers, versions, evidence.
func TestBrowserExplorers(t *testing.T) {
	b := openTab(t, nil)
	b.upload("/r/", b.file("a.jpg", sampleFile(t, "photograph.jpg")))
	b.run(chromedp.ScrollIntoView("#attention"))
	b.until("document.querySelector('#attention').dataset.ready")
	ready := eval[string](b, "document.querySelector('#attention').dataset.ready")
	b.run(chromedp.Focus(".attn-plate"), chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent("]"))
	require.NotEqual(t, ready, eval[string](b, "document.querySelector('#attention').dataset.ready"))
	require.Contains(t, eval[string](b, "document.querySelector('#attn-live').textContent"),
		"Attends most to row")
	b.otherViews("#attention")
	b.run(chromedp.Click("#attn-class", chromedp.NodeVisible), chromedp.Click("#attn-mean",
		chromedp.NodeVisible))
	require.Equal(t, "Class token", eval[string](b, "document.querySelector('#attn-say').textContent"))
	b.run(chromedp.SetValue("#attn-layer", "1"),
		js("document.querySelector('#attn-layer').dispatchEvent(new Event('input'))"))
	b.until("document.querySelector('#attn-layer-out').textContent.startsWith('1 of')")
	b.run(js("document.querySelector('#attention').scrollIntoView()"))
	b.shoot("attention")

	b.run(js("document.querySelector('#layers').scrollIntoView()"))
	b.until("document.querySelector('#layers').dataset.ready")
	b.otherViews("#layers")
	b.shoot("layers")
	for _, net := range []string{"fcn8s_mini", "vit_mini_8"} {
		b.run(js("document.querySelector('#layers').dataset.ready = ''"),
			chromedp.Click("input[name=net][value="+net+"]", chromedp.NodeReady))
		b.until("document.querySelector('#layers').dataset.ready")
		require.Positive(t, eval[int](b, "document.querySelectorAll('.fmaps canvas').length"))
	}
	b.run(js("document.querySelector('#holds').scrollIntoView()"))
	b.until("document.querySelectorAll('#held tbody tr').length === 8")
	b.shoot("holds")
	b.run(js("document.querySelector('#evidence').scrollIntoView()"))
	require.Contains(t, eval[string](b, "document.querySelector('#evidence').textContent"),
		"The file says nothing about itself")
	b.shoot("evidence")
	b.clean()
}

// otherViews looks into the first view by the keyboard, and into the last one by pointing at it.
func (b *tab) otherViews(explorer string) {
	b.t.Helper()
	ready := "document.querySelector('" + explorer + "').dataset.ready.split('/')[0]"
	number := "document.querySelector('" + explorer + " .views output').value"
	require.Contains(b.t, eval[string](b, number), " of 48")
	b.run(chromedp.Focus(explorer+" .views input"), chromedp.KeyEvent(kb.Home))
	b.until(ready + " === '0'")
	require.Equal(b.t, "1 of 48", eval[string](b, number))
	b.run(js(`(() => {
		const plate = document.querySelector('` + explorer + ` .views-plate'), r = plate.getBoundingClientRect();
		plate.setPointerCapture = () => {};
		plate.dispatchEvent(new PointerEvent('pointerdown', { clientX: r.right - 2, clientY: r.bottom - 2, pointerId: 1 }));
	})()`))
	b.until(ready + " === '47'")
	require.Equal(b.t, "48 of 48", eval[string](b, number))
}

// Item 7, and pasting: several pictures, one of them none; sorting, filters, exports.
func TestBrowserManyAndPaste(t *testing.T) {
	b := openTab(t, nil)
	b.upload("/many", b.file("b.jpg", sampleFile(t, "second.jpg")), b.file("a.jpg", sampleFile(t,
		"checkerboard.jpg")),
		b.file("c.jpg", []byte("<html>")))
	b.until("document.querySelectorAll('#rows tr').length === 3")
	require.Contains(t, eval[string](b, "document.querySelector('#many-say').textContent"),
		"2 scored, 1 not read")
	for i, want := range []string{"c.jpg", "a.jpg"} { // highest first, then lowest first
		b.run(chromedp.Click("button[data-key=name]", chromedp.NodeVisible))
		require.Equal(t, want, eval[string](b, "document.querySelector('#rows tr').dataset.name"))
		require.Equal(t, []string{"descending", "ascending"}[i], eval[string](b,
			"document.querySelector('[aria-sort]').getAttribute('aria-sort')"))
	}
	b.run(chromedp.Click(".chip[data-f=fail]", chromedp.NodeVisible))
	require.Equal(t, 1, eval[int](b,
		"[...document.querySelectorAll('#rows tr')].filter(r => !r.hidden).length"))
	b.run(chromedp.Click(`.chip[data-f=""]`, chromedp.NodeVisible))
	b.paste(sampleFile(t, "resaved.jpg"))
	b.until("document.querySelectorAll('#rows tr').length === 4")
	require.Equal(t, 3, strings.Count(eval[string](b, "document.querySelector('#get-csv').href"), "r="))
	b.run(js("scrollTo(0, 0)"))
	b.shoot("many")
	b.run(chromedp.Navigate(b.URL+"/"), chromedp.WaitReady("html.js"))
	b.until("document.querySelector('#drop').dataset.ready")
	b.paste(sampleFile(t, "resaved.jpg"))
	b.until("location.pathname.startsWith('/r/')")
	b.clean()
}

// Cancel stops the work: nothing is kept, and the engine is idle at once.
func TestBrowserCancel(t *testing.T) {
	b := openTab(t, nil)
	b.run(chromedp.Navigate(b.URL+"/"), chromedp.WaitReady("html.js"))
	b.until("document.querySelector('#drop').dataset.ready")
	var all []string
	for i := range 30 {
		all = append(all, b.file(fmt.Sprintf("%d.jpg", i), waves(t, 1600, 1200)))
	}
	b.run(chromedp.SetUploadFiles("#files", all, chromedp.NodeReady))
	b.until("document.querySelector('#work-title').textContent.startsWith('Picture 3 of 30')")
	b.shoot("working")
	b.run(chromedp.KeyEvent(kb.Escape))
	b.until("document.querySelector('#alerts').textContent.includes('Cancelled')")
	require.Eventually(t, func() bool { return b.engine.Flight() == 0 }, time.Second, time.Millisecond)
	require.Equal(t, "/", eval[string](b, "location.pathname"))
	b.clean()
}

// What the server refuses stands on the page, in its words.
func TestBrowserRefusals(t *testing.T) {
	b := openTab(t, nil)
	b.run(chromedp.Navigate(b.URL+"/"), chromedp.WaitReady("html.js"))
	b.until("document.querySelector('#drop').dataset.ready")
	b.run(chromedp.SetUploadFiles("#files", []string{b.file("holiday<b>.jpg", []byte("<html><p>no"))},
		chromedp.NodeReady))
	b.until("document.querySelector('#alerts [role=alert]')")
	require.Contains(t, eval[string](b, "document.querySelector('#alerts').textContent"),
		"holiday<b>.jpg: Not a picture")
	b.shoot("refused")
	b.run(chromedp.Navigate(b.URL + "/r/gone"))
	require.Contains(t, eval[string](b, "document.body.textContent"), "This result is gone")
}

// Keyboard only: from the address bar to the upload, to a sample's scores, and through the maps.
func TestBrowserKeyboard(t *testing.T) {
	b := openTab(t, nil)
	b.run(chromedp.Navigate(b.URL+"/"), chromedp.WaitReady("html.js"))
	focused := func() string {
		return eval[string](b, "document.activeElement.className + ' ' + document.activeElement.id")
	}
	b.run(chromedp.KeyEvent(kb.Tab))
	require.Contains(t, focused(), "skip")
	b.run(chromedp.KeyEvent(kb.Enter))
	b.until("document.activeElement.id === 'files'")
	b.run(chromedp.Navigate(b.URL+"/"), chromedp.WaitReady("html.js"))
	tabs := 0
	for ; tabs < 6 && !strings.Contains(focused(), "files"); tabs++ {
		b.run(chromedp.KeyEvent(kb.Tab))
	}
	require.Contains(t, focused(), "files", "after %d steps", tabs)
	for range 30 {
		if strings.Contains(focused(), "sample") {
			break
		}
		b.run(chromedp.KeyEvent(kb.Tab))
	}
	require.Contains(t, focused(), "sample")
	b.run(chromedp.KeyEvent(kb.Enter))
	b.until("location.pathname.startsWith('/r/')")
	b.until(mapShown)
	b.run(chromedp.Focus("input[name=map]:checked"), chromedp.KeyEvent(kb.ArrowRight))
	b.until(mapShown + ".endsWith(document.querySelector('input[name=map]:checked').dataset.ai)")
	require.NotEmpty(t, eval[string](b,
		"getComputedStyle(document.activeElement.parentElement.querySelector('canvas')).outlineWidth"))
	b.clean()
}

// Phone and dark: nothing sticks out sideways, and the page takes the system's colours.
func TestBrowserPhoneAndDark(t *testing.T) {
	b := openTab(t, nil)
	id := decode[Analysis](t, b.post(t, "/v1/analyze", sampleFile(t, "composite.jpg"))).ID
	for _, width := range []int64{390, 320} {
		b.run(chromedp.EmulateViewport(width, 740, chromedp.EmulateScale(2), chromedp.EmulateMobile))
		for _, path := range []string{"/", "/r/" + id, "/many?r=" + id + "&f=a:+b", "/docs", "/detectors"} {
			b.run(chromedp.Navigate(b.URL+path), chromedp.WaitReady("html.js"))
			require.LessOrEqual(t, eval[int64](b, "document.documentElement.scrollWidth"), width,
				"%s at %d", path, width)
			if width == 390 {
				b.shoot("phone" + strings.ReplaceAll(strings.SplitN(path, "?", 2)[0][:min(len(path), 3)],
					"/", "-"))
			}
		}
	}
	b.run(chromedp.EmulateViewport(1440, 900), scheme("dark"), chromedp.Navigate(b.URL+"/r/"+id))
	b.until("document.querySelector('#why')?.dataset.all")
	require.Equal(t, "rgb(20, 20, 20)", eval[string](b, "getComputedStyle(document.body).backgroundColor"))
	b.shoot("dark")
	b.run(chromedp.Click("#theme", chromedp.NodeVisible), chromedp.Reload(), chromedp.WaitReady("html.js"))
	require.Equal(t, "light", eval[string](b, "document.documentElement.dataset.theme"))
	b.clean()
}

// axe-core finds nothing serious on any page, light or dark.
func TestBrowserAccessible(t *testing.T) {
	axe, err := os.ReadFile("testdata/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Skip("no axe-core: 'make axe' installs it")
	}
	b := openTab(t, nil)
	id := decode[Analysis](t, b.post(t, "/v1/analyze", sampleFile(t, "composite.jpg"))).ID
	for _, mode := range []string{"light", "dark"} {
		b.run(scheme(mode))
		for _, path := range []string{"/", "/r/" + id, "/many?r=" + id + "&f=a.jpg:+not+a+picture",
			"/detectors", "/docs", "/r/gone"} {
			b.run(chromedp.Navigate(b.URL+path), chromedp.WaitReady("html.js"))
			if strings.HasSuffix(path, id) {
				for _, part := range []string{"#attention", "#layers", "#holds"} {
					b.run(js("document.querySelector('" + part + "').scrollIntoView()"))
				}
				b.until("document.querySelector('#held tbody') && document.querySelector('#layers').dataset.ready && document.querySelector('#attention').dataset.ready && document.querySelector('#why').dataset.all")
			}
			_, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](string(axe)+"; null"))
			require.NoError(t, err)
			found, err := chromedp.Run(b.ctx,
				chromedp.Evaluate[[]string](`axe.run().then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' ' + (n.any[0]?.message || '')).join('; ')))`,
					chromedp.EvalAwaitPromise))
			require.NoError(t, err)
			require.Empty(t, found, "%s, %s", path, mode)
		}
	}
}
