package cpu

import "github.com/klauspost/cpuid/v2"

// levels, best first.
var levels = []*level{avx512, avx2, generic}

var avx512 = &level{
	name:      "avx512",
	supported: func() bool { return cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.BMI2) },
}

var avx2 = &level{
	name:      "avx2",
	supported: func() bool { return cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) },
}
