package person

import (
	"countersign/internal/slacksim/blockkit"
)

// state is state.values for these blocks: what was given, otherwise what the
// element shows at first.
func (s *Acts) state(blocks []blockkit.Block, given map[string]any, as string) (map[string]any, error) {
	out := blockkit.InitialState(blocks)
	for _, e := range blockkit.Elements(blocks) {
		f, ok := blockkit.Answers[e.Kind()]
		told := blockkit.Object(blockkit.Object(given, e.BlockID()), e.ActionID())
		if !ok || told == nil {
			continue
		}
		value, err := s.answer1(e, f, told, as)
		if err != nil {
			return nil, err
		}
		if value == nil && blockkit.Lists[f.Answer] {
			value = []any{}
		}
		blockkit.Object(blockkit.Object(out, e.BlockID()), e.ActionID())[f.Answer] = value
	}
	return out, nil
}

// answer1 reads one answer, and refuses a choice that the element does not offer.
func (s *Acts) answer1(e blockkit.Element, f blockkit.Field, told map[string]any, as string) (any, error) {
	value := told[f.Answer]
	if value == "" {
		return nil, nil
	}
	switch f.Answer {
	case "selected_option":
		if value == nil {
			return nil, nil
		}
		return option(e, value)
	case "selected_options":
		out := []any{}
		for _, v := range blockkit.List(told, f.Answer) {
			o, err := option(e, v)
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
		return out, nil
	case "files":
		return s.filesOf(blockkit.List(told, f.Answer), as)
	}
	return value, nil
}

// option finds the element's own option that a choice means.
func option(e blockkit.Element, v any) (map[string]any, error) {
	given, _ := v.(map[string]any)
	if e.Kind() == "external_select" || e.Kind() == "multi_external_select" {
		return given, nil
	}
	if o, ok := blockkit.Offered(e.Body, blockkit.Text(given, "value")); ok {
		return o, nil
	}
	return nil, Refuse(400, "no_such_option", "That choice is not offered here.")
}

// filesOf reads a file_input. Giving a file to a form shares it with the app.
func (s *Acts) filesOf(ids []any, as string) (any, error) {
	out := []any{}
	for _, v := range ids {
		id, _ := v.(string)
		if m, ok := v.(map[string]any); ok {
			id = blockkit.Text(m, "id")
		}
		f, err := s.ownFile(as, id)
		if err != nil {
			return nil, err
		}
		f.WithApp = true
		out = append(out, s.WireFile(id))
	}
	return out, nil
}
