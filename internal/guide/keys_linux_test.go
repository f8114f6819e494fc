package guide

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
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

// window is the program's end of a terminal, whose number is asked once: the library leaves somebody behind who asks for it while a test closes the file.
type window struct {
	*os.File
	fd uintptr
}

func (w window) Fd() uintptr { return w.fd }

// aTerminal is one with a person at it, who types into the first file and sees what the second one gets.
func aTerminal(t *testing.T) (person *os.File, program window) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100}))
	person = os.NewFile(uintptr(fd), "ptmx") // which is let go while it is read, since it does not block
	file, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return person, window{file, file.Fd()}
}

// desk is a terminal at which a person answers one question after another.
type desk struct {
	*testing.T
	ctx     context.Context
	person  *os.File
	seen    *screen
	form    *Terminal
	answers chan string
	loud    func()
}

// atATerminal asks these questions. end looks at what is left behind once they are answered.
func atATerminal(t *testing.T, plain bool, ask ...func(context.Context, *Terminal) (string, error)) (d *desk, end func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	t.Cleanup(cancel)
	person, program := aTerminal(t)
	d = &desk{t, ctx, person, &screen{}, &Terminal{In: program, Out: program, Plain: plain}, make(chan string), nil}
	d.loud = d.form.Quiet()
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		buf := make([]byte, 4096)
		for {
			n, err := person.Read(buf)
			_, _ = d.seen.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer close(d.answers)
		for _, question := range ask {
			answer, err := question(ctx, d.form)
			if err != nil {
				t.Error(err)
				return
			}
			d.answers <- answer
		}
	}()
	return d, func() {
		for answer := range d.answers {
			t.Errorf("nobody answered %q", answer)
		}
		d.loud()
		now, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
		require.NoError(t, err)
		require.NotZero(t, now.Lflag&unix.ECHO, "the terminal is as it was")
		require.NotZero(t, now.Lflag&unix.ICANON)
		require.NoError(t, person.Close())
		<-shown
		if k := d.form.keys; k != nil { // a terminal that is gone ends what reads it
			k.mu.Lock()
			for !k.gone {
				k.change.Wait()
			}
			k.mu.Unlock()
		}
		require.NoError(t, program.Close())
	}
}

func (d *desk) types(text string) {
	d.Helper()
	_, err := d.person.WriteString(text)
	require.NoError(d, err)
}

func (d *desk) sees(words string) {
	d.Helper()
	for !d.seen.shows(words) {
		require.NoError(d, d.ctx.Err(), "it never showed %q", words)
		time.Sleep(5 * time.Millisecond)
	}
}

func (d *desk) answered(want string) {
	d.Helper()
	select {
	case answer := <-d.answers:
		require.Equal(d, want, answer)
	case <-d.ctx.Done():
		require.NoError(d, d.ctx.Err(), "the question is never answered with %q", want)
	}
}

// line and secret ask for a text, which has to begin with a prefix.
func line(title, prefix, suggested string) func(context.Context, *Terminal) (string, error) {
	return func(ctx context.Context, form *Terminal) (string, error) {
		return form.Line(ctx, Question{Title: title, Check: begins(prefix)}, suggested)
	}
}

func secret(title, prefix string) func(context.Context, *Terminal) (string, error) {
	return func(ctx context.Context, form *Terminal) (string, error) {
		return form.Secret(ctx, Question{Title: title, Check: begins(prefix)})
	}
}

func begins(prefix string) func(string) error {
	return func(answer string) error {
		if !strings.HasPrefix(answer, prefix) {
			return fmt.Errorf("it begins with %s", prefix)
		}
		return nil
	}
}

// What is typed at one question after another arrives at the one that stands there: the first key, and a token that is pasted.
func TestNothingThatIsTypedIsLost(t *testing.T) {
	t.Parallel()
	const questions = 12
	var ask []func(context.Context, *Terminal) (string, error)
	for i := range questions {
		next := line(fmt.Sprintf("Question %d, please?", i), "", "50")
		if i%2 == 1 {
			next = secret(fmt.Sprintf("Question %d, please?", i), "")
		}
		ask = append(ask, next)
	}
	d, end := atATerminal(t, false, ask...)
	for i := range questions {
		d.sees(fmt.Sprintf("Question %d, please?", i))
		want := "50" // nothing is typed at the last but one: what is suggested stands
		if i != questions-2 {
			want = fmt.Sprintf("xoxb-%d-z", i)
			d.types(want[:len(want)-2]) // pasted whole
			d.types("-z")
		}
		d.types("\r")
		d.answered(want)
	}
	end()
}

