package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// file is one file of an archive.
type file struct {
	name    string
	mode    fs.FileMode
	content []byte
}

// tarball writes files in the given order, of one time and of user 0.
func tarball(path string, files []file, at time.Time) error {
	return written(path, func(w io.Writer) error {
		packed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		archive := tar.NewWriter(packed)
		for _, f := range files {
			h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: int64(f.mode), Size: int64(len(f.content)), ModTime: at, Format: tar.FormatUSTAR}
			if err := archive.WriteHeader(h); err != nil {
				return err
			}
			if _, err := archive.Write(f.content); err != nil {
				return err
			}
		}
		return errors.Join(archive.Close(), packed.Close())
	})
}

// zipped writes files in the given order and of one time.
func zipped(path string, files []file, at time.Time) error {
	return written(path, func(w io.Writer) error {
		archive := zip.NewWriter(w)
		for _, f := range files {
			h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at}
			h.SetMode(f.mode)
			entry, err := archive.CreateHeader(h)
			if err != nil {
				return err
			}
			if _, err := entry.Write(f.content); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

func written(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
