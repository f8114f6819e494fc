package slacksim

import (
	"fmt"
	"time"
)

var viewMethods = map[string]method{
	"views.open":    {'b', nil, func(c *call) (reply, error) { return openView(c, false) }},
	"views.push":    {'b', nil, func(c *call) (reply, error) { return openView(c, true) }},
	"views.update":  {'b', nil, updateView},
	"views.publish": {'b', nil, publishView},
}

// maxStack is how many modals may lie on top of one another.
const maxStack = 3

// view is a modal or a Home. Body is what the app sent, with Slack's defaults.
type view struct {
	ID       string         `json:"id"`
	User     string         `json:"user"`
	Hash     string         `json:"hash"`
	Root     string         `json:"root"`
	Previous string         `json:"previous"`
	Body     map[string]any `json:"body"`

	said []Block // the blocks as they were sent, where they are held otherwise
}

func (v *view) blocks() []Block { return blocksIn(v.Body["blocks"]) }

// trigger is the right to open one modal for one person, for three seconds.
type trigger struct {
	user    string
	expires time.Time
	used    bool
}

// newTrigger makes a trigger_id in Slack's three-part form.
func (s *Sim) newTrigger(user string) string {
	id := fmt.Sprintf("%d.%s.%s", time.Now().UnixMilli(), s.ws.nextID("")[1:], shortID(s.ws.nextTS(), 0)+shortID(user, 1))
	now := time.Now()
	for old, t := range s.triggers { // used and expired ones need an answer for a while only
		if now.Sub(t.expires) > time.Minute {
			delete(s.triggers, old)
		}
	}
	s.triggers[id] = &trigger{user: user, expires: now.Add(s.opts.Timing.Trigger)}
	return id
}

// exchange uses up a trigger and says whose it was.
func (s *Sim) exchange(id string) (string, error) {
	t := s.triggers[id]
	switch {
	case id == "":
		return "", refuse("invalid_arguments", "[ERROR] missing required field: trigger_id")
	case t == nil:
		return "", refuse("invalid_trigger_id")
	case t.used:
		return "", refuse("exchanged_trigger_id")
	case time.Now().After(t.expires):
		return "", refuse("expired_trigger_id")
	}
	t.used = true
	return t.user, nil
}

// newView checks a view and gives it an identity.
func (s *Sim) newView(from source, kind string) (*view, error) {
	var body map[string]any
	if !from.has("view") {
		return nil, refuse("invalid_arguments", "[ERROR] missing required field: view")
	}
	if err := from.into("view", &body); err != nil || body == nil {
		return nil, refuse("invalid_arguments", "[ERROR] view is not an object")
	}
	if err := checkView(body, kind, s.pictureOf); err != nil {
		return nil, err
	}
	v := &view{ID: s.ws.nextID("V"), Body: body}
	v.said = s.settle(v.blocks(), v.ID)
	for _, key := range []string{"title", "submit", "close"} {
		if s.faults.rewriting.on() {
			s.rewriter().fields(body[key])
		}
		flag(body[key])
	}
	s.rehash(v)
	return v, nil
}

// rehash marks a view as changed, for those who update it with the hash they know.
func (s *Sim) rehash(v *view) {
	ts := s.ws.nextTS()
	v.Hash = ts + "." + shortID(ts, 7)
}

// openView is views.open and views.push. The view is checked before the trigger is
// used up, so an app may try again with a better view while the three seconds last.
func openView(c *call, push bool) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.newView(c, "modal")
	if err != nil {
		return nil, err
	}
	if ext := text(v.Body, "external_id"); ext != "" && s.viewBy("", ext) != nil {
		return nil, refuse("duplicate_external_id")
	}
	user, err := s.exchange(c.text("trigger_id"))
	if err != nil {
		return nil, err
	}
	if push {
		if err := s.push(user, v); err != nil {
			return nil, err
		}
	} else {
		s.ws.modals[user] = nil
		v.User, v.Root = user, v.ID
		s.ws.modals[user] = []*view{v}
	}
	s.announceView(user)
	return reply{"view": s.wireView(v, nil)}, nil
}

