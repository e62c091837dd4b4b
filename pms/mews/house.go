package mews

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"edgeagent/internal/zones"
)

// house is what of the property seldom changes: its rooms and services. A house
// is never changed once it is read, so that reads under way can use it.
type house struct {
	enterprise enterpriseRow
	zone       *time.Location  // nil: unknown here
	stays      map[string]bool // ids of the services that are stays
	rooms      map[string]room // by id
	read       time.Time
}

// room is a resource that can be assigned.
type room struct {
	name, category, parent string
	state                  string
	updated                time.Time
	// sleeps says that its category is one for sleeping in, bed that it is a part
	// of the room above it, with no door of its own.
	sleeps, bed bool
}

// sleeping are the types of resource categories in which somebody spends the
// night (Connector API, Resource categories). The rest are parking spaces,
// meeting rooms, bicycles; a type that is new is taken for such a one.
var sleeping = map[string]bool{
	"Room": true, "Bed": true, "Dorm": true, "Apartment": true, "Suite": true, "Villa": true,
	"Tent": true, "CaravanOrRV": true, "UnequippedCampsite": true, "Site": true, "PrivateSpaces": true,
}

// readHouse reads what seldom changes: six requests for an ordinary hotel.
func (s *Source) readHouse(ctx context.Context) (*house, error) {
	h := &house{stays: map[string]bool{}, rooms: map[string]room{}, read: s.now()}
	if err := s.readEnterprise(ctx, h); err != nil {
		return nil, err
	}
	var services []serviceRow
	err := list(ctx, s.api, reading, "services/getAll", nil, 0, func(p *struct {
		Services rows[serviceRow]
		Cursor   string
	}) (int, string) {
		services = append(services, p.Services.good...)
		return p.Services.len(), p.Cursor
	})
	if err != nil {
		return nil, err
	}
	categories, err := s.readCategories(ctx, services)
	if err != nil {
		return nil, err
	}
	s.chooseServices(h, services, categories)
	return h, s.readRooms(ctx, h, categories)
}

// readEnterprise reads the property's own data, and with it Mews's clock.
func (s *Source) readEnterprise(ctx context.Context, h *house) error {
	var answer struct {
		NowUtc     instant
		Enterprise enterpriseRow
	}
	err := s.api.persist(ctx, func() error {
		sent := s.now()
		err := s.api.call(ctx, reading, "configuration/get", nil, &answer)
		if err == nil && !answer.NowUtc.IsZero() {
			s.clock.learn(answer.NowUtc.Time, sent, s.now())
		}
		return err
	}, func(error) bool { return false })
	h.enterprise = answer.Enterprise
	if zone, zoneErr := zones.Load(h.enterprise.TimeZoneIdentifier); zoneErr == nil && h.enterprise.TimeZoneIdentifier != "" {
		h.zone = zone
	}
	return err
}

// readCategories reads the room categories of the bookable services.
func (s *Source) readCategories(ctx context.Context, services []serviceRow) (map[string]categoryRow, error) {
	var bookable []string
	for _, v := range services {
		if v.Data.Discriminator == "Bookable" && yes(v.IsActive) {
			bookable = append(bookable, v.ID)
		}
	}
	categories := map[string]categoryRow{}
	if len(bookable) == 0 {
		return categories, nil
	}
	err := listByIDs(ctx, s.api, reading, "resourceCategories/getAll", "ServiceIds", bookable, nil, false, func(p *struct {
		ResourceCategories rows[categoryRow]
		Cursor             string
	}) (int, string) {
		for _, c := range p.ResourceCategories.good {
			categories[id(c.ID)] = c
		}
		return p.ResourceCategories.len(), p.Cursor
	})
	return categories, err
}

// chooseServices finds the services whose reservations are stays: those that
// the property file names, or else all that have rooms for sleeping in.
func (s *Source) chooseServices(h *house, services []serviceRow, categories map[string]categoryRow) {
	if len(s.cfg.Services) > 0 {
		for _, v := range services {
			if slices.ContainsFunc(s.cfg.Services, v.called) {
				h.stays[id(v.ID)] = true
			}
		}
		return
	}
	for _, c := range categories {
		if sleeping[c.Type] {
			h.stays[id(c.ServiceID)] = true
		}
	}
}

// called reports whether the service goes by that id or name.
func (v *serviceRow) called(text string) bool {
	if id(v.ID) == id(text) || strings.EqualFold(v.Name, text) {
		return true
	}
	for _, name := range v.Names {
		if strings.EqualFold(name, text) {
			return true
		}
	}
	return false
}

