package result

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"
)

func wireCases() map[string]Histogram {
	rnd := rand.New(rand.NewPCG(5, 6))
	var dense, spread Recorder
	for us := range 5000 {
		dense.Record(time.Duration(us) * time.Microsecond)
		spread.Record(time.Duration(math.Exp(rnd.Float64() * math.Log(float64(HighestValue)))))
	}
	return map[string]Histogram{
		"zero":        histogramOf(0),
		"zero twice":  histogramOf(0, 0),
		"one":         histogramOf(time.Microsecond),
		"highest":     histogramOf(HighestValue),
		"single gap":  histogramOf(0, 2*time.Microsecond, 4*time.Microsecond),
		"edges":       histogramOf(edges()...),
		"dense":       dense.Histogram(),
		"spread":      spread.Histogram(),
		"above 2^32":  counted(Bucket{Low: 7, Count: 1 << 40}, Bucket{Low: 4096, Count: 1<<33 + 1}),
		"the largest": counted(Bucket{Low: 7, Count: maxCount}),
	}
}

func TestHistogramSurvivesJSON(t *testing.T) {
	cases := wireCases()
	cases["empty"] = Histogram{}
	for name, h := range cases {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			var got Histogram
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(h, got); diff != "" {
				t.Errorf("read back (-written +read):\n%s", diff)
			}
		})
	}
}

func TestLibraryReadsOurHistograms(t *testing.T) {
	for name, h := range wireCases() {
		t.Run(name, func(t *testing.T) {
			text, err := h.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			ref, err := hdrhistogram.Decode(bytes.Trim(text, `"`))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(h.Buckets(), referenceBuckets(ref)); diff != "" {
				t.Errorf("library reads (-written +read):\n%s", diff)
			}
		})
	}
}

func TestWeReadTheLibrarysHistograms(t *testing.T) {
	for name, h := range wireCases() {
		t.Run(name, func(t *testing.T) {
			ref := reference()
			for _, b := range h.Buckets() {
				if err := ref.RecordValues(b.Low, b.Count); err != nil {
					t.Fatal(err)
				}
			}
			got := decoded(t, ref)
			if diff := cmp.Diff(h, got); diff != "" {
				t.Errorf("read (-written +read):\n%s", diff)
			}
		})
	}
	t.Run("empty", func(t *testing.T) {
		if got := decoded(t, reference()); got.Total() != 0 {
			t.Errorf("an empty histogram has %d values", got.Total())
		}
	})
}

func decoded(t *testing.T, ref *hdrhistogram.Histogram) Histogram {
	t.Helper()
	text, err := ref.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	var h Histogram
	if err := h.UnmarshalJSON([]byte(`"` + string(text) + `"`)); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHistogramTooLarge(t *testing.T) {
	h := counted(Bucket{Low: 7, Count: maxCount + 1})
	if _, err := h.MarshalJSON(); err == nil {
		t.Error("a count above the limit was encoded")
	}
}

// packed encodes what no correct encoder would.
func packed(t testing.TB, inner innerHeader, payload []byte) string {
	t.Helper()
	var stream, wire bytes.Buffer
	z := zlib.NewWriter(&stream)
	for _, part := range []any{inner, payload} {
		if err := binary.Write(z, binary.BigEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	outer := outerHeader{Cookie: outerCookie, Length: int32(stream.Len())}
	if err := binary.Write(&wire, binary.BigEndian, outer); err != nil {
		t.Fatal(err)
	}
	wire.Write(stream.Bytes())
	return base64.StdEncoding.EncodeToString(wire.Bytes())
}

func varints(values ...int64) (payload []byte) {
	for _, v := range values {
		payload = binary.AppendVarint(payload, v)
	}
	return payload
}

// whole is a payload with its correct layout.
func whole(t testing.TB, values ...int64) string {
	payload := varints(values...)
	return packed(t, layout(int32(len(payload))), payload)
}

func TestHostileHistograms(t *testing.T) {
	good := whole(t, 1, 2, 3)
	flipped := []byte(good)
	flipped[len(flipped)-6] ^= 1
	other := layout(1)
	other.Highest = math.MaxInt64
	for _, tt := range []struct{ name, text, want string }{
		{"not base64", wirePrefix + "!!!!", "illegal base64 data"},
		{"other text", "hello", "not HdrHistogram V2"},
		{"prefix only", wirePrefix, "truncated"},
		{"truncated", good[:len(good)-8], "truncated"},
		{"checksum", string(flipped), "damaged after the counts"},
		{"other range", packed(t, other, varints(1)), "not slogate's"},
		{"negative payload", packed(t, layout(-1), varints(1)), "at most"},
		{"huge payload", packed(t, layout(math.MaxInt32), varints(1)), "at most"},
		{"payload missing", packed(t, layout(100), varints(1)), "read counts"},
		{"bomb after the payload", packed(t, layout(1), make([]byte, 4<<20)), "damaged after the counts"},
		{"long count", whole(t, math.MaxInt64), "a count is damaged"},
		{"count above the limit", whole(t, maxCount+1), "beyond what a histogram can hold"},
		{"sum above the limit", whole(t, maxCount, 1), "beyond what a histogram can hold"},
		{"run beyond the end", whole(t, -bucketCount-1, 1), "beyond"},
		{"count beyond the end", whole(t, -bucketCount, 1), "beyond"},
		{"runs that overflow", whole(t, -1<<54, -1<<54, -1<<54), "beyond the last bucket"},
		{"very long", wirePrefix + strings.Repeat("A", maxText), "too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := histogramOf(time.Second)
			err := h.UnmarshalJSON([]byte(`"` + tt.text + `"`))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if !h.Equal(histogramOf(time.Second)) {
				t.Error("an error changed the histogram")
			}
		})
	}
	var h Histogram
	if err := h.UnmarshalJSON([]byte(`7`)); err == nil {
		t.Error("a number was read as a histogram")
	}
}

// Other programs may write empty buckets one by one, and some behind the last.
func TestHistogramHasOneForm(t *testing.T) {
	want := counted(Bucket{Low: 3, Count: 1}, Bucket{Low: 5, Count: 200})
	for name, text := range map[string]string{
		"one by one":     whole(t, 0, 0, 0, 1, 0, 200),
		"runs of one":    whole(t, -1, -2, 1, -1, 200),
		"after the last": whole(t, -3, 1, 0, 200, -7, 0),
	} {
		var got Histogram
		if err := got.UnmarshalJSON([]byte(`"` + text + `"`)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func BenchmarkHistogramJSON(b *testing.B) {
	rnd := rand.New(rand.NewPCG(7, 8))
	var r Recorder
	for range 500 {
		r.Record(time.Duration(rnd.ExpFloat64() * float64(20*time.Millisecond)))
	}
	h := r.Histogram()
	text, err := h.MarshalJSON()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := h.MarshalJSON(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var got Histogram
			if err := got.UnmarshalJSON(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("library encode", func(b *testing.B) {
		b.ReportAllocs()
		ref := reference()
		for b.Loop() {
			ref.Reset()
			for _, bucket := range h.Buckets() {
				if err := ref.RecordValues(bucket.Low, bucket.Count); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := ref.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err != nil {
				b.Fatal(err)
			}
		}
	})
}
