package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
)

// policy lets a page load its own assets and nothing else: no inline script or style, no other host, no
// frame.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// safe are the headers that every answer carries. All answers share the values: nobody changes them.
var safe = http.Header{
	"Content-Security-Policy":      {policy},
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"no-referrer"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Permissions-Policy":           {"geolocation=(), microphone=()"},
	"Cache-Control":                {"no-store"},
}

// secured sets them.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), safe)
		next.ServeHTTP(w, r)
	})
}

// What is refused before a handler sees it.
var (
	errHost  = errors.New("this server does not answer to that name")
	errSite  = errors.New("another site may not send this")
	errToken = errors.New("this server wants a token: send it as 'Authorization: Bearer …'")
)

// onlyHosts refuses requests for other names than the server's: a stranger's name that was made to point here
// would otherwise make a browser read results for that stranger.
func (s *Server) onlyHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if len(s.Hosts) > 0 && !slices.Contains(s.Hosts, strings.Trim(host, "[]")) {
			s.fail(w, r, errHost)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameSite refuses what other sites' pages make a browser send.
func (s *Server) sameSite(next http.Handler) http.Handler {
	check := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := check.Check(r); err != nil {
			s.fail(w, r, errSite)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tokenCookie carries the token of a browser, which can't send the header on its own.
const tokenCookie = "truegrain-token"

// open are the paths that need no token.
var open = []string{"/livez", "/readyz", "/login"}

// authorise asks for the token, if there is one.
func (s *Server) authorise(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Token == "" || slices.Contains(open, r.URL.Path) || strings.HasPrefix(r.URL.Path, "/assets/") ||
			s.known(r) {
			next.ServeHTTP(w, r)
			return
		}
		if err := s.guessed(r); err != nil {
			s.fail(w, r, err)
			return
		}
		if wantsPage(r) {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="truegrain"`)
		s.fail(w, r, errToken)
	})
}

// known says whether a request shows the token.
func (s *Server) known(r *http.Request) bool {
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.same(t)
	}
	c, err := r.Cookie(tokenCookie)
	return err == nil && s.same(c.Value)
}

// guessed counts a wrong token as an upload: whoever tries many is told to wait.
func (s *Server) guessed(r *http.Request) error {
	if r.Header.Get("Authorization") == "" && r.Method != http.MethodPost {
		return nil
	}
	if d := s.limiter.wait(r); d > 0 {
		return &paceError{d}
	}
	return nil
}

// same compares in a time that says nothing about the token.
func (s *Server) same(t string) bool {
	a, b := sha256.Sum256([]byte(t)), sha256.Sum256([]byte(s.Token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// login shows the form for the token, and takes it.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	wrong := false
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, 4096)
		if t := r.PostFormValue("token"); s.same(t) {
			http.SetCookie(w, &http.Cookie{Name: tokenCookie, Value: t, Path: "/", HttpOnly: true,
				Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		if err := s.guessed(r); err != nil {
			s.fail(w, r, err)
			return
		}
		wrong = true
	}
	s.render(w, r, "login.html", map[string]any{"Wrong": wrong})
}
