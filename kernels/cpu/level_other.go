//go:build !amd64

package cpu

// levels, best first.
var levels = []*level{generic}
