package inspire

// Alarms about something that has happened, shown for a day.
const (
	alarmGap       = "pms-gap"
	alarmEpoch     = "pms-new-epoch"
	alarmOldReplay = "pms-old-replay"
	alarmQuiet     = "pms-quiet"
	alarmCursor    = "pms-cursor"
)

var passing = [...]string{alarmGap, alarmEpoch, alarmOldReplay, alarmCursor}

// standing alarms end with the next healthy stream.
var standingAlarms = [...]string{
	alarmRefused, alarmProtocol, alarmTooBig, alarmLate, alarmLocked, alarmUnknown, alarmNetwork, alarmKickWar, alarmSettings,
}
