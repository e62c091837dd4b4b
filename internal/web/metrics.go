package web

import (
	"net/http"
	"strconv"

	"edgeagent/internal/metrics"
)

func (p *Page) metrics(w http.ResponseWriter, _ *http.Request) {
	v, ok := p.view(w)
	if !ok {
		return
	}
	for name, n := range v.Counts {
		metrics.WriteCounterUint64(w, "edgeagent_"+name+"_total", uint64(n))
	}
	for _, l := range v.Links {
		metrics.WriteGaugeUint64(w, label("edgeagent_pms_live", "pms", l.Name), boolean(l.Link.State == "live"))
	}
	for _, d := range v.Devices {
		metrics.WriteGaugeUint64(w, label("edgeagent_device_online", "device", d.Name), boolean(d.State.Condition == "online" || d.State.Condition == "busy"))
		metrics.WriteGaugeUint64(w, label("edgeagent_device_waiting", "device", d.Name), uint64(d.Waiting))
	}
	metrics.WriteGaugeUint64(w, "edgeagent_rooms_in_house", uint64(len(v.Rooms)))
	metrics.WriteGaugeUint64(w, "edgeagent_conditions", uint64(len(v.Conditions)))
	metrics.WriteGaugeUint64(w, "edgeagent_store_bytes", uint64(v.StoreBytes))
	metrics.WriteGaugeUint64(w, "edgeagent_quarantined", uint64(v.Quarantine))
	metrics.WriteProcessMetrics(w)
}

func label(name, key, value string) string {
	return name + "{" + key + "=" + strconv.Quote(value) + "}"
}

func boolean(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
