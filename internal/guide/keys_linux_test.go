package guide

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// screen is what stands on a terminal.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) shows(words string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Contains(s.text.Bytes(), []byte(words))
}

// aTerminal is one with a person at it, who types into the first file and sees what the second one gets.
func aTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100}))
	person = os.NewFile(uintptr(fd), "ptmx") // which is let go while it is read, since it does not block
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return person, program
}

// What is typed at one question after another arrives at the one that stands there: the first key, and a token that is pasted.
func TestNothingThatIsTypedIsLost(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	person, program := aTerminal(t)
	seen := &screen{}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		buf := make([]byte, 4096)
		for {
			n, err := person.Read(buf)
			_, _ = seen.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	form := &Terminal{In: program, Out: program}
	const questions = 12
	answers := make(chan string)
	go func() {
		defer close(answers)
		for i := range questions {
			title := fmt.Sprintf("Question %d, please?", i)
			var answer string
			var err error
			if i%2 == 0 {
				answer, err = form.Line(ctx, Question{Title: title}, "50")
			} else {
				answer, err = form.Secret(ctx, Question{Title: title})
			}
			if err != nil {
				t.Error(err)
				return
			}
			answers <- answer
		}
	}()
	types := func(text string) {
		_, err := person.WriteString(text)
		require.NoError(t, err)
	}
	wait := func(words string) {
		for !seen.shows(words) {
			require.NoError(t, ctx.Err(), "it never showed %q", words)
			time.Sleep(5 * time.Millisecond)
		}
	}
	for i := range questions {
		wait(fmt.Sprintf("Question %d, please?", i))
		want := "50" // nothing is typed at the last but one: what is suggested stands
		if i != questions-2 {
			want = fmt.Sprintf("xoxb-%d-z", i)
			types(want[:len(want)-2]) // pasted whole
			types("-z")
		}
		types("\r")
		select {
		case answer := <-answers:
			require.Equal(t, want, answer)
		case <-ctx.Done():
			require.NoError(t, ctx.Err(), "question %d is never answered", i)
		}
	}
	for range answers {
	}
	require.NoError(t, person.Close())
	<-shown
	for range form.keys.typed { // a terminal that is gone ends what reads it
	}
	require.NoError(t, program.Close())
}
