package webapi

import (
	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/workspace"
)

var viewMethods = map[string]method{
	"views.open":    {'b', nil, func(c *call) (workspace.Body, error) { return openView(c, false) }},
	"views.push":    {'b', nil, func(c *call) (workspace.Body, error) { return openView(c, true) }},
	"views.update":  {'b', nil, updateView},
	"views.publish": {'b', nil, publishView},
}

// openView is views.open and views.push. The view is checked before the trigger is
// used up, so an app may try again with a better view while the three seconds last.
func openView(c *call, push bool) (workspace.Body, error) {
	s := c.s
	v, err := s.NewView(c, "modal")
	if err != nil {
		return nil, err
	}
	if ext := blockkit.Text(v.Body, "external_id"); ext != "" && s.ViewBy("", ext) != nil {
		return nil, workspace.Refuse("duplicate_external_id")
	}
	user, err := s.Exchange(c.Text("trigger_id"))
	if err != nil {
		return nil, err
	}
	if push {
		if err := s.Push(user, v); err != nil {
			return nil, err
		}
	} else {
		v.User, v.Root = user, v.ID
		s.Memory.Modals[user] = []*workspace.StoredView{v}
	}
	s.AnnounceView(user)
	return workspace.Body{"view": s.WireView(v, nil)}, nil
}

// updateView changes a view that is still open. One that was closed meanwhile is
// not_found: apps cannot bring it back.
func updateView(c *call) (workspace.Body, error) {
	s := c.s
	v := s.ViewBy(c.Text("view_id"), c.Text("external_id"))
	if v == nil {
		return nil, workspace.Refuse("not_found")
	}
	if hash := c.Text("hash"); hash != "" && hash != v.Hash {
		return nil, workspace.Refuse("hash_conflict")
	}
	next, err := s.NewView(c, blockkit.Text(v.Body, "type"))
	if err != nil {
		return nil, err
	}
	s.ReplaceView(v, next)
	return workspace.Body{"view": s.WireView(v, nil)}, nil
}

// publishView replaces a person's Home. Its id stays the same from the first time on.
func publishView(c *call) (workspace.Body, error) {
	s := c.s
	if !s.App.Home {
		return nil, workspace.Refuse("not_enabled")
	}
	user := s.Memory.User(c.Text("user_id"))
	if user == nil || user.IsBot {
		return nil, workspace.Refuse("invalid_arguments", "[ERROR] no such user [json-pointer:/user_id]")
	}
	v, err := s.NewView(c, "home")
	if err != nil {
		return nil, err
	}
	old := s.Memory.Homes[user.ID]
	if hash := c.Text("hash"); hash != "" && (old == nil || hash != old.Hash) {
		return nil, workspace.Refuse("hash_conflict")
	}
	v.User, v.Root = user.ID, v.ID
	if old != nil {
		v.ID, v.Root = old.ID, old.ID
	}
	s.Memory.Homes[user.ID] = v
	s.AnnounceHome(user.ID)
	return workspace.Body{"view": s.WireView(v, nil)}, nil
}
