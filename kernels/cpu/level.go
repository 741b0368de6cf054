package cpu

import (
	"fmt"
	"os"

	"github.com/klauspost/cpuid/v2"
)

// level is one set of kernels. All levels of a platform are compiled, so that all can be tested.
type level struct {
	name      string
	supported func() bool
}

// capVar names the environment variable that caps the level: "generic", "avx2" or "avx512".
const capVar = "TRUEGRAIN_CPU"

// available lists the levels that this processor has and the environment allows, best first.
func available() (out []*level, err error) {
	limit := os.Getenv(capVar)
	known := limit == ""
	for _, l := range levels {
		known = known || l.name == limit
		if known && l.supported() {
			out = append(out, l)
		}
	}
	if !known {
		return nil, fmt.Errorf("%s=%q is no level: set it to generic, avx2 or avx512, or unset it", capVar, limit)
	}
	return out, nil
}

var generic = &level{
	name:      "generic",
	supported: func() bool { return true },
}

func brand() string {
	if cpuid.CPU.BrandName != "" {
		return cpuid.CPU.BrandName
	}
	return cpuid.CPU.VendorID.String()
}
