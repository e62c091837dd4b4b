package offsetstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// A step brings a file from one format to the next, within one transaction.
type step func(tx *bbolt.Tx) error

// steps lead from format 1 to Format: the first makes a 2 of a 1, and so on.
//
// A version on trial may be stepped back, and the one before must be able to open
// what it leaves. So a release that reads a new format comes before the one that
// first writes it: the step is added, and Format raised, one release later.
func steps() []step { return nil }

// migrate brings the file to the newest format that the steps lead to. Before it
// changes anything it keeps a copy beside the file, which is whole or not there.
func migrate(db *bbolt.DB, steps []step) error {
	have, err := formatOf(db)
	newest := 1 + uint32(len(steps))
	switch {
	case err != nil || have == 0 || have == newest:
		return err
	case have > newest:
		return newer(db.Path(), have, newest)
	}
	if err := keepCopy(db, copyOf(db.Path(), have)); err != nil {
		return fmt.Errorf("copy before the change to format %d: %w", newest, err)
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for i := have; i < newest; i++ {
			if err := steps[i-1](tx); err != nil {
				return fmt.Errorf("change from format %d to %d: %w", i, i+1, err)
			}
		}
		return tx.Bucket(bucketMeta).Put([]byte("format"), binary.BigEndian.AppendUint32(nil, newest))
	})
}

// formatOf is the format of a file, 0 if it is new.
func formatOf(db *bbolt.DB) (format uint32, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil {
			return nil
		}
		v := meta.Get([]byte("format"))
		if v != nil && len(v) != 4 {
			return errors.New("the format of the file cannot be read")
		}
		if v != nil {
			format = binary.BigEndian.Uint32(v)
		}
		return nil
	})
	return format, err
}

// newer is the error of a file that a newer version has written, with the copy
// that this version can read if there is one.
func newer(path string, have, known uint32) error {
	err := fmt.Errorf("the file has format %d, this edgeagent knows up to %d: install the newer edgeagent again", have, known)
	for f := known; f > 0; f-- {
		if _, missing := os.Stat(copyOf(path, f)); !errors.Is(missing, fs.ErrNotExist) {
			return fmt.Errorf("%w; %s is the store as it was before, and what has happened since then is not in it", err, copyOf(path, f))
		}
	}
	return err
}

func copyOf(path string, format uint32) string { return fmt.Sprintf("%s.format%d", path, format) }

// keepCopy writes the file out as it is now.
func keepCopy(db *bbolt.DB, path string) error {
	half := path + ".new"
	f, err := os.OpenFile(half, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(f)
		return err
	})
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(half))
	}
	if err := os.Rename(half, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
