//go:build nodynamic

package degrade

import (
	"bytes"

	"github.com/gen2brain/webp"

	"truegrain/tensor/picture"
)

// HasWebP says that this build can encode WebP: libwebp in WebAssembly, the same bytes on every machine.
const HasWebP = true

// WebP is what is left of a picture in a lossy WebP of a quality, 1 to 99.
func WebP(p *picture.Picture, quality int) (*picture.Picture, error) {
	var b bytes.Buffer
	if err := webp.Encode(&b, p.Image(), webp.Options{Quality: quality,
		Method: webp.DefaultMethod}); err != nil {
		return nil, err
	}
	return picture.Decode(b.Bytes())
}
