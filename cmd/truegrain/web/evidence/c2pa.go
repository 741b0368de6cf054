package evidence

import (
	"crypto/x509"
	"slices"
	"strings"
)

// C2PA is what content credentials claim. Neither the signature nor the signer is checked, nor whether the
// credentials belong to this picture.
type C2PA struct {
	Verified  bool     `json:"verified" doc:"Always false: read, not verified"`
	Manifests int      `json:"manifests" doc:"How many there are; the last is the picture's own"`
	Generator string   `json:"generator,omitempty" doc:"The program that wrote the claim"`
	Title     string   `json:"title,omitempty"`
	Actions   []string `json:"actions,omitempty" doc:"What is said to have been done"`
	Source    *Source  `json:"source,omitempty" doc:"The digital source type among the actions"`
	SignedBy  string   `json:"signed_by,omitempty" doc:"As written in the certificate, which is not checked"`
}

// maxActions bounds the list.
const maxActions = 50

// readC2PA reads the manifest store. The active manifest is the last one (C2PA 2.1, 11.1.4).
func readC2PA(b []byte) *C2PA {
	r := &boxReader{maxBoxes}
	c := &C2PA{}
	for _, store := range r.boxes(b, 0) {
		if store.label != "c2pa" {
			continue
		}
		c.Manifests += len(store.children)
		if n := len(store.children); n > 0 {
			c.manifest(store.children[n-1])
		}
	}
	return c
}

// manifest reads the boxes of one manifest: assertions, claim, signature.
func (c *C2PA) manifest(m box) {
	for _, b := range m.children {
		switch {
		case strings.HasPrefix(b.label, "c2pa.claim"):
			c.claim(b.content)
		case b.label == "c2pa.signature":
			c.SignedBy = signer(b.content)
		case b.label == "c2pa.assertions":
			for _, a := range b.children {
				if strings.HasPrefix(a.label, "c2pa.actions") {
					c.actions(a.content)
				}
			}
		}
	}
}

// get is a text of a CBOR map, cleaned.
func get(v any, key string) string {
	m, _ := v.(map[any]any)
	s, _ := m[key].(string)
	return clean(s)
}

func (c *C2PA) claim(b []byte) {
	v, err := readCBOR(b)
	if err != nil {
		return
	}
	c.Title, c.Generator = get(v, "dc:title"), get(v, "claim_generator")
	m, _ := v.(map[any]any)
	info := m["claim_generator_info"]
	if list, ok := info.([]any); ok && len(list) > 0 {
		info = list[0]
	}
	if name := get(info, "name"); name != "" {
		c.Generator = strings.TrimSpace(name + " " + get(info, "version"))
	}
}

// words is what actions mean.
var words = map[string]string{"c2pa.created": "created", "c2pa.opened": "opened", "c2pa.edited": "edited",
	"c2pa.placed": "object placed", "c2pa.cropped": "cropped", "c2pa.resized": "resized",
	"c2pa.color_adjustments": "colours adjusted", "c2pa.filtered": "filtered", "c2pa.drawing": "drawn on",
	"c2pa.converted": "converted", "c2pa.published": "published", "c2pa.transcoded": "saved anew",
	"c2pa.repackaged": "repackaged", "c2pa.orientation": "turned", "c2pa.removed": "object removed",
	"c2pa.redacted": "redacted", "c2pa.watermarked": "watermarked", "c2pa.unknown": "unknown"}

func (c *C2PA) actions(b []byte) {
	v, err := readCBOR(b)
	if err != nil {
		return
	}
	m, _ := v.(map[any]any)
	list, _ := m["actions"].([]any)
	for _, a := range list[:min(len(list), maxActions)] {
		name := get(a, "action")
		if w := words[name]; w != "" {
			name = w
		}
		if agent := get(a, "softwareAgent"); agent != "" {
			name += " with " + agent
		}
		if s := get(a, "digitalSourceType"); s != "" {
			c.Source = sourceOf(s)
		}
		if name != "" && !slices.Contains(c.Actions, name) {
			c.Actions = append(c.Actions, name)
		}
	}
}

// signer is the name in the first certificate of a COSE_Sign1 structure (RFC 9052, RFC 9360: header 33).
func signer(b []byte) string {
	v, err := readCBOR(b)
	parts, _ := v.([]any)
	if err != nil || len(parts) < 2 {
		return ""
	}
	headers := []any{parts[1]}
	if protected, ok := parts[0].([]byte); ok {
		if h, err := readCBOR(protected); err == nil {
			headers = append(headers, h)
		}
	}
	for _, h := range headers {
		m, _ := h.(map[any]any)
		for _, key := range []any{int64(33), "x5chain"} {
			if name := commonName(m[key]); name != "" {
				return name
			}
		}
	}
	return ""
}

func commonName(chain any) string {
	if list, ok := chain.([]any); ok && len(list) > 0 {
		chain = list[0]
	}
	der, _ := chain.([]byte)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return ""
	}
	name := cert.Subject.CommonName
	if org := cert.Subject.Organization; len(org) > 0 {
		name += " (" + org[0] + ")"
	}
	return clean(name)
}
