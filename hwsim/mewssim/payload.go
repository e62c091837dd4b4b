package mewssim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// KeyOrder says how an order for keys differs from what Mews would make of the
// reservation. The zero value is one key, as Mews makes it.
type KeyOrder struct {
	Count int // 0 means 1
	// Locks replaces LockIds; nil means those of the room, empty is an empty list.
	Locks []string
	// Data replaces KeyCutterData, whether it is JSON or not; nil means the device's.
	Data *string
	// Start and End replace the reservation's times.
	Start, End time.Time
	// Created replaces the time of the order, to make it an old one.
	Created time.Time
	Creator string
	// State is the one it is made in; "" means Pending.
	State string
}

// keyData is the payload of a key cutter (Connector API, Commands).
func (s *Server) keyData(d *Device, r *Reservation, o KeyOrder) json.RawMessage {
	owner, _ := s.world.customers.get(r.Owner)
	if r.Company {
		owner = Customer{LastName: "Company"}
	}
	if o.Locks == nil {
		room, _ := s.world.rooms.get(r.Room)
		o.Locks = room.Locks
		if o.Locks == nil {
			o.Locks = []string{room.Name}
		}
	}
	if o.Data == nil {
		o.Data = &d.Data
	}
	start, end := r.start(), r.end()
	if !o.Start.IsZero() {
		start = o.Start
	}
	if !o.End.IsZero() {
		end = o.End
	}
	return encode(object{
		"KeyCutterId": optional(d.Identifier), "ApiUrl": optional(d.APIURL), "KeyCutterData": optional(*o.Data), "KeyCount": or(o.Count, 1),
		"LockIds": o.Locks, "StartUtc": instant(start), "EndUtc": instant(end),
		"FirstName": optional(owner.FirstName), "LastName": owner.LastName,
		"NormalizedFirstName": optional(plain(owner.FirstName)), "NormalizedLastName": optional(plain(owner.LastName)),
		"Telephone": optional(owner.Phone), "Email": optional(owner.Email), "ReservationId": r.ID, "ReservationNumber": r.Number,
	})
}

func encode(payload object) json.RawMessage {
	text, _ := json.Marshal(payload) // texts, numbers and nulls
	return text
}

// plain is a name in ASCII, as old lock protocols want it.
func plain(name string) string {
	const marked, bare = "áàâäãåčçćďéèêëěíìîïňñńóòôöõøőřšśťúùûüůűýžźż", "aaaaaacccdeeeeeiiiinnnooooooorsstuuuuuuyzzz"
	letters := []rune(marked)
	var out strings.Builder
	for _, r := range name {
		lower := unicode.ToLower(r)
		switch {
		case r < unicode.MaxASCII:
			out.WriteRune(r)
		case r == 'ß':
			out.WriteString("ss")
		case lower == 'æ':
			out.WriteString("ae")
		default:
			for i, m := range letters {
				if m == lower && r == lower {
					out.WriteByte(bare[i])
				} else if m == lower {
					out.WriteRune(unicode.ToUpper(rune(bare[i])))
				}
			}
		}
	}
	return out.String()
}

// CutKey orders keys for a reservation at the desk.
func (s *Server) CutKey(device, reservation string, count int) (id string, err error) {
	return s.CutKeyWith(device, reservation, KeyOrder{Count: count})
}

// CutKeyWith orders keys in a particular way.
func (s *Server) CutKeyWith(device, reservation string, o KeyOrder) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, known := s.world.devices.get(device)
	if !known || d.Type != KeyCutter {
		return "", fmt.Errorf("no key cutter %s", device)
	}
	r, known := s.world.reservations.get(reservation)
	if !known || r.Room == "" && o.Locks == nil {
		return "", fmt.Errorf("no reservation %s with a room", reservation)
	}
	return s.order(Command{Device: device, Data: s.keyData(&d, &r, o), Created: o.Created, Creator: o.Creator, State: o.State})
}

// Print orders a print of a file, such as application/pdf.
func (s *Server) Print(device string, copies int, mime string, file []byte) (id string, err error) {
	return s.AddRawCommand(Command{Device: device, Data: encode(object{"CopyCount": copies, "FileType": mime,
		"FileData": base64.StdEncoding.EncodeToString(file), "PrinterName": "Front desk", "PrinterDriverName": "", "PrinterPortName": ""})})
}

// ScanPassport orders a scan for a customer, or for the companions of a
// reservation; either may be "".
func (s *Server) ScanPassport(device, customer, reservation string) (id string, err error) {
	d, _ := s.Device(device)
	return s.AddRawCommand(Command{Device: device, Data: encode(object{"PassportScannerId": optional(d.Identifier),
		"CustomerId": optional(customer), "ReservationId": optional(reservation)})})
}

// Charge orders a payment at a terminal, gross, in EUR.
func (s *Server) Charge(device, account string, amount float64) (id string, err error) {
	d, _ := s.Device(device)
	return s.AddRawCommand(Command{Device: device, Data: encode(object{"PaymentTerminalId": optional(d.Identifier), "AccountId": account,
		"BillId": nil, "PaymentId": nil, "PreauthorizationId": nil, "Fee": nil, "PaymentTerminalData": optional(d.Data),
		"Amount":      object{"Currency": "EUR", "NetValue": amount, "GrossValue": amount, "TaxValues": []object{}, "Breakdown": object{"Items": []object{}}},
		"AccountData": object{"Discriminator": "Customer", "Customer": object{"FullName": "Guest"}, "Company": nil}})})
}

// Fiscalize orders a bill to be signed by a fiscal machine.
func (s *Server) Fiscalize(device, bill string) (id string, err error) {
	d, _ := s.Device(device)
	return s.AddRawCommand(Command{Device: device, Data: encode(object{"FiscalMachineId": optional(d.Identifier), "ApiUrl": optional(d.APIURL),
		"FiscalMachineData": optional(d.Data), "TaxIdentifier": nil, "BillFiscalMachineData": nil, "PayloadData": nil,
		"Bill": object{"Id": bill, "Number": "1", "State": "Closed"}})})
}

// AddRawCommand queues any payload for any device, as it is given; ID and History
// are the server's, State and Created as well if they are not given.
func (s *Server) AddRawCommand(c Command) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.History, c.Data = nil, slices.Clone(c.Data)
	if len(c.Data) == 0 {
		c.Data = json.RawMessage("{}")
	}
	if !json.Valid(c.Data) {
		return "", fmt.Errorf("a payload must be JSON: %.40q", c.Data)
	}
	return s.order(c)
}
