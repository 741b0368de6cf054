package inpaint

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"strings"
	"time"

	"truegrain/tensor/picture"
)

// WebUI asks a Stable Diffusion web UI to fill a mask: POST /sdapi/v1/img2img, as AUTOMATIC1111's and its
// successors' servers have it when started with --api.
type WebUI struct {
	URL      string // http://127.0.0.1:7860
	Negative string // prompt of what is not wanted
	Sampler  string // by the server's own name; empty: its default
	Steps    int
	Denoise  float64 // 0 to 1; 1 forgets what was there
	Client   *http.Client
	Tries    int           // of each picture; at least 1
	Pause    time.Duration // after the first failure, doubled after each more
}

// request is what the endpoint takes of what is needed here.
type request struct {
	InitImages   []string `json:"init_images"`
	Mask         string   `json:"mask"`
	Prompt       string   `json:"prompt"`
	Negative     string   `json:"negative_prompt"`
	Sampler      string   `json:"sampler_name,omitempty"`
	Seed         int64    `json:"seed"`
	Steps        int      `json:"steps"`
	Width        int      `json:"width"`
	Height       int      `json:"height"`
	Denoise      float64  `json:"denoising_strength"`
	Fill         int      `json:"inpainting_fill"`        // 1: start from the original
	WholePicture bool     `json:"inpaint_full_res"`       // false: the whole picture at its size
	MaskBlur     int      `json:"mask_blur"`              // 0: the edge is ours
	Invert       int      `json:"inpainting_mask_invert"` // 0: white is edited
	Save         bool     `json:"save_images"`
}

// maxAnswer bounds what a server may send.
const maxAnswer = 256 << 20

// refused says that trying again will not help.
type refused struct{ error }

// Fill asks the server, again after a pause if it is busy or out of reach.
func (u *WebUI) Fill(ctx context.Context, job Job) (*picture.Picture, error) {
	pause := u.Pause
	for try := 1; ; try++ {
		p, err := u.ask(ctx, job)
		if err == nil {
			return p, nil
		}
		if try >= u.Tries || errors.As(err, new(refused)) || ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", u.URL, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		pause *= 2
	}
}

func (u *WebUI) ask(ctx context.Context, job Job) (*picture.Picture, error) {
	body, err := u.body(job)
	if err != nil {
		return nil, refused{err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost,
		strings.TrimRight(u.URL, "/")+"/sdapi/v1/img2img", bytes.NewReader(body))
	if err != nil {
		return nil, refused{err}
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := u.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("the server says %s: %.200q", answer.Status, text)
	case answer.StatusCode != http.StatusOK:
		return nil, refused{fmt.Errorf("the server says %s: %.200q (is it started with --api?)",
			answer.Status, text)}
	case len(text) > maxAnswer:
		return nil, refused{fmt.Errorf("the answer is longer than %d bytes", maxAnswer)}
	}
	return picked(text, job.Picture)
}

func (u *WebUI) body(job Job) ([]byte, error) {
	var img bytes.Buffer
	if err := png.Encode(&img, job.Picture.Image()); err != nil {
		return nil, err
	}
	mask, err := job.Mask.png()
	if err != nil {
		return nil, err
	}
	b64 := base64.StdEncoding.EncodeToString
	return json.Marshal(request{InitImages: []string{b64(img.Bytes())}, Mask: b64(mask), Prompt: job.Prompt,
		Negative: u.Negative, Sampler: u.Sampler, Seed: job.Seed, Steps: u.Steps, Width: job.Picture.W,
		Height: job.Picture.H, Denoise: u.Denoise, Fill: 1})
}

// picked is the first picture of an answer, which must have the size of what was sent.
func picked(text []byte, want *picture.Picture) (*picture.Picture, error) {
	var answer struct {
		Images []string `json:"images"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, refused{fmt.Errorf("the answer is no JSON: %w", err)}
	}
	if len(answer.Images) == 0 {
		return nil, refused{errors.New("the answer has no picture")}
	}
	data := answer.Images[0]
	if _, after, ok := strings.Cut(data, ";base64,"); ok {
		data = after
	}
	src, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, refused{fmt.Errorf("the picture of the answer: %w", err)}
	}
	p, err := picture.Decode(src)
	if err != nil {
		return nil, refused{fmt.Errorf("the picture of the answer: %w", err)}
	}
	if p.W != want.W || p.H != want.H {
		return nil, refused{fmt.Errorf("the picture of the answer has %d × %d pixels, want %d × %d",
			p.W, p.H, want.W, want.H)}
	}
	return p, nil
}
