package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A name that could not be written down yet must not go over one that was heard while that was tried.
func TestANameThatWasHeardLaterStays(t *testing.T) {
	t.Parallel()
	a := &acquaintances{}
	a.hears("T1", "U1", "Maya Berg")
	a.keeps("T1", map[string]string{"U1": "Maya Tal", "U2": "Ben"})
	require.Equal(t, map[string]string{"U1": "Maya Berg", "U2": "Ben"}, a.news["T1"])
}
