package storage

// What the log promises, and somebody with a console who tries to break it.
func init() { breaches = append(breaches, logBreaches...) }

// place puts the first event of a request into the log.
func place(position, request string) string {
	return `INSERT INTO log (position, stream, seq, hash) SELECT ` + position + `, stream, seq, hash FROM events WHERE stream = 'request:' || ` + request + ` AND seq = 1` + ";\n"
}

// point is a checkpoint that nobody has signed: only programs see that.
func point(number, size, former, root string) string {
	return `INSERT INTO checkpoints (number, size, former_size, root, at, note, proof) VALUES (` + number + `, ` + size + `, ` + former + `, ` + root + `, now(), 'n', '{}')` + ";\n"
}

const root = `sha256('')`

var placed = place(`0`, `DONE`) + place(`1`, `PENDING`)

var logBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"an event waits for its place once", unguarded(`unlogged`) + `INSERT INTO unlogged (stream, seq) SELECT stream, seq FROM unlogged LIMIT 1`, "unlogged_once"},
	{"what waits for a place is an event", unguarded(`unlogged`) + `INSERT INTO unlogged (stream, seq) VALUES ('s', 1)`, "unlogged_event_fkey"},
	{"nobody takes an event out of the line", `DELETE FROM unlogged`, "unlogged_derived"},
	{"the line is not emptied", `TRUNCATE unlogged`, "unlogged_untruncatable"},

	{"a place is one event's", placed + place(`1`, `APPROVED`), "log_pkey"},
	{"places count from nothing", place(`-1`, `DONE`), "log_position_check"},
	{"an event has one place", placed + place(`2`, `DONE`), "log_once"},
	{"what has a place is an event, by its hash", `INSERT INTO log (position, stream, seq, hash) SELECT 0, stream, seq, repeat('0', 64) FROM events LIMIT 1`, "log_event_fkey"},
	{"no place is left empty", place(`0`, `DONE`) + place(`2`, `PENDING`), "log_no_gap"},
	{"an event keeps its place", placed + `UPDATE log SET position = 7 WHERE position = 1`, "log_unchangeable"},
	{"the log is not emptied", `TRUNCATE log CASCADE`, "log_untruncatable"},

	{"leaves are no nodes", `INSERT INTO log_nodes VALUES (0, 0, ` + root + `)`, "log_nodes_level_check"},
	{"nodes count from nothing", `INSERT INTO log_nodes VALUES (1, -1, ` + root + `)`, "log_nodes_index_check"},
	{"a node is a hash", `INSERT INTO log_nodes VALUES (1, 0, 'short')`, "log_nodes_hash_check"},
	{"a node has one hash", `INSERT INTO log_nodes VALUES (1, 0, ` + root + `), (1, 0, sha256('other'))`, "log_nodes_pkey"},
	{"a node does not change", `INSERT INTO log_nodes VALUES (1, 0, ` + root + `); UPDATE log_nodes SET hash = sha256('other')`, "log_nodes_unchangeable"},
	{"nodes are not emptied", `TRUNCATE log_nodes`, "log_nodes_untruncatable"},

	{"one size has one root", placed + point(`1`, `1`, `NULL`, root) + point(`2`, `1`, `1`, `sha256('fork')`), "checkpoints_pkey,checkpoints_grow"},
	{"a size has one root, whatever its number", unguarded(`checkpoints`) + placed + point(`1`, `2`, `NULL`, root) + point(`1`, `2`, `NULL`, `sha256('fork')`), "checkpoints_pkey"},
	{"a checkpoint covers something", point(`1`, `0`, `NULL`, root), "checkpoints_size_check"},
	{"a root is a hash", placed + point(`1`, `1`, `NULL`, `'short'`), "checkpoints_root_check"},
	{"a number is one checkpoint's", placed + point(`1`, `1`, `NULL`, root) + point(`1`, `2`, `NULL`, root), "checkpoints_number"},
	{"no checkpoint is left out", placed + point(`1`, `1`, `NULL`, root) + point(`3`, `2`, `1`, root), "checkpoints_follow"},
	{"a checkpoint covers more than the one before", placed + point(`1`, `2`, `NULL`, root) + point(`2`, `1`, `2`, root), "checkpoints_grow"},
	{"what a checkpoint covers is there", placed + point(`1`, `3`, `NULL`, root), "checkpoints_covers"},
	{"a checkpoint does not change", placed + point(`1`, `1`, `NULL`, root) + `UPDATE checkpoints SET note = 'another'`, "checkpoints_unchangeable"},
	{"checkpoints are not emptied", `TRUNCATE checkpoints`, "checkpoints_untruncatable"},
}