// never holds that the screen has shown none of these.
func (d *desk) never(secrets ...string) {
	d.Helper()
	for _, s := range secrets {
		require.False(d, d.seen.shows(s), "the screen shows %q", s)
	}
}

// pause is so that parts are read apart; whether they are changes no answer.
func pause() { time.Sleep(20 * time.Millisecond) }

// Several lines that are pasted at once answer one question each, whether or not the terminal says that they are pasted, and whatever comes
// while an answer is tried.
func TestEachLineOfAPasteAnswersAQuestion(t *testing.T) {
	t.Parallel()
	for name, paste := range map[string]string{
		"marked":                    "\x1b[200~xoxb-1\rxapp-2\r\rkey-3\r\x1b[201~\r",
		"marked, with line feeds":   "\x1b[200~\nxoxb-1\r\nxapp-2\nkey-3\x1b[201~\r",
		"marked, and more is typed": "\x1b[200~xoxb-1\rxapp-2\rkey\x1b[201~-3\r",
		"unmarked":                  "xoxb-1\rxapp-2\rkey-3\r",
		"unmarked, with line feeds": "xoxb-1\nxapp-2\n\nkey-3\n",
		"an end that comes later":   "\x1b[200~xoxb-1\rxapp-2\rke|y-3\x1b[201~\r",
		"a mark in two pieces":      "\x1b[20|0~xoxb-1\rxapp-2\rkey-3\x1b[20|1~\r",
		"a mark after its escape":   "\x1b|[200~xoxb-1\rxapp-2\rkey-3\x1b[201~\r",
		"no line break at the end":  "xoxb-1\rxapp-2\rkey-3|\r",
		"one by one":                "xoxb-1\r|xapp-2\r|key-3\r",
		"one by one, of line feeds": "xoxb-1\n|xapp-2\n|key-3\n",
		"in the middle of a line":   "xoxb-1\rxap|p-2\rke|y-3\r",
		"typed into what is pasted": "xo|\x1b[200~xb-1\rxapp-2\rkey-3\x1b[201~\r",
		"two pastes":                "\x1b[200~xoxb-1\r\x1b[201~\r\x1b[200~xapp-2\rkey-3\x1b[201~\r",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, end := atATerminal(t, false, secret("The bot's token?", "xoxb-"), secret("The app's token?", "xapp-"), secret("Its key?", "key-"))
			d.sees("The bot's token?")
			for part := range strings.SplitSeq(paste, "|") {
				d.types(part)
				pause()
			}
			d.answered("xoxb-1")
			d.answered("xapp-2")
			d.answered("key-3")
			end()
			d.never("xoxb-1", "app-2", "ey-3")
		})
	}
	t.Run("what may be shown", func(t *testing.T) {
		t.Parallel()
		d, end := atATerminal(t, false, line("The channel?", "rev", ""), line("How many dollars?", "25", "50"), secret("Its key?", "key-"))
		d.sees("The channel?")
		d.types("\x1b[200~reviews\n25\nkey-3\n\x1b[201~\r")
		d.answered("reviews")
		d.answered("25")
		d.answered("key-3")
		end()
		d.never("key-3")
	})
	t.Run("at a plain terminal", func(t *testing.T) {
		t.Parallel()
		d, end := atATerminal(t, true, secret("The bot's token?", "xoxb-"), secret("The app's token?", "xapp-"), secret("Its key?", "key-"))
		d.sees("The bot's token?")
		d.types("xoxb-1\nxapp-2\n")
		pause()
		d.types("key-3\n")
		d.answered("xoxb-1")
		d.answered("xapp-2")
		d.answered("key-3")
		end()
		d.never("xoxb-1", "xapp-2", "key-3")
	})
}

