package baseline

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/slogate/slogate/result"
)

// Limits of an artifact. The result of an hour's run with ten steps has less
// than 10 MB, and half of that as an archive.
const (
	largestArchive = 16 << 20 // bytes
	largestResult  = 64 << 20 // bytes, inflated
	mostEntries    = 1000
)

// readArchive returns the result in an artifact's archive. Nothing is written
// to the disk, so that a name in it cannot lead anywhere.
func readArchive(archive []byte) (*result.Run, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, errors.New("not a zip archive")
	}
	entry, err := resultEntry(z.File)
	if err != nil {
		return nil, err
	}
	text, err := inflate(entry)
	if err != nil {
		return nil, err
	}
	return result.Decode(bytes.NewReader(text))
}

// resultEntry finds the one result in an archive: a user's own upload may hold
// the reports too, in a folder.
func resultEntry(entries []*zip.File) (*zip.File, error) {
	if len(entries) > mostEntries {
		return nil, fmt.Errorf("more than %d files in the archive", mostEntries)
	}
	var found *zip.File
	for _, e := range entries {
		if path.Base(e.Name) != ResultFile || !e.Mode().IsRegular() {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("more than one %s in the archive", ResultFile)
		}
		found = e
	}
	if found == nil {
		return nil, fmt.Errorf("no %s in the archive", ResultFile)
	}
	return found, nil
}

// inflate reads an entry. Its header says how large it is, and may lie.
func inflate(entry *zip.File) ([]byte, error) {
	tooLarge := fmt.Errorf("%s is larger than %d MiB", ResultFile, largestResult>>20)
	if entry.UncompressedSize64 > largestResult {
		return nil, tooLarge
	}
	r, err := entry.Open()
	if err != nil {
		return nil, fmt.Errorf("the archive is damaged: %w", err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, largestResult+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the archive is damaged: %w", err)
	case len(text) > largestResult:
		return nil, tooLarge
	}
	return text, nil
}

// writeArchive packs a result file as an artifact.
func writeArchive(text []byte) ([]byte, error) {
	if len(text) > largestResult {
		return nil, fmt.Errorf("the result has %d MB, at most %d are read again", len(text)/1e6, largestResult/1_000_000)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(ResultFile)
	if err == nil {
		_, err = w.Write(text)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("pack the result: %w", err)
	}
	if b.Len() > largestArchive {
		return nil, fmt.Errorf("the result has %d MB as an archive, at most %d are kept", b.Len()/1e6, largestArchive/1_000_000)
	}
	return b.Bytes(), nil
}