// push lays a modal on top of the ones that are open.
func (s *Sim) push(user string, v *view) error {
	stack := s.ws.modals[user]
	switch {
	case len(stack) == 0:
		return refuse("not_found")
	case len(stack) >= maxStack:
		return refuse("push_limit_reached")
	}
	v.User, v.Root, v.Previous = user, stack[0].ID, stack[len(stack)-1].ID
	s.ws.modals[user] = append(stack, v)
	return nil
}

// viewBy finds an open modal or a Home by id or external_id.
func (s *Sim) viewBy(id, external string) *view {
	same := func(v *view) bool {
		return v.ID == id || external != "" && text(v.Body, "external_id") == external
	}
	for _, stack := range s.ws.modals {
		for _, v := range stack {
			if same(v) {
				return v
			}
		}
	}
	for _, v := range s.ws.homes {
		if same(v) {
			return v
		}
	}
	return nil
}

// updateView changes a view that is still open. One that was closed meanwhile is
// not_found: apps cannot bring it back.
func updateView(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewBy(c.text("view_id"), c.text("external_id"))
	if v == nil {
		return nil, refuse("not_found")
	}
	if hash := c.text("hash"); hash != "" && hash != v.Hash {
		return nil, refuse("hash_conflict")
	}
	next, err := s.newView(c, text(v.Body, "type"))
	if err != nil {
		return nil, err
	}
	s.replaceView(v, next)
	return reply{"view": s.wireView(v, nil)}, nil
}

// replaceView changes a view in place: the id stays, the hash does not.
func (s *Sim) replaceView(v, next *view) {
	v.Body, v.Hash, v.said = next.Body, next.Hash, next.said
	if text(v.Body, "type") == "home" {
		s.announceHome(v.User)
		return
	}
	s.announceView(v.User)
}

// publishView replaces a person's Home. Its id stays the same from the first time on.
func publishView(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.app.Home {
		return nil, refuse("not_enabled")
	}
	user := s.ws.user(c.text("user_id"))
	if user == nil || user.IsBot {
		return nil, refuse("invalid_arguments", "[ERROR] no such user [json-pointer:/user_id]")
	}
	v, err := s.newView(c, "home")
	if err != nil {
		return nil, err
	}
	old := s.ws.homes[user.ID]
	if hash := c.text("hash"); hash != "" && (old == nil || hash != old.Hash) {
		return nil, refuse("hash_conflict")
	}
	v.User, v.Root = user.ID, v.ID
	if old != nil {
		v.ID, v.Root = old.ID, old.ID
	}
	s.ws.homes[user.ID] = v
	s.announceHome(user.ID)
	return reply{"view": s.wireView(v, nil)}, nil
}

// wireView writes a view as the Web API and payloads do. Without values, the
// state is empty, as in the answer of views.open.
func (s *Sim) wireView(v *view, values map[string]any) reply {
	if values == nil {
		values = map[string]any{}
	}
	orNil := func(id string) any {
		if id == "" {
			return nil
		}
		return id
	}
	body := v.Body
	return reply{
		"id": v.ID, "team_id": s.ws.team.ID, "type": text(body, "type"), "blocks": v.blocks(),
		"private_metadata": text(body, "private_metadata"), "callback_id": text(body, "callback_id"),
		"external_id": text(body, "external_id"), "state": reply{"values": values}, "hash": v.Hash,
		"title": body["title"], "close": body["close"], "submit": body["submit"],
		"clear_on_close": body["clear_on_close"] == true, "notify_on_close": body["notify_on_close"] == true,
		"root_view_id": orNil(v.Root), "previous_view_id": orNil(v.Previous),
		"app_id": s.app.ID, "app_installed_team_id": s.ws.team.ID, "bot_id": BotID,
	}
}
