//go:build !nodynamic

package degrade

import "truegrain/tensor/picture"

// HasWebP says that this build can encode WebP.
const HasWebP = false

// WebP is what is left of a picture in a lossy WebP: here it is an error.
func WebP(*picture.Picture, int) (*picture.Picture, error) { return nil, ErrNoWebP }
