-- Where a request stands in the line for a box: what people see while a machine is busy.
-- 0: in no line; -1: the sandbox is being started. It is no move, so it has no event.

-- +goose Up
ALTER TABLE requests ADD COLUMN place integer NOT NULL DEFAULT 0 CHECK (place >= -1);

-- Only those who wait for a box stand in a line.
ALTER TABLE requests ADD CONSTRAINT requests_place_waits CHECK (place = 0 OR state IN ('drafting', 'approved'));
