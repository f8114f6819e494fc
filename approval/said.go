package approval

import "encoding/json"

// Said is what a person wrote or data said, as an event has it: a question, a reason,
// a file's name, an error. The audit trail is hashed and never changes, so the words
// themselves do not stand in it: storage puts the salted hash of the words there, and
// the words beside it, where they can be forgotten (docs/events.md).
type Said string

// MarshalJSON marks the words for storage.
func (s Said) MarshalJSON() ([]byte, error) { return withMark("said", string(s)) }

// UnmarshalJSON reads the words as storage gives them back.
func (s *Said) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, (*string)(s)) }

// AllSaid is a value of any shape whose texts are Said, all of them. Its numbers and
// its keys are facts.
type AllSaid struct{ Value any }

// MarshalJSON marks the value for storage.
func (s AllSaid) MarshalJSON() ([]byte, error) { return withMark("said", s.Value) }

// Kept names something large that is stored with the same move: "code", "result", or
// "file 1" and so on. The event has its salted hash, and nobody spells it twice.
type Kept string

// MarshalJSON marks the name for storage.
func (k Kept) MarshalJSON() ([]byte, error) { return withMark("kept", string(k)) }

func withMark(mark string, v any) ([]byte, error) { return json.Marshal(map[string]any{mark: v}) }

// saidAll are texts that somebody said.
func saidAll(texts []string) []Said {
	said := make([]Said, len(texts))
	for i, text := range texts {
		said[i] = Said(text)
	}
	return said
}

// told is a cause as an event has it; nil where there is none.
func (c *Cause) told() map[string]any {
	if c == nil {
		return nil
	}
	data := map[string]any{"code": c.Code}
	for key, fact := range map[string]string{"channel": c.Channel, "person": c.Person, "by": c.By} {
		if fact != "" {
			data[key] = fact
		}
	}
	if c.File != "" {
		data["file"] = Said(c.File)
	}
	if len(c.Files) > 0 {
		data["files"] = FileIDs(c.Files)
	}
	return data
}
