// Package pageapi is the JSON API below /sim/ through which the page in the browser and
// scripts act as a person, read the log, and cause faults. The package comment of
// slacksim describes it.
package pageapi
