package kerneltest

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// Every kernel of the contract is timed by Bench.
func TestBenchTimesEveryKernel(t *testing.T) {
	timed := map[string]bool{}
	for _, c := range benchCases() {
		name := reflect.TypeOf(c.Op).Name()
		timed[name] = true
		timed[name+"Backward"] = timed[name+"Backward"] || c.Grad != nil
	}
	for _, c := range calls() {
		timed[c.kernel] = true
	}
	for _, family := range []reflect.Type{reflect.TypeFor[kernels.MatMul](), reflect.TypeFor[kernels.Conv](),
		reflect.TypeFor[kernels.Pool](), reflect.TypeFor[kernels.Norm](), reflect.TypeFor[kernels.Activate](),
		reflect.TypeFor[kernels.Attend](), reflect.TypeFor[kernels.Elementwise](),
		reflect.TypeFor[kernels.Reshape](), reflect.TypeFor[kernels.Reduce](),
		reflect.TypeFor[kernels.Loss](), reflect.TypeFor[kernels.Optimize]()} {
		for m := range family.Methods() {
			require.True(t, timed[m.Name], "%s: no benchmark", m.Name)
		}
	}
}
