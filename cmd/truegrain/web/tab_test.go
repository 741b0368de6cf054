package web

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"truegrain/cmd/truegrain/web/engine"
)

// tab is a page in headless Chromium that remembers what went wrong and where requests went.
type tab struct {
	t   *testing.T
	ctx context.Context
	app

	mu      sync.Mutex
	wrong   []string
	allowed string // a file that may be loaded as well
}

// openTab starts a browser; without one the test is skipped.
func openTab(t *testing.T, set func(*Config, *engine.Limits)) *tab {
	t.Helper()
	return openTabOn(t, func() app { return openApp(t, set) })
}

// openTabOn is openTab for an app of any kind.
func openTabOn(t *testing.T, start func() app) *tab {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium: install Debian's package chromium to test the pages in a browser")
	}
	if testing.Short() {
		t.Skip("drives a browser: runs without -short")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.WindowSize(1440, 900), chromedp.WSURLReadTimeout(time.Minute))
	ctx, end := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b := &tab{t: t, ctx: ctx, app: start()}
	require.NoError(t, chromedp.Listen(ctx, b.hear))
	b.run(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, log.Enable, cdp.Empty{})
		return none, err
	})
	return b
}

// hear collects what must not happen: errors in the console, refused loads, requests to another host.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.wrong = append(b.wrong, fmt.Sprint(e.ExceptionDetails.Text,
			e.ExceptionDetails.Exception.Description))
	case *log.EventEntryAdded:
		text := e.Entry.Text
		refused := e.Entry.Source == log.EntrySourceNetwork && // what a test provokes
			(strings.Contains(text, "status of 422") || strings.Contains(text, "status of 429"))
		if e.Entry.Level == log.EntryLevelError && !refused {
			b.wrong = append(b.wrong, text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		u := e.Request.URL
		if u != b.allowed && !strings.HasPrefix(u, b.URL) && !strings.HasPrefix(u, "blob:"+b.URL) &&
			!strings.HasPrefix(u, "data:") {
			b.wrong = append(b.wrong, "a request to "+u)
		}
	}
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, time.Minute)
	defer stop()
	require.NoError(b.t, chromedp.Do(ctx, actions...))
}

// js runs a script for what it does.
func js(script string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = chromedp.Evaluate[any]("("+script+", null)")(ctx, t)
		return none, err
	}
}

// scheme makes the browser prefer light or dark.
func scheme(name string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
		return none, err
	}
}

// eval is the value of an expression.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, time.Minute)
	defer stop()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	require.NoError(b.t, err, script)
	return v
}

// until waits for an expression to become true.
func (b *tab) until(script string) {
	b.t.Helper()
	end := time.Now().Add(40 * time.Second)
	for {
		ctx, stop := context.WithTimeout(b.ctx, 10*time.Second)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+script+")"))
		stop()
		if err == nil && ok {
			return
		}
		require.True(b.t, time.Now().Before(end), "never true: %s (%v)", script, err)
		time.Sleep(20 * time.Millisecond)
	}
}

// clean ends a test: nothing went wrong.
func (b *tab) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.wrong)
}

// file is a picture on disk.
func (b *tab) file(name string, data []byte) string {
	path := filepath.Join(b.t.TempDir(), name)
	require.NoError(b.t, os.WriteFile(path, data, 0o644))
	return path
}

// upload chooses files and waits for where that leads.
func (b *tab) upload(where string, files ...string) {
	b.run(chromedp.Navigate(b.URL+"/"), chromedp.WaitReady("html.js"))
	b.until("document.querySelector('#drop').dataset.ready")
	b.run(chromedp.SetUploadFiles("#files", files, chromedp.NodeReady))
	b.until(fmt.Sprintf("location.pathname.startsWith(%q)", where))
	b.until("document.readyState === 'complete' && !document.querySelector('#scores[data-pending], #drop:not([hidden]) #work:not([hidden])')")
}

// shoot keeps a screenshot where TRUEGRAIN_SHOTS says, for people to look at.
func (b *tab) shoot(name string) {
	dir := os.Getenv("TRUEGRAIN_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

const mapShown = "document.querySelector('#why')?.dataset.ready"

// paste puts a picture into the clipboard and pastes it.
func (b *tab) paste(data []byte) {
	b.hand(data, `dispatchEvent(new ClipboardEvent('paste', { clipboardData: held, bubbles: true }))`)
}

// hand gives the page a picture by an event that carries it.
func (b *tab) hand(data []byte, event string) {
	b.run(js(`(() => {
		const bytes = Uint8Array.from(atob("` + base64.StdEncoding.EncodeToString(data) + `"), c => c.charCodeAt(0));
		const held = new DataTransfer();
		held.items.add(new File([bytes], 'handed.jpg', { type: 'image/jpeg' }));
		` + event + `;
	})()`))
}
