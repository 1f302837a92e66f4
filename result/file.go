package result

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// What a file may hold at most. A run of a day in slices of a second stays
// below a half of each; together they bound the memory that a hostile file can
// claim to a few gigabytes, where without them 100 bytes can claim a third of a
// megabyte.
const (
	maxFile     = 128 << 20 // bytes
	maxObjects  = 1 << 20   // JSON objects: "{}" is 3 bytes in the file
	maxElements = 1 << 19   // of arrays: "0" is 2 bytes in the file and 1 KB as a Stage, before it is refused
	maxCounts   = 64 << 20  // bytes of histogram counts, inflated
)

// Encode writes a run as a result file.
func Encode(w io.Writer, r *Run) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	// A runner obeys ##[ anywhere in a line of a log, where a step may print the
	// file. In JSON it stands in strings alone.
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte("##["), []byte(`#\u0023[`)))
	return err
}

// Decode reads a result file. What it returns has been checked: its counters
// and histograms agree, every word is a known one, every number is in range.
func Decode(src io.Reader) (*Run, error) {
	text, err := io.ReadAll(io.LimitReader(src, maxFile+1))
	if err != nil {
		return nil, err
	}
	if err := checkSize(text); err != nil {
		return nil, err
	}
	if err := checkVersion(text); err != nil {
		return nil, err
	}
	r := new(Run)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, describe(err, text)
	}
	if err := check(r); err != nil {
		return nil, err
	}
	return r, nil
}

// checkSize refuses a text that would need too much memory, before it does.
func checkSize(text []byte) error {
	if len(text) > maxFile {
		return errTooLarge
	}
	switch objects, elements := census(text); {
	case objects > maxObjects:
		return fmt.Errorf("more than %d objects", maxObjects)
	case elements > maxElements:
		return fmt.Errorf("more than %d elements of lists", maxElements)
	}
	if inflatedCounts(text) > maxCounts {
		return fmt.Errorf("histograms of more than %d MiB", maxCounts>>20)
	}
	return nil
}

// census counts the objects in a text of JSON, and the elements of its arrays,
// of which a decoder makes room for the wrong ones too. Whatever is not empty
// has a first item, and a comma before each further one; the items with a colon
// are those of objects. So it counts no less than there are.
func census(text []byte) (objects, elements int) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = endOfString(text, i)
		case '{':
			objects++
			elements++
		case '[', ',':
			elements++
		case ':':
			elements--
		}
	}
	return objects, elements
}

// endOfString finds the quote that ends a string of JSON.
func endOfString(text []byte, from int) int {
	for i := from + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text)
}

// inflatedCounts adds up how many bytes of counts the histograms in a text
// declare; none is decoded beyond that. It stops above maxCounts.
func inflatedCounts(text []byte) int64 {
	c := new(coder)
	var sum int64
	for sum <= maxCounts {
		at := bytes.Index(text, []byte(wirePrefix))
		if at < 0 {
			break
		}
		text = text[at:]
		end := bytes.IndexByte(text, '"')
		if end < 0 {
			break
		}
		if inner, err := c.open(text[:end]); err == nil {
			sum += int64(max(inner.Payload, 0))
		}
		text = text[end:]
	}
	return sum
}

func checkVersion(text []byte) error {
	var head struct{ Version *int }
	if err := json.Unmarshal(text, &head); err != nil {
		return describe(err, text)
	}
	switch {
	case head.Version == nil:
		return otherFile{errors.New(`not a slogate result: it has no "version"`)}
	case *head.Version != Version:
		return fmt.Errorf("version %d of the result file, this slogate reads version %d", *head.Version, Version)
	}
	return nil
}

// ErrOtherFile is the error of what does not look like a result at all.
var ErrOtherFile = errors.New("not a result file")

type otherFile struct{ error }

func (o otherFile) Unwrap() error      { return o.error }
func (otherFile) Is(target error) bool { return target == ErrOtherFile }

// describe turns the errors of encoding/json into words for a user.
func describe(err error, text []byte) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		if syntax.Offset >= int64(len(text)) {
			return otherFile{errors.New("truncated, or not JSON")}
		}
		return otherFile{fmt.Errorf("line %d: not JSON: %w", lineOf(text, syntax.Offset), err)}
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		place := strings.TrimPrefix(kind.Field+": ", ": ")
		return fmt.Errorf("line %d: %sfound %s", lineOf(text, kind.Offset), place, kind.Value)
	}
	return err
}

func lineOf(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n"))
}

// WriteFile writes a result file so that a reader sees the old content or the
// new, never a part: whatever goes wrong, an existing file stays as it is.
func WriteFile(path string, r *Run) error {
	if err := Replace(path, func(w io.Writer) error { return Encode(w, r) }); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// Replace writes a file under another name and renames it when its content has
// reached the disk: a reader sees the old content or the new, never a part. A
// link at its place is replaced, not followed.
func Replace(path string, write func(io.Writer) error) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return ReplaceIn(folder, filepath.Base(path), write)
}

// ReplaceIn is Replace in a folder that is open: what becomes of the way to it
// leads to no other one.
func ReplaceIn(folder *os.Root, name string, write func(io.Writer) error) (err error) {
	temporary := "." + name + "." + rand.Text()
	f, err := folder.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			folder.Remove(temporary)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	// 0600 would hide the file from a later step of another user.
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return folder.Rename(temporary, name)
}

// ReadFile reads a result file, or a pipe that somebody writes one to.
func ReadFile(path string) (*Run, error) {
	f, err := OpenFile(path)
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	defer f.Close()
	r, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read result %s: %w", path, err)
	}
	return r, nil
}

// OpenFile opens a file that a user names, or a pipe. One that nobody writes to
// is empty: what waits for a writer could not be interrupted.
func OpenFile(path string) (*os.File, error) {
	flags := os.O_RDONLY
	if info, err := os.Stat(path); err == nil {
		if info.Mode()&fs.ModeNamedPipe != 0 {
			flags |= syscall.O_NONBLOCK
		} else if err := CheckFile(info); err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
	return os.OpenFile(path, flags, 0)
}

// CheckFile refuses a file before it is read: what has no end, such as a
// device, and what is larger than every result.
func CheckFile(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	case info.Size() > maxFile:
		return errTooLarge
	}
	return nil
}

var errTooLarge = fmt.Errorf("larger than %d MiB", maxFile>>20)
