// Package samples holds the data and the questions that the demo plays with:
// one made-up table and one real one. README.md says where they come from and
// under which terms.
package samples

import (
	"embed"
	"slices"
)

//go:embed sales.csv iowa-electricity.csv
var data embed.FS

// File is one sample as it would be shared in a channel.
type File struct {
	Name  string
	About string // one sentence for the channel, with the source where there is one
	Data  []byte
}

// Files returns the samples, the made-up one first.
func Files() []File {
	return []File{
		{Name: "sales.csv", Data: read("sales.csv"),
			About: "500 sales of a coffee shop in 2025. Made up: no such shop, no such sales."},
		{Name: "iowa-electricity.csv", Data: read("iowa-electricity.csv"),
			About: "Net generation of electricity in Iowa by source, 2001 to 2017, in thousand megawatt-hours. " +
				"U.S. Energy Information Administration, public domain."},
	}
}

// Question is something worth asking about a sample.
type Question struct {
	File string
	Text string
}

// Questions lists what the demo suggests, the one that it plays by itself first.
var Questions = []Question{
	{File: "sales.csv", Text: "What was the revenue per month by region in sales.csv?"},
	{File: "sales.csv", Text: "Which are the top 3 products by units in sales.csv?"},
	{File: "sales.csv", Text: "Which values are missing in sales.csv?"},
	{File: "iowa-electricity.csv", Text: "How did net generation develop per year by source in iowa-electricity.csv?"},
	{File: "iowa-electricity.csv", Text: "What is the average net generation by source in iowa-electricity.csv?"},
}

// read takes an embedded file. It cannot fail: the build would have.
func read(name string) []byte {
	b, err := data.ReadFile(name)
	if err != nil {
		panic("samples: " + err.Error())
	}
	return slices.Clone(b)
}
