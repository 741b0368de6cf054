package gradcheck_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd/gradcheck"
	"truegrain/kernels"
	"truegrain/kernels/ref"
)

func TestGradients(t *testing.T) {
	for _, c := range checks() {
		t.Run(c.kernel+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			gradcheck.Run(t, c.Case)
		})
	}
}

// backwards lists the backward kernels of the contract.
func backwards() (names []string) {
	u := reflect.TypeFor[kernels.Unsupported]()
	for i := range u.NumMethod() {
		if name := u.Method(i).Name; strings.HasSuffix(name, "Backward") {
			names = append(names, name)
		}
	}
	return names
}

func TestEveryBackwardKernelIsChecked(t *testing.T) {
	var checked []string
	for _, c := range checks() {
		checked = append(checked, c.kernel)
	}
	require.NotEmpty(t, backwards())
	for _, name := range backwards() {
		require.Contains(t, checked, name)
	}
}

// A gradient that is wrong by one part in a thousand fails: every output of every backward kernel, one at a
// time.
func TestPlantedErrorsAreFound(t *testing.T) {
	found := map[string]bool{}
	for _, c := range checks() {
		for _, field := range gradFields(c.kernel) {
			be := &liar{Backend: ref.Open64(), kernel: c.kernel, field: field}
			err := gradcheck.Check(be, c.Case)
			if be.lied {
				require.Error(t, err, "%s/%s: %s times 1.001 went unnoticed", c.kernel, c.name, field)
				found[c.kernel+"."+field] = true
			}
		}
	}
	for _, kernel := range backwards() {
		for _, field := range gradFields(kernel) {
			require.True(t, found[kernel+"."+field], "no check goes through %s of %s", field, kernel)
		}
	}
}

// gradFields are the gradients that a backward kernel gives.
func gradFields(kernel string) (fields []string) {
	m, _ := reflect.TypeFor[kernels.Backend]().MethodByName(kernel)
	args := m.Type.In(0)
	for i := range args.NumField() {
		switch args.Field(i).Type {
		case reflect.TypeFor[kernels.Grad](), reflect.TypeFor[[]kernels.Grad]():
			fields = append(fields, args.Field(i).Name)
		}
	}
	return fields
}
