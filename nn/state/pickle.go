package state

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Limits of the pickle machine. A state dict of a thousand tensors takes some 20,000 opcodes and 10,000 memo
// entries.
const (
	maxOpcodes  = 4 << 20
	maxMemo     = 1 << 18
	maxStack    = 1 << 16
	maxElements = 1 << 19 // of all containers together
	maxString   = 1 << 16
)

// The opcodes that PyTorch's files use (CPython, Lib/pickletools.py). Any other ends the reading.
const (
	opMark, opStop, opPop                                = '(', '.', '0'
	opNone, opTrue, opFalse                              = 'N', 0x88, 0x89
	opInt1, opInt2, opInt4, opLong1, opFloat             = 'K', 'M', 'J', 0x8a, 'G'
	opUnicode, opShortUnicode                            = 'X', 0x8c
	opShortString, opString                              = 'U', 'T'
	opTuple, opTuple0, opTuple1, opTuple2, opTuple3      = 't', ')', 0x85, 0x86, 0x87
	opList, opListNew, opAppend, opAppends               = 'l', ']', 'a', 'e'
	opDict, opDictNew, opSetItem, opSetItems             = 'd', '}', 's', 'u'
	opPut1, opPut4, opMemoize, opGet1, opGet4            = 'q', 'r', 0x94, 'h', 'j'
	opGlobal, opStackGlobal, opReduce, opBuild, opPersID = 'c', 0x93, 'R', 'b', 'Q'
	opProto, opFrame                                     = 0x80, 0x95
)

// What the machine's values are made of: nil, bool, int64, float64, string, tuple, *list, *dict, global,
// storage and *tensor. Nothing else can come into being.
type (
	mark    struct{}
	tuple   []any
	list    struct{ items []any }
	global  string // an allowed name: "torch._utils._rebuild_tensor_v2"
	storage struct {
		dtype, key string
		n          int
	}
	tensor struct {
		storage
		offset         int
		shape, strides []int
	}
	pair struct{ key, value any }
	dict struct{ items []pair }
)

// machine runs one pickle.
type machine struct {
	text     []byte
	at       int
	stack    []any
	memo     map[int]any
	opcodes  int
	elements int
}

func (m *machine) fail(format string, args ...any) error {
	return &FormatError{"pickle", fmt.Sprintf("byte %d", m.at), fmt.Sprintf(format, args...)}
}

// run executes opcodes up to STOP and returns the one value that is left. at is then behind STOP.
func (m *machine) run() (any, error) {
	m.memo, m.stack, m.opcodes = map[int]any{}, nil, 0
	for {
		if m.opcodes++; m.opcodes > maxOpcodes {
			return nil, m.fail("more than %d opcodes", maxOpcodes)
		}
		b, err := m.bytes(1)
		if err != nil {
			return nil, err
		}
		if b[0] == opStop {
			if len(m.stack) != 1 {
				return nil, m.fail("%d values at the end, want 1", len(m.stack))
			}
			return m.stack[0], nil
		}
		if err := m.step(b[0]); err != nil {
			return nil, err
		}
		if len(m.stack) > maxStack {
			return nil, m.fail("more than %d values on the stack", maxStack)
		}
	}
}

// step executes one opcode.
func (m *machine) step(op byte) error {
	switch op {
	case opProto, opFrame, opMark, opPop, opNone, opTrue, opFalse, opInt1, opInt2, opInt4, opLong1, opFloat:
		return m.scalar(op)
	case opUnicode, opShortUnicode, opShortString, opString:
		return m.str(op)
	case opTuple, opTuple0, opTuple1, opTuple2, opTuple3, opList, opListNew, opAppend, opAppends,
		opDict, opDictNew, opSetItem, opSetItems:
		return m.container(op)
	case opPut1, opPut4, opMemoize, opGet1, opGet4:
		return m.memory(op)
	case opGlobal, opStackGlobal, opReduce, opBuild, opPersID:
		return m.object(op)
	}
	return m.fail("opcode 0x%02x is not allowed in a weight file", op)
}

