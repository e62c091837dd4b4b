package offsetstore

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// Two formats that may come one day.
func toTwo(tx *bbolt.Tx) error {
	_, err := tx.CreateBucketIfNotExists([]byte("two"))
	return err
}

func toThree(tx *bbolt.Tx) error {
	if tx.Bucket([]byte("two")) == nil {
		return errors.New("not in order")
	}
	return tx.DeleteBucket([]byte("two"))
}

// one is the path of a store of format 1 that has something in it.
func one(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	if err := s.Accept(Batch{Source: "pms", Offset: "7", Commands: []Command{job("j", "room:101")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func file(t *testing.T, path string) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// A store is brought forward step by step, and kept as it was before.
func TestMigrate(t *testing.T) {
	path := one(t)
	db := file(t, path)
	if err := migrate(db, []step{toTwo, toThree}); err != nil {
		t.Fatal(err)
	}
	if f, err := formatOf(db); f != 3 || err != nil {
		t.Errorf("format %d, %v", f, err)
	}
	if err := migrate(db, []step{toTwo, toThree}); err != nil {
		t.Errorf("once more: %v", err)
	}
	db.Close()
	if info, err := os.Stat(path + ".format1"); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the copy: %v, %v", info, err)
	}

	// What a person does to go back to the version before.
	_, err := Open(path, Options{})
	want := "open " + path + ": the file has format 3, this edgeagent knows up to 1: install the newer edgeagent again; " +
		path + ".format1 is the store as it was before, and what has happened since then is not in it"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if err := os.Rename(path+".format1", path); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	defer s.Close()
	if offset, err := s.Offset("pms"); offset != "7" || err != nil {
		t.Errorf("offset %q, %v", offset, err)
	}
	if commands, err := s.Open(); len(commands) != 1 || err != nil {
		t.Errorf("commands %v, %v", commands, err)
	}
}

// A step that fails leaves the store as it was: the version before can open it.
func TestMigrateThatFails(t *testing.T) {
	path := one(t)
	db := file(t, path)
	err := migrate(db, []step{toTwo, func(*bbolt.Tx) error { return errors.New("a stay cannot be read") }})
	if err == nil || err.Error() != "change from format 2 to 3: a stay cannot be read" {
		t.Error(err)
	}
	db.Close()
	open(t, path).Close()
}

// Without a copy nothing is changed.
func TestMigrateWithoutACopy(t *testing.T) {
	path := one(t)
	if err := os.Mkdir(path+".format1", 0o700); err != nil { // no file can take its place
		t.Fatal(err)
	}
	db := file(t, path)
	if err := migrate(db, []step{toTwo}); err == nil {
		t.Error("no copy, and no error")
	}
	if f, err := formatOf(db); f != 1 || err != nil {
		t.Errorf("format %d, %v", f, err)
	}
}

// Format is what the steps lead to, and a file whose format cannot be read is told of.
func TestFormat(t *testing.T) {
	if Format != 1+len(steps()) {
		t.Errorf("Format is %d, and there are %d steps", Format, len(steps()))
	}
	path := one(t)
	db := file(t, path)
	if err := db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put([]byte("format"), binary.BigEndian.AppendUint16(nil, 1))
	}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := Open(path, Options{}); err == nil || err.Error() != "open "+path+": the format of the file cannot be read" {
		t.Error(err)
	}
}
