package slo

import (
	"maps"
	"slices"

	"github.com/theory/jsonpath/spec"
)

// This file takes of a value what a JSONPath selects first. The library goes
// through the members of a map in another order each time.

// firstOf gives the first of the parts that the segments of a path select one
// after the other: a value before those in it, those of a map by their names.
func firstOf(segments []*spec.Segment, of any) (found any, ok bool) {
	if len(segments) == 0 {
		return of, true
	}
	for _, part := range selected(segments[0].Selectors()[0], of) {
		if found, ok = firstOf(segments[1:], part); ok {
			return found, true
		}
	}
	if !segments[0].IsDescendant() {
		return nil, false
	}
	for _, part := range parts(of) {
		if found, ok = firstOf(segments, part); ok {
			return found, true
		}
	}
	return nil, false
}

// selected are the parts of a value that a selector takes. No filter looks at
// the root, see [costlyFilter].
func selected(by spec.Selector, of any) []any {
	switch by := by.(type) {
	case spec.WildcardSelector:
		return parts(of)
	case *spec.FilterSelector:
		return slices.DeleteFunc(parts(of), func(part any) bool { return !by.Eval(part, nil) })
	}
	return by.Select(of, nil)
}

// parts are the elements of a list, or the members of a map by their names.
func parts(of any) []any {
	switch of := of.(type) {
	case []any:
		return slices.Clone(of)
	case map[string]any:
		all := make([]any, 0, len(of))
		for _, name := range slices.Sorted(maps.Keys(of)) {
			all = append(all, of[name])
		}
		return all
	}
	return nil
}
