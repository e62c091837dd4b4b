package pn532

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// Record is one record of an NDEF message.
type Record struct {
	// TNF says how Type is meant: 1 well-known, 2 media type, 4 external.
	TNF     byte
	Type    string
	ID      string
	Payload []byte
}

const tnfWellKnown = 1

// uriPrefixes are the abbreviations of a URI record, by their code (NFC Forum
// URI Record Type Definition, 3.2.2).
var uriPrefixes = []string{
	"", "http://www.", "https://www.", "http://", "https://", "tel:", "mailto:", "ftp://anonymous:anonymous@", "ftp://ftp.",
	"ftps://", "sftp://", "smb://", "nfs://", "ftp://", "dav://", "news:", "telnet://", "imap:", "rtsp://", "urn:", "pop:",
	"sip:", "sips:", "tftp:", "btspp://", "btl2cap://", "btgoep://", "tcpobex://", "irdaobex://", "file://", "urn:epc:id:",
	"urn:epc:tag:", "urn:epc:pat:", "urn:epc:raw:", "urn:epc:", "urn:nfc:",
}

// TextRecord is a text in a language, a tag such as "en".
func TextRecord(language, text string) Record {
	language = language[:min(len(language), 0x3F)]
	return Record{TNF: tnfWellKnown, Type: "T", Payload: slices.Concat([]byte{byte(len(language))}, []byte(language), []byte(text))}
}

// URIRecord is an address, with its beginning abbreviated.
func URIRecord(uri string) Record {
	code := 0
	for i, prefix := range uriPrefixes {
		if strings.HasPrefix(uri, prefix) && len(prefix) > len(uriPrefixes[code]) {
			code = i
		}
	}
	return Record{TNF: tnfWellKnown, Type: "U", Payload: append([]byte{byte(code)}, uri[len(uriPrefixes[code]):]...)}
}

// Text gives language and text of a text record.
func (r Record) Text() (language, text string, ok bool) {
	if r.TNF != tnfWellKnown || r.Type != "T" || len(r.Payload) == 0 {
		return "", "", false
	}
	status, rest := r.Payload[0], r.Payload[1:]
	n := int(status & 0x3F)
	if n > len(rest) {
		return "", "", false
	}
	language, rest = string(rest[:n]), rest[n:]
	if status&0x80 == 0 {
		return language, string(rest), true
	}
	if len(rest)%2 != 0 {
		return "", "", false
	}
	units := make([]uint16, len(rest)/2)
	for i := range units {
		units[i] = uint16(rest[2*i])<<8 | uint16(rest[2*i+1])
	}
	return language, string(utf16.Decode(units)), true
}

// URI gives the address of a URI record.
func (r Record) URI() (string, bool) {
	if r.TNF != tnfWellKnown || r.Type != "U" || len(r.Payload) == 0 || int(r.Payload[0]) >= len(uriPrefixes) {
		return "", false
	}
	return uriPrefixes[r.Payload[0]] + string(r.Payload[1:]), true
}

// The bits of a record's first byte (NFC Forum NDEF, 3.2).
const (
	ndefBegin = 0x80
	ndefEnd   = 0x40
	ndefChunk = 0x20
	ndefShort = 0x10
	ndefID    = 0x08
	ndefTNF   = 0x07
)

// appendNDEF appends a message to dst.
func appendNDEF(dst []byte, records ...Record) ([]byte, error) {
	for i, r := range records {
		if r.TNF > 6 || len(r.Type) > 0xFF || len(r.ID) > 0xFF {
			return nil, fmt.Errorf("record %d: type or id do not fit", i+1)
		}
		flags := r.TNF
		if i == 0 {
			flags |= ndefBegin
		}
		if i == len(records)-1 {
			flags |= ndefEnd
		}
		if r.ID != "" {
			flags |= ndefID
		}
		n := len(r.Payload)
		if n <= 0xFF {
			dst = append(dst, flags|ndefShort, byte(len(r.Type)), byte(n))
		} else {
			dst = append(dst, flags, byte(len(r.Type)), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		}
		if r.ID != "" {
			dst = append(dst, byte(len(r.ID)))
		}
		dst = append(append(append(dst, r.Type...), r.ID...), r.Payload...)
	}
	return dst, nil
}

var errNDEF = errors.New("the message on the card cannot be read")

// parseNDEF reads a message. Records in chunks, which nobody writes to cards,
// are refused.
func parseNDEF(b []byte) ([]Record, error) {
	var records []Record
	for len(b) > 0 {
		flags := b[0]
		sizes := 3 // flags, length of the type, of the payload
		if flags&ndefShort == 0 {
			sizes = 6
		}
		at := sizes
		if flags&ndefID != 0 {
			at++
		}
		if len(b) < at || flags&ndefChunk != 0 || flags&ndefBegin != 0 != (len(records) == 0) {
			return nil, errNDEF
		}
		n, id := int(b[2]), 0
		if sizes == 6 {
			n = int(b[2])<<24 | int(b[3])<<16 | int(b[4])<<8 | int(b[5])
		}
		if flags&ndefID != 0 {
			id = int(b[sizes])
		}
		typeEnd := at + int(b[1])
		if n < 0 || n > len(b) || len(b) < typeEnd+id+n {
			return nil, errNDEF
		}
		records = append(records, Record{
			TNF: flags & ndefTNF, Type: string(b[at:typeEnd]), ID: string(b[typeEnd : typeEnd+id]),
			Payload: slices.Clone(b[typeEnd+id : typeEnd+id+n]),
		})
		b = b[typeEnd+id+n:]
		if flags&ndefEnd != 0 {
			return records, nil
		}
	}
	return nil, errNDEF
}

// ndefArea is a message as it stands in the free bytes of a card, and its first
// bytes while it is being written: with length 0.
func ndefArea(message []byte) (area, first []byte) {
	if n := len(message); n < 0xFF {
		area, first = []byte{tlvNDEF, byte(n)}, []byte{tlvNDEF, 0}
	} else {
		area, first = []byte{tlvNDEF, 0xFF, byte(n >> 8), byte(n)}, []byte{tlvNDEF, 0}
	}
	return append(append(area, message...), tlvEnd), append(first, tlvEnd, 0)
}
