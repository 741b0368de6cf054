package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"truegrain/cmd/truegrain/web"
	"truegrain/cmd/truegrain/web/engine"
)

// ServeCmd answers in a browser and to programs: scores, maps, and what the file says about itself. Nothing
// is stored.
type ServeCmd struct {
	Model  []string `short:"m" placeholder:"NAME|FILE" help:"Bundled names or checkpoints (default: all bundled)."`
	Device string   `default:"cpu" help:"cpu, cuda:0, ref …; 'truegrain devices' lists them."`
	Exact  bool     `help:"Compute as the models do, without Winograd's convolutions."`

	Listen    string  `default:"127.0.0.1:8080" help:"Address to listen on."`
	TokenFile string  `placeholder:"FILE" type:"existingfile" help:"Token that clients must show (also TRUEGRAIN_TOKEN)."`
	TLSCert   string  `name:"tls-cert" placeholder:"FILE" type:"existingfile" help:"Certificate, PEM."`
	TLSKey    string  `name:"tls-key" placeholder:"FILE" type:"existingfile" help:"Its key, PEM."`
	Rate      float64 `default:"20" help:"Uploads a second of one client (0: any number)."`
	Burst     int     `default:"100" help:"Uploads of one client that may come at once."`

	MaxBody    int64         `default:"16" help:"Largest upload, MiB."`
	MaxPixels  int           `default:"40" help:"Largest picture, megapixels."`
	MaxSide    int           `default:"16384" help:"Longest side of a picture, pixels."`
	MaxDecoded int64         `default:"256" help:"Memory for decoding one picture, MiB."`
	MaxScans   int           `default:"100" help:"Most scans of a progressive JPEG."`
	DecodeTime time.Duration `default:"2s" help:"Longest time to decode a picture."`
	UploadTime time.Duration `default:"60s" help:"Longest time to send a picture."`
	Deadline   time.Duration `default:"30s" help:"Longest time from an upload to its scores."`
	Queue      int           `default:"64" help:"Pictures that may wait."`
	Batch      int           `default:"8" help:"Pictures scored together."`
	Window     time.Duration `default:"2ms" help:"How long a batch waits for pictures that are on their way."`
	Results    int           `default:"1000" help:"Results kept at most."`
	Kept       int64         `default:"512" help:"Memory for results, MiB."`
	Keep       time.Duration `default:"15m" help:"How long a result is kept."`
}

// Run serves until it is interrupted; then what was accepted is answered.
func (c *ServeCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	token, err := c.token()
	if err != nil {
		return err
	}
	detectors, closeAll, err := openDetectors(c.Device, c.Model)
	if err != nil {
		return err
	}
	defer closeAll()
	exactly(c.Exact, detectors)
	metrics := web.NewMetrics()
	e, err := engine.New(ctx, detectors, c.limits(), metrics)
	if err != nil {
		return err
	}
	defer e.Close()
	s, err := web.New(web.Config{Token: token, Rate: c.Rate, Burst: c.Burst, UploadTime: c.UploadTime,
		Hosts: c.hosts(), Version: version(), Log: slog.New(slog.NewTextHandler(t.err, nil))}, e, metrics)
	if err != nil {
		return err
	}
	l, err := web.Listen(ctx, c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; --listen names another address", c.Listen, err)
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	t.say("truegrain: %s://%s with %s; Ctrl-C ends it", scheme, l.Addr(), named(e))
	if note := notes(detectors); note != "" {
		t.say("Note: %s", note)
	}
	return s.Serve(ctx, l, c.TLSCert, c.TLSKey)
}

// named lists the detectors and how they compute.
func named(e *engine.Engine) string {
	var out []string
	for _, d := range e.Detectors {
		out = append(out, d.Name+", "+d.Method())
	}
	return strings.Join(out, "; ")
}

func (c *ServeCmd) check() error {
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return usagef("--tls-cert and --tls-key go together")
	case c.Rate < 0 || c.Burst < 1:
		return usagef("--rate is %v and --burst %d; want 0 or more, and 1 or more", c.Rate, c.Burst)
	case min(c.MaxBody, c.MaxDecoded, c.Kept) < 1 || min(c.MaxPixels, c.MaxSide, c.MaxScans, c.Results) < 1:
		return usagef("a limit is below 1")
	case c.Queue < 1 || c.Queue > 10_000 || c.Batch < 1 || c.Batch > 1000:
		return usagef("--queue is %d and --batch %d; want 1 to 10000, and 1 to 1000", c.Queue, c.Batch)
	case min(c.DecodeTime, c.UploadTime, c.Deadline, c.Keep) <= 0 || c.Window < 0:
		return usagef("a time is not positive")
	}
	return nil
}

func (c *ServeCmd) limits() engine.Limits {
	l := engine.DefaultLimits()
	p := &l.Picture
	p.FileBytes, p.Pixels, p.Side = c.MaxBody<<20, c.MaxPixels*1_000_000, c.MaxSide
	p.Bytes, p.Scans = c.MaxDecoded<<20, c.MaxScans
	l.DecodeTime, l.Deadline, l.Queue, l.Batch, l.Window = c.DecodeTime, c.Deadline, c.Queue,
		c.Batch, c.Window
	l.Results, l.Kept, l.Keep = c.Results, c.Kept<<20, c.Keep
	l.Uploads = max(l.Uploads, 2*p.FileBytes)
	return l
}

// token is what clients must show.
func (c *ServeCmd) token() (string, error) {
	token := os.Getenv("TRUEGRAIN_TOKEN")
	if c.TokenFile != "" {
		data, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return "", err
		}
		token = string(data)
	}
	token = strings.TrimSpace(token)
	if c.TokenFile != "" && token == "" {
		return "", usagef("--token-file: %s is empty", c.TokenFile)
	}
	return token, nil
}

// hosts is the names that this computer's own address has: a server that listens on it alone answers to no
// other.
func (c *ServeCmd) hosts() []string {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return []string{"localhost", "127.0.0.1", "::1", host}
	}
	return nil
}
