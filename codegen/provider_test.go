package codegen_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/codegen"
)

func TestMistralIsNamedAsOpenTelemetryNamesIt(t *testing.T) {
	t.Parallel()
	require.Equal(t, "mistral_ai", (&codegen.Mistral{}).Provider("codestral-2508"))
}
