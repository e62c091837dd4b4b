package mewssim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// housekeeping are the states of a resource.
func housekeeping(state string) bool {
	return slices.Contains([]string{"Dirty", "Clean", "Inspected", "OutOfService", "OutOfOrder"}, state)
}

func getResources(s *Server, q *request) (object, error) {
	ids, names, ours := q.ids("ResourceIds", most, false), q.values("Names", most, false), q.ourEnterprise(s)
	created, updated, order := q.stamps()
	extent := q.extent(true, "Resources", "Inactive")
	q.limitation(true)
	rows, cursor := list(s, q, &s.world.rooms,
		func(r *Room) time.Time { return order(r.Created, r.Updated) },
		func(r *Room) bool {
			return ours && ids.has(r.ID) && names.has(r.Name) && created.has(r.Created) && updated.has(r.Updated) &&
				(!r.Inactive || extent["Inactive"])
		})
	var resources any
	if extent["Resources"] {
		resources = render(s, rows, s.resource)
	}
	return object{"Resources": resources, "ResourceCategories": nil, "ResourceCategoryAssignments": nil, "ResourceCategoryImageAssignments": nil,
		"ResourceFeatures": nil, "ResourceFeatureAssignments": nil, "Cursor": cursor}, q.err()
}

func (s *Server) resource(r *Room) object {
	return object{"Id": r.ID, "EnterpriseId": s.world.enterprise, "IsActive": !r.Inactive, "Name": r.Name, "ParentResourceId": optional(r.Parent),
		"State": r.State, "StateReason": nil, "Descriptions": object{}, "Directions": object{}, "ExternalNames": object{},
		"Data":       object{"Discriminator": "Space", "Value": object{"FloorNumber": r.Floor, "LocationNotes": nil}},
		"CreatedUtc": instant(r.Created), "UpdatedUtc": instant(r.Updated)}
}

// updateResources is housekeeping written back; all of it is taken or nothing.
func updateResources(s *Server, q *request) (object, error) {
	var updates []struct {
		ResourceID         string `json:"ResourceId"`
		State, StateReason *struct{ Value *string }
		FloorNumber        json.RawMessage
	}
	if q.take("ResourceUpdates", &updates, true) && (len(updates) == 0 || len(updates) > most) {
		q.fail("Invalid ResourceUpdates")
	}
	q.named = len(updates)
	var rooms []Room
	for _, u := range updates {
		room, ok := s.world.rooms.get(strings.ToLower(u.ResourceID))
		if !ok {
			q.fail("Invalid ResourceId")
			break
		}
		if u.State != nil {
			if u.State.Value == nil || !housekeeping(*u.State.Value) {
				q.fail("Invalid State")
				break
			}
			if *u.State.Value == "OutOfOrder" {
				return nil, refuse(http.StatusForbidden, "Resource cannot be put out of order this way")
			}
			room.State = *u.State.Value
		}
		rooms = append(rooms, room)
	}
	if q.problem != nil {
		return nil, q.problem
	}
	for _, room := range rooms {
		s.saveRoom(room)
	}
	return object{}, nil
}

// saveRoom stores a changed room and tells of it; the caller holds mu.
func (s *Server) saveRoom(r Room) {
	r.Updated = s.stamp()
	save(s, &s.world.rooms, r.ID, r)
	s.raise(resourceEvent(&r))
}

func getCategories(s *Server, q *request) (object, error) {
	services, ids, ours := q.ids("ServiceIds", most, true), q.ids("ResourceCategoryIds", most, false), q.ourEnterprise(s)
	states := q.enum("ActivityStates", "Active", "Deleted")
	_, updated, order := q.stamps()
	q.limitation(true)
	rows, cursor := list(s, q, &s.world.categories,
		func(c *Category) time.Time { return order(c.Created, c.Updated) },
		func(c *Category) bool {
			return ours && services.has(c.Service) && ids.has(c.ID) && updated.has(c.Updated) && states.has("Active")
		})
	return object{"ResourceCategories": render(s, rows, s.category), "Cursor": cursor}, q.err()
}

func (s *Server) category(c *Category) object {
	return object{"Id": c.ID, "EnterpriseId": s.world.enterprise, "ServiceId": c.Service, "IsActive": true, "Type": c.Type, "Classification": nil,
		"Names": object{s.options.DefaultLanguage: c.Name}, "ShortNames": object{}, "Descriptions": object{}, "Ordering": 0,
		"Capacity": 2, "ExtraCapacity": 0, "ExternalIdentifier": nil, "AccountingCategoryId": nil,
		"CreatedUtc": instant(c.Created), "UpdatedUtc": instant(c.Updated)}
}

func getAssignments(s *Server, q *request) (object, error) {
	categories, ids, ours := q.ids("ResourceCategoryIds", most, true), q.ids("ResourceCategoryAssignmentIds", most, false), q.ourEnterprise(s)
	states := q.enum("ActivityStates", "Active", "Deleted")
	created, updated, _ := q.stamps()
	q.limitation(true)
	rows, cursor := list(s, q, &s.world.assignments,
		func(a *assignment) time.Time { return a.created },
		func(a *assignment) bool {
			return ours && categories.has(a.category) && ids.has(a.id) && states.has("Active") && created.has(a.created) && updated.has(a.created)
		})
	return object{"ResourceCategoryAssignments": render(s, rows, s.assigned), "Cursor": cursor}, q.err()
}

// assigned is active as long as its room is.
func (s *Server) assigned(a *assignment) object {
	room, _ := s.world.rooms.get(a.room)
	return object{"Id": a.id, "IsActive": !room.Inactive, "ResourceId": a.room, "CategoryId": a.category,
		"CreatedUtc": instant(a.created), "UpdatedUtc": instant(a.created)}
}
