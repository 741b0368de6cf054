// Package all registers the backends that this build has. Commands and tests import it for that alone:
//
//	import _ "truegrain/kernels/all"
package all

import (
	_ "truegrain/kernels/cpu" // cpu, cpu:generic, cpu:avx2, cpu:avx512
	_ "truegrain/kernels/ref" // ref, ref:float64
)
