-- The audit trail: one chain of events per stream, insert-only.

-- +goose Up

-- +goose StatementBegin
-- Guards tables whose rows are written once.
CREATE FUNCTION unchangeable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is not possible: its rows are written once', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
-- Refuses a change. The trigger's WHEN says which, and its argument says why: the
-- promise that would be broken.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% (% %)', TG_ARGV[0], TG_TABLE_NAME, to_jsonb(OLD) ->> 'id'
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd

CREATE TABLE events (
    stream    text NOT NULL CHECK (stream <> '' AND stream !~ '[[:cntrl:]]'),
    seq       bigint NOT NULL CHECK (seq >= 1),
    at        timestamptz NOT NULL,
    -- Neither holds a line end, so that the hash is taken over an unambiguous text.
    actor     text NOT NULL CHECK (actor <> '' AND actor !~ '[[:cntrl:]]'),
    kind      text NOT NULL CHECK (kind <> '' AND kind !~ '[[:cntrl:]]'),
    data      text NOT NULL CHECK (jsonb_typeof(data::jsonb) = 'object'), -- text: jsonb would spell it differently
    prev_hash text NOT NULL CHECK (prev_hash ~ '^[0-9a-f]{64}$'),
    hash      text NOT NULL,
    prev_seq  bigint GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
    -- A stream has one event at each place: two writers cannot fork it.
    PRIMARY KEY (stream, seq),
    CONSTRAINT events_hashed UNIQUE (stream, seq, hash),
    -- Every event continues the one before it, and there is one before it.
    CONSTRAINT events_chain_fkey FOREIGN KEY (stream, prev_seq, prev_hash) REFERENCES events (stream, seq, hash),
    -- A chain begins with nothing before it.
    CONSTRAINT events_beginning CHECK (seq > 1 OR prev_hash = repeat('0', 64)),
    -- The hash is that of what is stored here, to the microsecond and to the byte.
    CONSTRAINT events_hash CHECK (hash = encode(sha256(convert_to(concat_ws(E'\n',
        'countersign event 1', prev_hash, stream, seq::text,
        to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor, kind, data), 'UTF8')), 'hex'))
);
-- How often a budget has refused something.
CREATE INDEX events_blocked ON events (at) WHERE kind = 'blocked';
-- What happened has happened.
CREATE TRIGGER events_unchangeable BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER events_untruncatable BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
