package hwsim

// Finding is something that is wrong in the house now.
type Finding struct {
	// About is which promise of the house: TVs, WiFi, keys, Mews, PMS.
	About string `json:"about"`
	Text  string `json:"text"`
}

// Wrong is the judge's view of the house as it is now. What has just been told
// to the PMS is wrong until the agent has done it. Of a rehearsal, what is
// missing in the property file is left out.
func (h *Hotel) Wrong() []Finding {
	list := []Finding{}
	add := func(about string, faults []string) {
		for _, text := range faults {
			list = append(list, Finding{about, text})
		}
	}
	played := h.opt.Rehearsal == nil
	if played || h.site.tvPath != "" {
		add("TVs", h.Screens())
	}
	if played || h.site.wifiPath != "" {
		add("WiFi", h.Codes())
	}
	add("keys", h.WrongKeys())
	if !h.site.ownRules { // else they say how many cards there are
		add("keys", h.CutTwice())
	}
	add("keys and codes", h.Endless())
	add("Mews", h.Unanswered())
	if h.Annex != nil {
		for _, v := range h.Annex.Violations() {
			add("Mews", []string{"the agent broke a rule: " + v.String()})
		}
	}
	for _, v := range h.PMS.Audit().Violations {
		if v.Rule != "complete" { // a power cut leaves the stream without a word
			add("PMS", []string{"the agent broke a rule: " + v.String()})
		}
	}
	return list
}
