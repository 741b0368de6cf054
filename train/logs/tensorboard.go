package logs

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Scalar is one number with the name that TensorBoard files it under.
type Scalar struct {
	Tag   string
	Value float64
}

// Events writes an event file that TensorBoard reads: records of TensorFlow's framing, each holding one Event
// message in protocol buffers' encoding. Neither needs a library for the three kinds of messages that are
// written here.
type Events struct{ f *os.File }

// NewEvents opens a new event file in a folder. The numbers that an interrupted run wrote from that step on
// are then dropped by TensorBoard; first is 0 for a fresh run.
func NewEvents(dir string, first int) (*Events, error) {
	now := time.Now()
	path := filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%d.%09d.truegrain", now.Unix(),
		now.Nanosecond()))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	e := &Events{f}
	err = e.event(0, func(m []byte) []byte { return text(m, 3, "brain.Event:2") })
	if err == nil && first > 0 {
		// SessionLog{status: START} at a step: what was written from it on belongs to a run that is no more.
		err = e.event(first, func(m []byte) []byte { return message(m, 7, varint(nil, 1, 1)) })
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return e, nil
}

// Write writes numbers of one step.
func (e *Events) Write(step int, values ...Scalar) error {
	return e.event(step, func(m []byte) []byte {
		var summary []byte
		for _, v := range values {
			summary = message(summary, 1, float(text(nil, 1, v.Tag), 2, float32(v.Value)))
		}
		return message(m, 5, summary)
	})
}

// Close closes the file.
func (e *Events) Close() error { return e.f.Close() }

// event writes Event{wall_time: 1, step: 2, …} as one record.
func (e *Events) event(step int, what func([]byte) []byte) error {
	m := double(nil, 1, float64(time.Now().UnixNano())/1e9)
	if step > 0 {
		m = varint(m, 2, uint64(step))
	}
	_, err := e.f.Write(record(what(m)))
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of the framing: CRC32C, turned and shifted so that it is not that of data with its
// own.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// record is length, checksum of the length, data, checksum of the data.
func record(data []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	out = binary.LittleEndian.AppendUint32(out, masked(out))
	out = append(out, data...)
	return binary.LittleEndian.AppendUint32(out, masked(data))
}

// The wire types of protocol buffers.
const (
	wireVarint, wireDouble, wireBytes, wireFloat = 0, 1, 2, 5
)

func key(m []byte, field, wire int) []byte {
	return binary.AppendUvarint(m, uint64(field<<3|wire))
}

func varint(m []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(key(m, field, wireVarint), v)
}

func double(m []byte, field int, v float64) []byte {
	return binary.LittleEndian.AppendUint64(key(m, field, wireDouble), math.Float64bits(v))
}

func float(m []byte, field int, v float32) []byte {
	return binary.LittleEndian.AppendUint32(key(m, field, wireFloat), math.Float32bits(v))
}

func message(m []byte, field int, inner []byte) []byte {
	m = binary.AppendUvarint(key(m, field, wireBytes), uint64(len(inner)))
	return append(m, inner...)
}

func text(m []byte, field int, s string) []byte { return message(m, field, []byte(s)) }
