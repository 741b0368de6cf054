//go:build !heif || !nodynamic

package picture

// heifFormats are AVIF and HEIC, which only a build with -tags heif,nodynamic reads.
var heifFormats []format
