//go:build !amd64 || noasm

package cpu

// levels, best first.
var levels = []*level{generic}
