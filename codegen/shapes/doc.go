// Package shapes reads what is in a data file: its tables with their columns,
// types and missing values, as pandas would see them, and no row unless an
// administrator lets sample rows be shared.
//
//	tables.go            Reader, and which files are taken
//	text.go              bytes to text: UTF-8, UTF-16, UTF-32, Windows-1252
//	delimited.go         CSV, TSV and their cousins; heading.go finds out whether the first row is a heading
//	objects.go           JSON
//	xlsx.go, sheet.go    Excel
//	shape.go             values to columns with types, and the limits
package shapes
