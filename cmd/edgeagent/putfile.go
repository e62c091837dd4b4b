package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// putFile writes a file in the place of an older one, whole or not at all.
func putFile(file string, text []byte, mode os.FileMode) error {
	err := put(file, text, mode)
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err // it names the file before it had its name
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func put(file string, text []byte, mode os.FileMode) error {
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // when it did not get its name
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if mode != 0o600 { // as it was made; a card's boot partition knows no modes
		if err := os.Chmod(f.Name(), mode); err != nil {
			return err
		}
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); !errors.Is(err, syscall.EINVAL) { // some file systems sync no folder
		return err
	}
	return nil
}