// readRooms reads all rooms, and which category each has.
func (s *Source) readRooms(ctx context.Context, h *house, categories map[string]categoryRow) error {
	all, err := s.readResources(ctx, nil)
	if err != nil || len(categories) == 0 {
		h.fill(s, all, nil)
		return err
	}
	ids := make([]string, 0, len(categories))
	for _, c := range categories {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	of := map[string]categoryRow{}
	err = listByIDs(ctx, s.api, reading, "resourceCategoryAssignments/getAll", "ResourceCategoryIds", ids, nil, false, func(p *struct {
		Assignments rows[assignmentRow] `json:"ResourceCategoryAssignments"`
		Cursor      string
	}) (int, string) {
		for _, a := range p.Assignments.good {
			if c, ok := categories[id(a.CategoryID)]; ok && yes(a.IsActive) {
				if had, twice := of[id(a.ResourceID)]; !twice || !sleeping[had.Type] {
					of[id(a.ResourceID)] = c
				}
			}
		}
		return p.Assignments.len(), p.Cursor
	})
	h.fill(s, all, of)
	return err
}

// readResources reads rooms, all or those that a filter leaves.
func (s *Source) readResources(ctx context.Context, filter fields) ([]resourceRow, error) {
	body := fields{"Extent": fields{"Resources": true, "Inactive": false}}
	maps.Copy(body, filter)
	var found []resourceRow
	most := 0
	if ids, ok := filter["ResourceIds"].([]string); ok {
		most = len(ids)
	}
	err := list(ctx, s.api, reading, "resources/getAll", body, most, func(p *struct {
		Resources rows[resourceRow]
		Cursor    string
	}) (int, string) {
		found = append(found, p.Resources.good...)
		return p.Resources.len(), p.Cursor
	})
	return found, err
}

// fill makes rooms of resources.
func (h *house) fill(s *Source, all []resourceRow, of map[string]categoryRow) {
	for _, r := range all {
		c, known := of[id(r.ID)]
		h.rooms[id(r.ID)] = room{
			name: s.roomName(r.Name), parent: id(r.ParentID), state: r.State, updated: r.UpdatedUtc.Time,
			category: c.name(h.enterprise.DefaultLanguageCode), sleeps: !known || sleeping[c.Type], bed: !known || c.Type == "Bed",
		}
	}
}

// name is what staff call a category: its short name where it has one.
func (c *categoryRow) name(language string) string {
	for _, names := range []map[string]string{c.ShortNames, c.Names} {
		if n := names[language]; n != "" {
			return n
		}
		best := ""
		for _, n := range names {
			if n != "" && (best == "" || n < best) {
				best = n
			}
		}
		if best != "" {
			return best
		}
	}
	return ""
}

// roomName translates a room's name to the one used here.
func (s *Source) roomName(name string) string {
	name = strings.TrimSpace(name)
	if here := s.cfg.Rooms[name]; here != "" {
		return here
	}
	return name
}

// with is the house with some rooms as they are now.
func (h *house) with(s *Source, news []resourceRow) *house {
	if len(news) == 0 {
		return h
	}
	next := *h
	next.rooms = make(map[string]room, len(h.rooms)+len(news))
	maps.Copy(next.rooms, h.rooms)
	for _, row := range news {
		old, known := h.rooms[id(row.ID)]
		if known && row.UpdatedUtc.Before(old.updated) {
			continue
		}
		next.rooms[id(row.ID)] = room{
			name: s.roomName(row.Name), parent: id(row.ParentID), state: row.State, updated: row.UpdatedUtc.Time,
			category: old.category, sleeps: !known || old.sleeps, bed: !known || old.bed,
		}
	}
	return &next
}

// ordinary reports whether a name is that of rooms without a part that could
// be let on its own. A house that has not been read yet knows none.
func (h *house) ordinary(name string) bool {
	if h == nil {
		return false
	}
	known := map[string]bool{}
	for key, r := range h.rooms {
		if r.name == name {
			known[key] = true
		}
	}
	for key, r := range h.rooms {
		_, _, shared, _ := h.place(key)
		if known[r.parent] || known[key] && shared {
			return false
		}
	}
	return len(known) > 0
}

// place is the room of a resource by its name here; a bed stands in the room
// above it, while a room that is part of a suite has its own door. shared says that other guests can be in that room.
func (h *house) place(resource string) (name, category string, shared, known bool) {
	r, known := h.rooms[id(resource)]
	if !known {
		return "", "", false, false
	}
	if above, ok := h.rooms[r.parent]; ok && r.bed && r.parent != "" {
		return above.name, r.category, true, true
	}
	return r.name, r.category, false, true
}
