package sandbox

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
)

// sealedBy says for each field of what a box gets which field of the manifest seals it. What
// needs no seal says why, behind a blank.
var sealedBy = map[string]string{
	"Job.RequestID":   " whose run it is; code does not get it",
	"Job.Code":        "CodeSHA256",
	"Job.CodeSHA256":  "CodeSHA256",
	"Job.Inputs":      "Inputs",
	"Job.Limits":      "Limits",
	"Job.Today":       "Today",
	"Job.Zone":        "Zone",
	"Job.Environment": "Environment",
	"Job.Hosts":       "Network",
	"Job.Currency":    "Notes",

	"InputFile.Input":   "Inputs",
	"InputFile.Size":    "Inputs",
	"InputFile.Open":    "Inputs",
	"InputFile.Reading": "Inputs",
	"InputFile.ReadAs":  " has a lost reading refused; a box gets the reading",
	"InputFile.Told":    " for a box that reads; what comes of it is a reading, which is sealed",
	"InputFile.Compare": " for a box that shows letters; none of it goes to a program",
	"InputFile.Look":    " of a box that looks at a file for a prompt; no code is in it",

	"jobHead.Stamp":       " the secret of one box",
	"jobHead.CodeSHA256":  "CodeSHA256",
	"jobHead.Seconds":     "Limits",
	"jobHead.MemoryMB":    "Limits",
	"jobHead.TextBytes":   "Limits",
	"jobHead.FileBytes":   "Limits",
	"jobHead.OneFile":     "Limits",
	"jobHead.Files":       "Limits",
	"jobHead.Today":       "Today",
	"jobHead.Zone":        "Zone",
	"jobHead.Environment": "Environment",
	"jobHead.Currency":    "Notes",
	"inputHead.Name":      "Inputs",
	"inputHead.SHA256":    "Inputs",
	"inputHead.Reading":   "Inputs",
}

func TestABoxGetsNothingThatIsNotSealed(t *testing.T) {
	t.Parallel()
	manifest, seen := reflect.TypeFor[approval.Manifest](), 0
	for _, given := range []reflect.Type{reflect.TypeFor[steps.Job](), reflect.TypeFor[steps.InputFile](), reflect.TypeFor[jobHead](), reflect.TypeFor[inputHead]()} {
		for _, field := range reflect.VisibleFields(given) {
			if len(field.Index) > 1 {
				continue // of what is embedded
			}
			name := given.Name() + "." + field.Name
			by, ok := sealedBy[name]
			require.True(t, ok, "%s goes into a box, and no approval seals it", name)
			seen++
			if !strings.HasPrefix(by, " ") {
				_, ok = manifest.FieldByName(by)
				require.True(t, ok, "%s: a manifest has no %s", name, by)
			}
		}
	}
	require.Equal(t, len(sealedBy), seen)
}

func TestAReadingThatIsNotTheSealedOneStartsNothing(t *testing.T) {
	t.Parallel()
	j := job()
	in := &j.Inputs[0]
	in.Reading = &reading.Reading{Version: 1, Kind: "text", Tables: []reading.Table{{Rows: 3}}}
	in.Input.Reading = in.Reading.SHA256()
	require.NoError(t, CheckJob(j))
	in.Reading = &reading.Reading{Version: 1, Kind: "text", Tables: []reading.Table{{Rows: 4}}}
	require.ErrorContains(t, CheckJob(j), "read otherwise")
	in.Reading = nil
	require.ErrorContains(t, CheckJob(j), "read otherwise")
	in.Input.Reading = ""
	require.NoError(t, CheckJob(j))
	in.ReadAs = "sum"
	require.ErrorContains(t, CheckJob(j), "has lost its reading", "though it was sealed without one")
}
