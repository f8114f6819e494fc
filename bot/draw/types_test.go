package draw

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatCanBeAskedAboutIsToldByTheEndOfAName(t *testing.T) {
	t.Parallel()
	for name, is := range map[string]bool{"sales.csv": true, "Sales.ODS": true, "sales.csv.gz": true, "export.zip": true, "sales.gz": true, "SALES.CSV.ZIP": true,
		"app.tar.gz": false, "photos.png.zip": false, "photo.png": false, "zip": false, "sales": false, "": false} {
		require.Equal(t, is, Data(name), name)
	}
	for _, ending := range slices.Concat(DataTypes, PackedTypes) {
		require.Regexp(t, `\b`+strings.ToUpper(ending)+`\b`, DataWords, "people are told of each")
	}
}
