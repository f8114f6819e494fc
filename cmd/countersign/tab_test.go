package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim/workspace"
)

// browser is a Chromium of this test alone. Every person gets a profile of their
// own in it, as on machines of their own.
type browser struct {
	h        *house
	ctx      context.Context
	pictures string // where screenshots go
}

// startBrowser starts a Chromium. It ends with the test, and with the test
// process in whatever way that ends.
func (h *house) startBrowser() *browser {
	h.t.Helper()
	path, err := findChromium(filepath.Join("..", "..", "libexec", "chromium"))
	require.NoError(h.t, err)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(h.t.TempDir()),
		// The page is our own, and root cannot have Chromium's sandbox.
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	h.t.Cleanup(release)
	ctx, _ := chromedp.NewContext(allocator)
	require.NoError(h.t, chromedp.Do(ctx), "Chromium does not start")
	h.t.Cleanup(func() { require.NoError(h.t, chromedp.Cancel(ctx)) })
	pictures := os.Getenv("COUNTERSIGN_PICTURES")
	if pictures == "" {
		pictures = h.t.(*testing.T).ArtifactDir()
	}
	require.NoError(h.t, os.MkdirAll(pictures, 0o755))
	return &browser{h: h, ctx: ctx, pictures: pictures}
}

// kept tells whether anybody will look at the pictures.
func kept() bool {
	artifacts := flag.Lookup("test.artifacts")
	return os.Getenv("COUNTERSIGN_PICTURES") != "" || artifacts != nil && artifacts.Value.String() == "true"
}

// findChromium is where the browser is: the one that tools/setup unpacked, or the
// machine's own. Without one nothing is skipped.
func findChromium(unpacked string) (string, error) {
	for _, name := range []string{unpacked, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", errors.New("no Chromium: run tools/setup test, or apt-get install chromium")
}

// tab is what one person looks at.
type tab struct {
	h    *house
	ctx  context.Context
	who  string
	into string // the folder of the pictures
}

// sit opens the page as a person, in a channel or, when place holds "=", elsewhere.
func (b *browser) sit(as, place string) *tab {
	b.h.t.Helper()
	ctx, leave := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	b.h.t.Cleanup(leave)
	if !strings.Contains(place, "=") {
		place = "channel=" + place
	}
	x := &tab{h: b.h, ctx: ctx, who: as, into: b.pictures}
	require.NoError(b.h.t, chromedp.Do(ctx), "no tab for %s", as) // the tab lives as long as the context of its first step
	x.wide(1440)
	x.goes(place)
	x.until(`document.querySelector('[data-testid=connection]')?.dataset.sockets > 0`)
	return x
}

// test is the selector of a test id.
func test(id string) string { return fmt.Sprintf("[data-testid=%q]", id) }

// message is the selector of a message.
func message(m workspace.Message) string { return test("message-" + m.TS) }

// do takes steps in the tab. A browser that hangs fails the step, and is still
// there to be asked what it shows.
func (x *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	x.h.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		x.fail(what, err)
	}
}

const patience = soon

// fail ends the test with what the page shows.
func (x *tab) fail(what string, err error) {
	x.h.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	x.picture("failed-" + x.who)
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	require.NoError(x.h.t, err, "%s %s; the page says:\n%s", x.who, what, text)
}

