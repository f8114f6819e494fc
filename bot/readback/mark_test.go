package readback

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheWholeMarkIsOfWhatMayBeLeftOutAsWell(t *testing.T) {
	t.Parallel()
	card := func(fallback, label string) Tree {
		held, err := TreeOf([]byte(`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
			{"type":"text","text":"Until "},{"type":"date","timestamp":1795348860,"format":"{date}","fallback":"` + fallback + `"}]}]},
			{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"Approve"},"accessibility_label":"` + label + `"}]}]`))
		require.NoError(t, err)
		return held
	}
	sent := card("22 Nov", "Approve it")
	mark := Whole(sent)
	require.Equal(t, MarkOf(sent, nil), Bare(mark))
	require.Equal(t, mark, Whole(card("22 Nov", "Approve it")))
	for _, other := range []Tree{card("23 Nov", "Approve it"), card("22 Nov", "Reject it"), card("", "Approve it"), card("22 Nov", "")} {
		require.NotEqual(t, mark, Whole(other))
		require.Equal(t, Bare(mark), Bare(Whole(other)), "what it says else is the same")
	}
	seal, cut := CutMark("r/1/abc/" + mark)
	require.Equal(t, "r/1/abc", seal)
	require.Equal(t, mark, cut)
	seal, cut = CutMark("r/1/abc/" + Bare(mark))
	require.Equal(t, "r/1/abc", seal, "a card that an older version has posted")
	require.Equal(t, Bare(mark), cut)
}
