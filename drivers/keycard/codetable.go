package keycard

import "maps"

// class says what can be done about an error result.
type class string

const (
	classRetry     class = "retryable" // by itself, after a pause
	classOperator  class = "operator"  // a person must act, then ask again
	classPermanent class = "permanent" // the same request cannot work
)

// codeInfo is what an error code of the lock system means.
type codeInfo struct {
	class  class
	reason Reason
	hint   string
	// once is the part of t_busy after which it is tried a second time, and no more; 0 for nothing of the kind.
	once int
	// ours: what keeps the encoder busy can be an earlier command of ours.
	ours bool
	// alarm: a setting is wrong, so the status page says it until something else comes of a request.
	alarm bool
	// down: no encoder works until a person has seen to the lock system.
	down bool
}

// standardCodes are the error codes of the Industry Standard link that both
// dialects have. EN and ER are known from relatives only.
var standardCodes = map[string]codeInfo{
	"ES": {class: classPermanent, reason: BadRequest, hint: "the lock system does not understand the request: check encoder name, rooms and authorisations in the property file", alarm: true},
	"NC": {class: classOperator, reason: EncoderOffline, hint: "the encoder does not answer: check its power, cable and its name in the property file", once: 5},
	"NF": {class: classPermanent, reason: LockSystemError, hint: "database files of the lock system are damaged or missing: call its support", down: true},
	"OV": {class: classRetry, reason: EncoderBusy, hint: "the encoder is busy with another card", ours: true},
	"EO": {class: classRetry, reason: EncoderBusy, hint: "another station is working on this room or card"},
	"EP": {class: classOperator, reason: NoCard, hint: "no card, or it lies wrongly: place or turn the card and ask again"},
	"ED": {class: classOperator, reason: NoCard, hint: "no card was presented: ask again and hold a card to the encoder"},
	"EF": {class: classOperator, reason: CardDamaged, hint: "the card cannot be written: take another and hold it until the beep"},
	"EN": {class: classOperator, reason: CardDamaged, hint: "the magnetic signal is weak: clean the encoder's head and take another card"},
	"EA": {class: classPermanent, reason: RoomNotCheckedIn, hint: "the room is checked out in the lock system: make a new key instead of a copy"},
	"TD": {class: classPermanent, reason: RoomUnknown, hint: "the lock system does not know the room: map it under rooms in the property file", alarm: true},
	"OS": {class: classPermanent, reason: RoomOutOfService, hint: "the room is out of service in the lock system: release it there"},
	"ER": {class: classOperator, reason: LockSystemError, hint: "the lock system reports an error"},
}

var saltoCodes = with(standardCodes, map[string]codeInfo{
	"EV": {class: classOperator, reason: CardIsStaff, hint: "this is a staff card: take a blank one"},
	"EG": {class: classOperator, reason: LockSystemError, hint: "the lock system reports an error"},
})

var onityCodes = with(standardCodes, map[string]codeInfo{
	"ES": {class: classPermanent, reason: BadRequest, hint: "the lock system does not understand the request: check encoder number, rooms, max_rooms and authorisations in the property file", alarm: true},
	"NC": {class: classOperator, reason: EncoderOffline, hint: "the encoder does not answer: check its power, cable and its number in the property file", once: 5},
	"ED": {class: classOperator, reason: NoCard, hint: "no card was put in: ask again and put a card into the encoder"},
})

// vingcardCodes are the answers of VingCard; a command before the code means
// that the code says something else there.
var vingcardCodes = map[string]codeInfo{
	"1":  {class: classOperator, reason: LockSystemError, hint: "the lock system does not say what is wrong, often a character that it does not take: look at room, user_type and user_group in the property file"},
	"E1": {class: classOperator, reason: CardDamaged, hint: "the card is not recognised: it is blank, foreign or damaged"},
	"2":  {class: classRetry, reason: LockSystemError, hint: "Vision is not running: start it on its computer", once: 1, down: true},
	"5":  {class: classRetry, reason: EncoderBusy, hint: "another program is using the encoder", ours: true},
	"6":  {class: classPermanent, reason: MaxKeys, hint: "the room has as many cards as Vision allows"},
	"8":  {class: classOperator, reason: NoCard, hint: "no card was presented: ask again and hold a card to the encoder"},
	"9":  {class: classPermanent, reason: RoomNotCheckedIn, hint: "no guest is checked in there: make a new key instead of a copy"},
	"D":  {class: classPermanent, reason: BadRequest, hint: "the start of the stay is refused: compare the clocks of the gateway and of Vision's computer"},
	"O":  {class: classPermanent, reason: BadRequest, hint: "the end of the stay is refused: look at the departure in the PMS"},
	"R":  {class: classPermanent, reason: RoomUnknown, hint: "the lock system does not know the room: map it under rooms in the property file", alarm: true},
}

func with(codes, more map[string]codeInfo) map[string]codeInfo {
	all := maps.Clone(codes)
	maps.Copy(all, more)
	return all
}

// codeOf looks the answer to a command up; a code that nobody knows is shown to the operator as it is.
func (d *dialect) codeOf(command, code string) codeInfo {
	if info, ok := d.codes[command+code]; ok {
		return info
	}
	if info, ok := d.codes[code]; ok {
		return info
	}
	return codeInfo{class: classOperator, reason: LockSystemError, hint: "the lock system answers with a code that is not known"}
}

// couldBeSuccess reports whether a code that nobody knows can be the command's
// own name, damaged in one letter where the check byte is damaged to fit: then
// it was the word of success, and nobody knows which of the two it is.
func (d *dialect) couldBeSuccess(command, code string) bool {
	if _, known := d.codes[code]; known || len(code) < 2 || len(code) != len(command) {
		return false
	}
	others := 0
	for i := range len(code) {
		if code[i] != command[i] {
			others++
		}
	}
	return others == 1
}
