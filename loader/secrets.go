package loader

import (
	"bytes"
	"slices"
	"sync"

	"github.com/slogate/slogate/secret"
)

// secretValues are the values that captures named secret_ have had in a run. One
// that was replaced may still be in an answer: of a request that was under way,
// or of another user's. Only the latest are kept, so that a service that hands
// out a new one for each request does not fill the memory.
type secretValues struct {
	mu     sync.Mutex
	values map[string]*secretValue
	order  []*secretValue // oldest first
	bytes  int
}

// The most that is kept: a thousand tokens, of usual ones of a quarter KB.
const (
	mostSecrets     = 1000
	mostSecretBytes = 256 << 10
)

// secretValue is one of them.
type secretValue struct {
	text      string
	spell     sync.Once
	spellings [][]byte // empty until an answer was looked through
}

// add notes a value.
func (s *secretValues) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == "" || s.values[text] != nil {
		return
	}
	if s.values == nil {
		s.values = map[string]*secretValue{}
	}
	v := &secretValue{text: text}
	s.values[text] = v
	s.order = append(s.order, v)
	s.bytes += len(text)
	for len(s.order) > mostSecrets || s.bytes > mostSecretBytes {
		oldest := s.order[0]
		s.order = s.order[1:]
		s.bytes -= len(oldest.text)
		delete(s.values, oldest.text)
	}
}

// in finds the values that stand in one of the texts, in whatever form.
func (s *secretValues) in(texts ...[]byte) []string { return standing(s.all(), texts...) }

// all are the values that are known now. What is added later goes behind them.
func (s *secretValues) all() []*secretValue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.order)
}

// standing finds those of some values that stand in one of the texts.
func standing(values []*secretValue, texts ...[]byte) []string {
	var found []string
	for _, v := range values {
		if slices.ContainsFunc(texts, v.standsIn) {
			found = append(found, v.text)
		}
	}
	return found
}

func (v *secretValue) standsIn(text []byte) bool {
	v.spell.Do(func() {
		for _, s := range secret.Spellings([]string{v.text}) {
			v.spellings = append(v.spellings, []byte(s))
		}
	})
	return slices.ContainsFunc(v.spellings, func(s []byte) bool { return bytes.Contains(text, s) })
}
