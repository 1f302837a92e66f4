package spread

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestFrame(t *testing.T) {
	random := make([]byte, 100_000)
	for i := range random {
		random[i] = byte(rand.IntN(256))
	}
	for _, payload := range [][]byte{{}, []byte(`{"name": "a"}`), random} {
		var log bytes.Buffer
		log.WriteString("normal  100 requests\nslogate-worker result 1 00\nAAAA\nslogate-worker-end") // what a service might say
		if err := Print(&log, payload); err != nil {
			t.Fatal(err)
		}
		kind, got, err := read(log.Bytes())
		if err != nil || kind != kindResult || !bytes.Equal(got, payload) {
			t.Errorf("got %s of %d bytes, %v; want %d", kind, len(got), err, len(payload))
		}
	}
}

func TestDamagedFrames(t *testing.T) {
	var whole bytes.Buffer
	if err := PrintError(&whole, "the target is not there"); err != nil {
		t.Fatal(err)
	}
	text := whole.String()
	lines := strings.Split(text, "\n")
	for _, tt := range []struct{ name, log, want string }{
		{"nothing", "", "no result"},
		{"other output", "panic: out of memory\n", "no result"},
		{"no end", strings.ReplaceAll(text, frameEnd, ""), "no end"},
		{"a line is missing", strings.Replace(text, lines[2]+"\n", "", 1), "incomplete"},
		{"another line", strings.Replace(text, lines[2], "####", 1), "damaged"},
		{"another sum", strings.Replace(text, lines[1], lines[1][:len(lines[1])-1]+"_", 1), "incomplete"},
		{"the beginning is missing", text[20:], "no result"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := read([]byte(tt.log)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestPrintRefusesWhatALogLoses(t *testing.T) {
	random := make([]byte, maxFrame)
	for i := range random {
		random[i] = byte(rand.IntN(256))
	}
	var log bytes.Buffer
	if err := Print(&log, random); err == nil || log.Len() > 0 {
		t.Errorf("%d bytes are printed, %v", log.Len(), err)
	}
}

// A worker's frame is found whatever else it printed before and after, and one
// that is damaged is the same or an error. What it unpacks to is bounded.
func FuzzRead(f *testing.F) {
	var log bytes.Buffer
	if err := Print(&log, []byte("{}")); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("{}"), log.Bytes(), uint16(0), byte(0))
	f.Add([]byte(""), []byte("panic: x\n"+frameBegin), uint16(20), byte(1))
	f.Add([]byte("\x1f\x8b\x08"), []byte(frameEnd), uint16(99), byte(0x80))
	f.Fuzz(func(t *testing.T, payload, noise []byte, at uint16, bits byte) {
		if kind, got, err := read(noise); err != nil && got != nil {
			t.Errorf("%s of %d bytes beside %v", kind, len(got), err)
		}
		if got, err := unpack(noise); len(got) > maxPayload || err != nil && got != nil {
			t.Errorf("%d bytes beside %v", len(got), err)
		}
		var log bytes.Buffer
		log.Write(noise)
		if err := Print(&log, payload); err != nil {
			t.Fatal(err)
		}
		if kind, got, err := read(log.Bytes()); err != nil || kind != kindResult || !bytes.Equal(got, payload) {
			t.Errorf("%q after %q is read as %s %q, %v", payload, noise, kind, got, err)
		}
		damaged := log.Bytes()[len(noise):]
		damaged[int(at)%len(damaged)] ^= bits
		if kind, got, err := read(damaged); err == nil && kind == kindResult && !bytes.Equal(got, payload) {
			t.Errorf("%q damaged at %d is read as %q", payload, at, got)
		}
	})
}
