package pg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A session of Postgres learns each statement when it first meets it: a round trip more, and the time to read what the
// statement is about. A person would wait for that, once on each connection. So a pool that is kept warm opens
// all its connections ahead, remembers which statements were sent on any of them (the book), and has idle
// ones learn the rest. The book outlives its process in a file: statements, and never a value.

// mostKnown bounds the book. There are about two hundred statements.
const mostKnown = 600

// book is what one pool has sent.
type book struct {
	mu    sync.Mutex
	known map[string]bool
	list  []string // in the order in which they came; those before a session's number it knows
	saved int      // how many of them are in the file
}

// note remembers a statement.
func (b *book) note(sql string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known[sql] || len(b.list) >= mostKnown || sql == "" {
		return
	}
	if b.known == nil {
		b.known = map[string]bool{}
	}
	b.known[sql] = true
	b.list = append(b.list, sql)
}

// after lists those that came after the first n.
func (b *book) after(n int) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.list[min(n, len(b.list)):])
}

// load reads the file of a former process. One that is not there, or is no list, is no book.
func (b *book) load(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	var list []string
	if json.Unmarshal(text, &list) != nil {
		return
	}
	for _, sql := range list {
		b.note(sql)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.saved = len(b.list)
}

// save writes it, where it has grown.
func (b *book) save(file string) error {
	list := b.after(0)
	if len(list) <= b.saved {
		return nil
	}
	text, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return err
	}
	fresh, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // as 0600
	if err != nil {
		return err
	}
	_, err = fresh.Write(text)
	if err = errors.Join(err, fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh.Name()))
	}
	b.saved = len(list)
	return nil
}

// knows is the name under which a session remembers how much of the book it knows.
const knows = "countersign knows"

// teach has a session learn what is in the book and it does not know. What it cannot learn, such as a statement of a
// former version, is left out. Nothing is run.
func (b *book) teach(ctx context.Context, c *pgxpool.Conn) error {
	session := c.Conn()
	had, _ := session.PgConn().CustomData()[knows].(int)
	for _, sql := range b.after(had) {
		if _, err := session.Prepare(ctx, sql, sql); err != nil && (HungUp(err) || ctx.Err() != nil || session.IsClosed()) {
			return fmt.Errorf("have a connection learn a statement: %w", err)
		}
		had++
		session.PgConn().CustomData()[knows] = had
	}
	return nil
}

// stale is the name under which a session remembers that it is of no use any more.
const stale = "countersign is stale"

// outdated marks a session whose statements no longer fit the schema, as after a migration by a newer program: pgx
// forgets what it has prepared by itself, and not what it was told to.
func outdated(c *pgx.Conn, err error) {
	if unfit(err) {
		c.PgConn().CustomData()[stale] = true
	}
}

// unfit tells of a statement that a session learnt before the schema changed. Postgres has not run it.
func unfit(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == "0A000" && strings.Contains(refused.Message, "cached plan")
}

// usable tells whether a session goes back to its pool.
func usable(c *pgx.Conn) bool { return c.PgConn().CustomData()[stale] == nil }

// Open opens all connections, and has each of them know what is in the book.
func (p *Pool) Open(ctx context.Context) error {
	var all []*pgxpool.Conn
	defer func() {
		for _, c := range all {
			c.Release()
		}
	}()
	for range p.Config().MaxConns {
		c, err := p.Acquire(ctx)
		if err != nil {
			return fmt.Errorf("open the connections: %w", err)
		}
		all = append(all, c)
		if err := p.book.teach(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// warmEvery is how often a pool looks whether its idle connections know everything.
const warmEvery = time.Second

// KeepWarm has idle connections learn what others have sent, until the context ends. One at a time does, so that whoever
// comes meanwhile finds another one.
func (p *Pool) KeepWarm(ctx context.Context, file string) {
	ticks := time.NewTicker(warmEvery)
	defer ticks.Stop()
	var all warmth // what there was when every connection knew it
	for ctx.Err() == nil {
		if now := p.warmth(); now != all && p.warm(ctx) {
			all = now
		}
		_ = p.book.save(file) // a disk that is full, or read only, costs the next process a moment
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
	}
}

// warmth is what there is to know, and how many connections there have been.
type warmth struct {
	statements int
	opened     int64
}

func (p *Pool) warmth() warmth { return warmth{len(p.book.after(0)), p.Stat().NewConnsCount()} }

// warm teaches the first idle connection that lacks something, and tells whether none lacks anything.
func (p *Pool) warm(ctx context.Context) (all bool) {
	var pupil *pgxpool.Conn
	idle, known := p.AcquireAllIdle(ctx), len(p.book.after(0))
	for _, c := range idle {
		if had, _ := c.Conn().PgConn().CustomData()[knows].(int); pupil == nil && had < known {
			pupil = c
			continue
		}
		c.Release()
	}
	if pupil == nil {
		return len(idle) == int(p.Config().MaxConns)
	}
	defer pupil.Release()
	_ = p.book.teach(ctx, pupil) // a connection that breaks is closed, and another one opened
	return false
}

// worthKnowing tells whether a statement that is sent alone is learnt: without values it is not.
func worthKnowing(sql string, args []any) bool {
	return len(args) > 0 && !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(sql)), "COPY")
}
