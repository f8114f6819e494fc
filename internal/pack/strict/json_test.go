package strict

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThereIsOneSpellingOfJSON(t *testing.T) {
	t.Parallel()
	read := func(text string) any {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		require.NoError(t, d.Decode(&v))
		return v
	}
	for _, plain := range []string{
		`{"a":[1,-2,12345678901234567890],"b":{},"c":[],"d":null,"e":true,"f":false}`,
		`{"text":"\b\f\n\r\t\u0000\u001f\"\\/<>&é` + "\u2028\u007f" + `😀"}`,
		"{\"😀\":1,\"\ufb33\":2}", // by UTF-16 units, and not by bytes
	} {
		said, err := JSON(read(plain))
		require.NoError(t, err)
		require.Equal(t, plain, said)
	}
	for _, other := range []string{`{"a": 1}`, `{"b":1,"a":2}`, `{"a":1,"a":1}`, `{"a":"\u00e9"}`, `{"a":"\/"}`, `{"a":"\u001F"}`, "{\"\ufb33\":2,\"😀\":1}", "{\"a\":\"\xff\"}", `{"a":"\ud800"}`} {
		said, err := JSON(read(other))
		require.NoError(t, err)
		require.NotEqual(t, other, said)
	}
	for _, none := range []string{`1.0`, `[1e3]`, `{"a":-0}`} {
		_, err := JSON(read(none))
		require.ErrorContains(t, err, "is no integer")
	}
	_, err := JSON([]any{3})
	require.Error(t, err)
}
