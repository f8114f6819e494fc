package command

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestAQuestionMayNameItsModel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"How many?":                         {"", "How many?"},
		"--model m1 How many?":              {"m1", "How many?"},
		"  --model  m1\nHow\nmany?":         {"m1", "How\nmany?"},
		"--model=m1 How many?":              {"m1", "How many?"},
		"\u2014model m1 How many?":          {"m1", "How many?"},
		"\u2013Model m1 How many?":          {"m1", "How many?"},
		"Which --model m1 sold best?":       {"", "Which --model m1 sold best?"},
		"--models are what in cars.csv?":    {"", "--models are what in cars.csv?"},
		"--model gpt-6.1-terra x --model y": {"gpt-6.1-terra", "x --model y"},
	} {
		model, question, err := Question(text)
		require.NoError(t, err, text)
		require.Equal(t, want, [2]string{model, question}, text)
	}
	for _, text := range []string{"--model", "--model ", "--model m1", "--model="} {
		_, _, err := Question(text)
		input := new(approval.InputError)
		require.ErrorAs(t, err, &input, text)
		require.Contains(t, input.Why.Said, "Name the model, then ask.")
	}
}