// What is left of a paste answers no question that it may not have been meant for, and a secret stands nowhere on the screen.
func TestWhatIsLeftOfAPasteIsDroppedAndSaid(t *testing.T) {
	t.Parallel()
	t.Run("an answer is refused", func(t *testing.T) {
		t.Parallel()
		d, end := atATerminal(t, false, secret("The bot's token?", "xoxb-"), line("The channel?", "", ""))
		d.sees("The bot's token?")
		d.types("xapp-2\rxoxb-1\r")
		d.sees("it begins with xoxb-")
		d.sees("was not taken.")
		d.types("\x15xoxb-3\r") // Ctrl-U empties the line
		d.answered("xoxb-3")
		d.sees("The channel?")
		d.types("reviews\r")
		d.answered("reviews")
		end()
		d.never("xapp-2", "xoxb-1", "xoxb-3")
	})
	t.Run("the next question is one of choice", func(t *testing.T) {
		t.Parallel()
		d, end := atATerminal(t, false, secret("The app's token?", "xapp-"), func(ctx context.Context, form *Terminal) (string, error) {
			return form.Choose(ctx, Question{Title: "Which model?"}, []Option{{"m", "Mistral"}, {"a", "Anthropic"}})
		}, secret("Its key?", ""))
		d.sees("The app's token?")
		d.types("\x1b[200~xapp-2\nanother secret\x1b[201~\r")
		d.answered("xapp-2")
		d.sees("was not taken.")
		d.sees("Which model?")
		d.types("\x1b[B\r")
		d.answered("a")
		d.sees("Its key?")
		d.types("k\r")
		d.answered("k")
		end()
		d.never("another secret")
	})
	for name, plain := range map[string]bool{"the next answer would be shown": false, "the next answer would be shown, at a plain terminal": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, end := atATerminal(t, plain, secret("The app's token?", "xapp-"), line("How many dollars?", "", "50"))
			d.sees("The app's token?")
			d.types("xapp-2\nanother secret\n")
			d.answered("xapp-2")
			d.sees("was not taken.")
			d.sees("How many dollars?")
			d.types("25\r")
			d.answered("25")
			end()
			d.never("xapp-2", "another secret")
		})
	}
}

// Whoever wants to stop can, whatever was typed before.
func TestCtrlCStopsWhateverWasPasted(t *testing.T) {
	t.Parallel()
	for name, typed := range map[string]string{"a paste without an end": "\x1b[200~xoxb-1\rxapp|\x03", "an answer that is tried": "xoxb-1\r\x03", "Enter as a part of another key": "\x1b|\r|\x03"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stopped := make(chan error, 1)
			d, end := atATerminal(t, false, func(ctx context.Context, form *Terminal) (string, error) {
				_, err := form.Secret(ctx, Question{Title: "The bot's token?", Check: func(string) error { return errors.New("no") }})
				stopped <- err
				return "", nil
			})
			d.sees("The bot's token?")
			for part := range strings.SplitSeq(typed, "|") {
				d.types(part)
				pause()
			}
			select {
			case err := <-stopped:
				require.ErrorIs(t, err, ErrStopped)
			case <-d.ctx.Done():
				require.NoError(t, d.ctx.Err(), "it goes on")
			}
			d.answered("")
			end()
		})
	}
}

// leftAt are the terminals at which a reader was left. It reads by their number, so they stay open: closed, the number would be that of another test's
// terminal, and the reader would wait for who types there.
var leftAt sync.Map

// Ctrl-C is a signal at a plain terminal, and the library waits for a line whatever comes. Whoever stops there is not kept, and sees again what they type.
func TestWhoeverStopsAtAPlainTerminalIsNotKept(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(context.Context, *Terminal) (string, error){"a secret": secret("The app's token?", "xapp-"), "a line": line("The app's token?", "", "50")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			person, program := aTerminal(t)
			leftAt.Store(program.fd, program)
			form := &Terminal{In: program, Out: program, Plain: true}
			loud := form.Quiet()
			ctx, stop := context.WithCancel(t.Context())
			left := make(chan error)
			go func() { _, err := ask(ctx, form); left <- err }()
			seen := ""
			for buf := make([]byte, 4096); !strings.Contains(seen, "token?"); {
				n, err := person.Read(buf)
				require.NoError(t, err)
				seen += string(buf[:n])
			}
			stop()
			require.ErrorIs(t, <-left, ErrStopped)
			loud()
			if name == "a line" { // who asks for a secret may just be about to hide it, and there is no moment to wait for
				now, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
				require.NoError(t, err)
				require.NotZero(t, now.Lflag&unix.ECHO, "the terminal is as it was")
				require.NotZero(t, now.Lflag&unix.ICANON)
			}
			require.NoError(t, person.Close()) // which lets go of whoever waits for a line
		})
	}
}