// bytes takes the next n bytes.
func (m *machine) bytes(n int) ([]byte, error) {
	if n < 0 || n > len(m.text)-m.at {
		return nil, m.fail("the pickle ends in the middle")
	}
	b := m.text[m.at : m.at+n]
	m.at += n
	return b, nil
}

// uint takes a little-endian number of n bytes, at most 8.
func (m *machine) uint(n int) (uint64, error) {
	b, err := m.bytes(n)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

// pop takes the top value; a mark is not one.
func (m *machine) pop() (any, error) {
	if len(m.stack) == 0 {
		return nil, m.fail("the stack is empty")
	}
	v := m.stack[len(m.stack)-1]
	if _, ok := v.(mark); ok {
		return nil, m.fail("a mark where a value should be")
	}
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

// toMark takes everything above the topmost mark, and the mark.
func (m *machine) toMark() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			items := m.stack[i+1:]
			m.stack = m.stack[:i]
			return items, nil
		}
	}
	return nil, m.fail("no mark")
}

func (m *machine) scalar(op byte) error {
	switch op {
	case opMark:
		m.push(mark{})
		return nil
	case opNone:
		m.push(nil)
		return nil
	case opTrue, opFalse:
		m.push(op == opTrue)
		return nil
	case opPop:
		_, err := m.pop()
		return err
	case opLong1:
		return m.long()
	}
	width := map[byte]int{opProto: 1, opFrame: 8, opInt1: 1, opInt2: 2, opInt4: 4, opFloat: 8}[op]
	v, err := m.uint(width)
	if err != nil {
		return err
	}
	switch op {
	case opProto:
		if v > 5 {
			return m.fail("pickle protocol %d", v)
		}
	case opInt1, opInt2:
		m.push(int64(v))
	case opInt4:
		m.push(int64(int32(v)))
	case opFloat:
		m.push(math.Float64frombits(binary.BigEndian.Uint64(m.text[m.at-8:])))
	}
	return nil
}

// long is an integer of up to 255 bytes. Those beyond 64 bits (the magic number of the older format) become
// their bytes as a string.
func (m *machine) long() error {
	n, err := m.uint(1)
	if err != nil {
		return err
	}
	b, err := m.bytes(int(n))
	if err != nil {
		return err
	}
	if n > 8 {
		m.push(string(b))
		return nil
	}
	var full [8]byte
	copy(full[:], b)
	if n > 0 && b[n-1]&0x80 != 0 {
		for i := n; i < 8; i++ {
			full[i] = 0xFF
		}
	}
	m.push(int64(binary.LittleEndian.Uint64(full[:])))
	return nil
}

func (m *machine) str(op byte) error {
	width := 4
	if op == opShortUnicode || op == opShortString {
		width = 1
	}
	n, err := m.uint(width)
	if err != nil {
		return err
	}
	if n > maxString {
		return m.fail("a string of %d bytes; %d are allowed", n, maxString)
	}
	b, err := m.bytes(int(n))
	m.push(string(b))
	return err
}

func (m *machine) memory(op byte) error {
	width := map[byte]int{opPut1: 1, opGet1: 1, opPut4: 4, opGet4: 4}[op]
	n, err := m.uint(width)
	if err != nil {
		return err
	}
	if op == opGet1 || op == opGet4 {
		v, ok := m.memo[int(n)]
		if !ok {
			return m.fail("memo entry %d does not exist", n)
		}
		m.push(v)
		return nil
	}
	if len(m.stack) == 0 {
		return m.fail("nothing to remember")
	}
	if op == opMemoize {
		n = uint64(len(m.memo))
	}
	if len(m.memo) >= maxMemo {
		return m.fail("more than %d memo entries", maxMemo)
	}
	m.memo[int(n)] = m.stack[len(m.stack)-1]
	return nil
}
