package review

import (
	"time"

	"github.com/stretchr/testify/require"
)

func berlin(t require.TestingT) *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return zone
}
