package journal

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/internal/pack"
	"countersign/storage/pg"
)

// namesStream is where it stands what people and channels of a workspace are called.
func namesStream(team string) string { return "names:" + team }

// Names are all that were written down and not forgotten.
func (l *Log) Names(ctx context.Context) (list []pack.Name, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		rows, err := pg.All[struct {
			ID    string
			Name  string
			Since time.Time
		}](ctx, tx, `
			SELECT e.data::jsonb ->> 'id' AS id, said(e.data::jsonb #>> '{name,salted_sha256}') AS name, e.at AS since
			FROM events e WHERE e.stream LIKE 'names:%' AND e.kind = 'known as' AND said(e.data::jsonb #>> '{name,salted_sha256}') <> '' ORDER BY e.stream, e.seq`)
		list = nil
		for _, row := range rows {
			list = append(list, pack.Name(row))
		}
		return err
	})
	return list, pg.While(err, "read what people are called")
}

// Called writes down what people and channels are called now, by their ids, where that is new.
func (l *Log) Called(ctx context.Context, team string, now map[string]string) error {
	had, err := l.Names(ctx)
	if err != nil {
		return err
	}
	names, at := pack.NewNames(had), time.Now().Add(time.Hour) // whatever was written last
	for _, id := range slices.Sorted(maps.Keys(now)) {
		if name := now[id]; name != names.Of(id, at) {
			e := approval.Event{Actor: approval.System, Kind: approval.EventKnownAs, Data: map[string]any{"id": id, "name": approval.Said(name)}}
			// One transaction a name: two replicas that see the same new name write it twice, which changes nothing that is read.
			if err := l.audit(ctx, namesStream(team), e); err != nil {
				return err
			}
		}
	}
	return nil
}