// until waits until the JavaScript is true, and looks whenever the page changes:
// chromedp's own way of polling needs eval, which the page's policy refuses.
func (x *tab) until(js string) {
	x.h.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise(done => {
		const look = () => { if (!(`+js+`)) return; watch.disconnect(); clearInterval(clock); done(true) }
		const watch = new MutationObserver(look)
		watch.observe(document, {subtree: true, childList: true, attributes: true, characterData: true})
		const clock = setInterval(look, 100) // what no mutation tells: a picture that has loaded
		look()
	})`, chromedp.EvalAwaitPromise))
	if err != nil {
		x.fail("waits for "+js, err)
	}
}

// evaluate is the value of some JavaScript.
func evaluate[T any](x *tab, js string) T {
	x.h.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	require.NoError(x.h.t, err, js)
	return v
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always marshals
	return string(b)
}

// sees waits until an element shows the words.
func (x *tab) sees(selector, words string) {
	x.h.t.Helper()
	x.until(fmt.Sprintf(`[...document.querySelectorAll(%s)].some(e => e.innerText.includes(%s))`, quoted(selector), quoted(words)))
}

// misses waits until nothing matches.
func (x *tab) misses(selector string) {
	x.h.t.Helper()
	x.until(fmt.Sprintf(`!document.querySelector(%s)`, quoted(selector)))
}

// reads is the text of an element, as it is in the document.
func (x *tab) reads(selector string) string {
	x.h.t.Helper()
	return evaluate[string](x, fmt.Sprintf(`document.querySelector(%s).textContent`, quoted(selector)))
}

// click presses with the mouse, as people do: again where the page has moved something else under it meanwhile.
func (x *tab) click(selector string) {
	x.h.t.Helper()
	for range 10 {
		evaluate[bool](x, `(() => {
			window.pressed = false
			window.watching ||= document.addEventListener('click', e => { window.pressed ||= !!e.target.closest(window.aim) }, true) ?? true
			window.aim = `+quoted(selector)+`
			return true
		})()`)
		x.do("clicks "+selector, chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
		if evaluate[bool](x, `window.pressed`) {
			return
		}
		x.h.t.Logf("%s misses %s", x.who, selector)
	}
}

// types puts text into a field by its keys. chromedp's SendKeys does the same, and
// reads the field's attributes while the page may be changing them: a data race.
func (x *tab) types(selector, text string) {
	x.h.t.Helper()
	x.do("types into "+selector, chromedp.Focus(chromedp.CSS(selector), chromedp.NodeVisible), chromedp.KeyEvent(text))
}

// enter presses Enter as a keyboard does: a page that takes the key for itself
// gets no character for it. chromedp's own Enter types one all the same.
func (x *tab) enter() {
	x.h.t.Helper()
	x.do("presses Enter", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, key := range []input.DispatchKeyEventParams{{Type: input.DispatchKeyEventTypeKeyDown, Text: "\r"}, {Type: input.DispatchKeyEventTypeKeyUp}} {
			key.Key, key.Code, key.WindowsVirtualKeyCode = "Enter", "Enter", 13
			if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, key); err != nil {
				return err
			}
		}
		return nil
	}))
}

// tabTo presses Tab until the element has the focus, as somebody without a mouse does.
func (x *tab) tabTo(selector string) {
	x.h.t.Helper()
	for range 200 {
		if evaluate[bool](x, fmt.Sprintf(`!!document.activeElement?.matches(%s)`, quoted(selector))) {
			return
		}
		x.do("presses Tab", chromedp.KeyEvent(kb.Tab))
	}
	require.Fail(x.h.t, "cannot be reached by keyboard", "%s from where %s is", selector, x.who)
}

// goes leads the tab somewhere else.
func (x *tab) goes(place string) {
	x.h.t.Helper()
	x.do("goes to "+place, chromedp.Navigate(x.h.sim.URL()+"/?as="+x.who+"&"+place))
}

// wide makes the window so many pixels wide.
func (x *tab) wide(pixels int64) {
	x.h.t.Helper()
	x.sized(pixels, 1000)
}

func (x *tab) sized(wide, high int64) {
	x.h.t.Helper()
	x.do("resizes the window", chromedp.EmulateViewport(wide, high))
}

// picture keeps a screenshot of the page, or of an element of it.
func (x *tab) picture(name string, selector ...string) {
	x.h.t.Helper()
	if !kept() { // drawing one costs about as much as the rest of a step
		if len(selector) > 0 {
			x.until(fmt.Sprintf(`document.querySelector(%s)?.checkVisibility()`, quoted(selector[0])))
		}
		return
	}
	shot := chromedp.CaptureScreenshot()
	if len(selector) > 0 {
		shot = chromedp.ScreenshotScale(chromedp.CSS(selector[0]), 1.5)
	}
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	// Nothing under the mouse, and what the document says has been painted.
	require.NoError(x.h.t, chromedp.Do(ctx, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 1, 1)))
	evaluate[bool](x, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
	data, err := chromedp.Run(ctx, shot)
	require.NoError(x.h.t, err)
	require.NoError(x.h.t, os.WriteFile(filepath.Join(x.into, name+".png"), data, 0o644))
}

// chart waits for a picture on the page, takes its bytes as the page got them,
// and decodes them.
func (x *tab) chart(selector string) image.Image {
	x.h.t.Helper()
	x.until(fmt.Sprintf(`document.querySelector(%s)?.naturalWidth > 0`, quoted(selector)))
	data, err := base64.StdEncoding.DecodeString(evaluate[string](x, fmt.Sprintf(`fetch(document.querySelector(%s).src).then(r => r.blob()).then(b => new Promise(done => {
		const reader = new FileReader()
		reader.onload = () => done(reader.result.split(',')[1])
		reader.readAsDataURL(b)
	}))`, quoted(selector))))
	require.NoError(x.h.t, err)
	picture, err := png.Decode(bytes.NewReader(data))
	require.NoError(x.h.t, err)
	return picture
}
