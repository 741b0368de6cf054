package evaluate

import (
	"bytes"
	"encoding/json"
)

// marshalNamed writes estimates as an object, by the names of their measures and in that order.
func marshalNamed(e []Estimate) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for m, v := range e {
		js, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		if m > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + names[m] + `":`)
		b.Write(js)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
