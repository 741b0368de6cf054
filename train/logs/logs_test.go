package logs_test

import (
	"encoding/binary"
	"encoding/csv"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/train/logs"
)

// event is what the tests read of an Event message.
type event struct {
	step    uint64
	wall    float64
	version string
	start   bool
	values  map[string]float32
}

// parse reads an event file by the published format, without any of the writer's code.
func parse(t *testing.T, path string) (out []event) {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	check := func(data []byte, want uint32) {
		c := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
		require.Equal(t, want, (c>>15|c<<17)+0xa282ead8)
	}
	for len(b) > 0 {
		n := binary.LittleEndian.Uint64(b)
		check(b[:8], binary.LittleEndian.Uint32(b[8:]))
		data := b[12 : 12+n]
		check(data, binary.LittleEndian.Uint32(b[12+n:]))
		b = b[16+n:]
		out = append(out, parseEvent(t, data))
	}
	return out
}

func parseEvent(t *testing.T, m []byte) event {
	e := event{values: map[string]float32{}}
	fields(t, m, func(field int, number uint64, inner []byte) {
		switch field {
		case 1:
			e.wall = math.Float64frombits(number)
		case 2:
			e.step = number
		case 3:
			e.version = string(inner)
		case 5:
			fields(t, inner, func(field int, _ uint64, value []byte) {
				require.Equal(t, 1, field)
				var tag string
				fields(t, value, func(field int, number uint64, inner []byte) {
					if field == 1 {
						tag = string(inner)
					} else {
						require.Equal(t, 2, field)
						e.values[tag] = math.Float32frombits(uint32(number))
					}
				})
			})
		case 7:
			fields(t, inner, func(field int, number uint64, _ []byte) { e.start = field == 1 && number == 1 })
		default:
			require.Fail(t, "unknown field", field)
		}
	})
	return e
}

// fields walks through a protocol buffer message.
func fields(t *testing.T, m []byte, f func(field int, number uint64, inner []byte)) {
	for len(m) > 0 {
		key, n := binary.Uvarint(m)
		m = m[n:]
		switch key & 7 {
		case 0:
			v, n := binary.Uvarint(m)
			f(int(key>>3), v, nil)
			m = m[n:]
		case 1:
			f(int(key>>3), binary.LittleEndian.Uint64(m), nil)
			m = m[8:]
		case 2:
			size, n := binary.Uvarint(m)
			f(int(key>>3), 0, m[n:n+int(size)])
			m = m[n+int(size):]
		case 5:
			f(int(key>>3), uint64(binary.LittleEndian.Uint32(m)), nil)
			m = m[4:]
		default:
			require.Fail(t, "unknown wire type")
		}
	}
}

func TestCRC32CIsThePublishedOne(t *testing.T) { // RFC 3720, B.4
	require.Equal(t, uint32(0x8a9136aa), crc32.Checksum(make([]byte, 32), crc32.MakeTable(crc32.Castagnoli)))
}

func row(update int) logs.Row {
	return logs.Row{Kind: logs.Update, Epoch: 1 + update/10, Batch: update % 10, Update: update,
		Loss: 1 / float64(update), LR: 0.5, GradNorm: 3, Rate: 100, Seconds: float64(update)}
}

func TestLogsHaveWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	l, last, err := logs.Open(dir, 0, 0)
	require.NoError(t, err)
	require.Zero(t, last)
	for i := 1; i <= 3; i++ {
		require.NoError(t, l.Write(row(i)))
	}
	require.NoError(t, l.Write(logs.Row{Kind: logs.Epoch, Epoch: 1, Update: 3, Loss: 0.5, ValLoss: 0.25,
		Accuracy: 1, Best: true}))
	require.NoError(t, l.Close())

	events := parse(t, eventFiles(t, dir)[0])
	require.Len(t, events, 5)
	require.Equal(t, "brain.Event:2", events[0].version)
	require.False(t, events[1].start)
	require.Equal(t, uint64(2), events[2].step)
	require.Equal(t, map[string]float32{"loss": 0.5, "learning_rate": 0.5, "gradient_norm": 3,
		"pictures_per_second": 100}, events[2].values)
	require.Equal(t, map[string]float32{"epoch/loss": 0.5, "epoch/validation_loss": 0.25,
		"epoch/accuracy": 1}, events[4].values)
	require.Greater(t, events[4].wall, 1.6e9)

	f, err := os.Open(filepath.Join(dir, "metrics.csv"))
	require.NoError(t, err)
	defer f.Close()
	table, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, table, 5)
	require.Equal(t, "kind", table[0][0])
	require.Equal(t, []string{"update", "1", "2", "2", "0.5", "0.5", "3", "", "", "", "100", "2", "0"},
		table[2])
	require.Equal(t, []string{"epoch", "1", "0", "3", "0.5", "", "", "0.25", "1", "true", "0", "0", "0"},
		table[4])
}

func eventFiles(t *testing.T, dir string) []string {
	found, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}

// What was written behind the last checkpoint is dropped when the run goes on, also half a line.
func TestResumedLogsGoOnAtTheCheckpoint(t *testing.T) {
	dir := t.TempDir()
	l, _, err := logs.Open(dir, 0, 0)
	require.NoError(t, err)
	for i := 1; i <= 9; i++ {
		require.NoError(t, l.Write(row(i)))
	}
	require.NoError(t, l.Write(logs.Row{Kind: logs.Epoch, Epoch: 1, Update: 5}))
	require.NoError(t, l.Close())
	f, err := os.OpenFile(filepath.Join(dir, "metrics.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"kind":"update","upd`)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	l, last, err := logs.Open(dir, 5, 0)
	require.NoError(t, err)
	require.Equal(t, row(5), last)
	require.NoError(t, l.Write(row(6)))
	require.NoError(t, l.Close())
	for _, name := range []string{"metrics.csv", "metrics.jsonl"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		head := strings.Count(name, "csv")
		require.Equal(t, 6+head, strings.Count(string(b), "\n"), name)
	}
	files := eventFiles(t, dir)
	require.Len(t, files, 2)
	events := parse(t, files[1])
	require.True(t, events[1].start)
	require.Equal(t, uint64(6), events[1].step)
	require.Equal(t, uint64(6), events[2].step)
}

func TestLogsInAFolderThatIsNotThere(t *testing.T) {
	_, _, err := logs.Open(filepath.Join(t.TempDir(), "none"), 0, 0)
	require.ErrorIs(t, err, os.ErrNotExist)
}
