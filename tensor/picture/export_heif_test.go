//go:build heif && nodynamic

package picture

// CapHEIF is for tests.
var CapHEIF = capHEIF
