package sandbox

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

// WriteJob checks a job and writes all of it.
func WriteJob(w io.Writer, job steps.Job, stamp Stamp) error {
	packed, err := PackJob(job, stamp)
	if err != nil {
		return err
	}
	return packed.Write(w)
}

// A job that differs in anything that a box is told is another one.
func TestOnlyAJobThatIsToldTheSameIsTheSame(t *testing.T) {
	t.Parallel()
	require.True(t, SameJob(job(), job()))
	for name, change := range map[string]func(*steps.Job){
		"request":     func(j *steps.Job) { j.RequestID += "x" },
		"code":        func(j *steps.Job) { j.CodeSHA256 += "x" },
		"input":       func(j *steps.Job) { j.Inputs = append(j.Inputs, steps.InputFile{}) },
		"limits":      func(j *steps.Job) { j.Limits.Seconds++ },
		"day":         func(j *steps.Job) { j.Today += "x" },
		"calendar":    func(j *steps.Job) { j.Zone += "x" },
		"currency":    func(j *steps.Job) { j.Currency += "x" },
		"environment": func(j *steps.Job) { j.Environment = append(j.Environment, "x 1") },
		"hosts":       func(j *steps.Job) { j.Hosts = append(j.Hosts, "x.example.org") },
	} {
		other := job()
		change(&other)
		require.False(t, SameJob(job(), other), name)
	}
}
