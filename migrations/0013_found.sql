-- +goose NO TRANSACTION
-- What is looked for by whose it is: few rows among many, which only an index finds without going through all of them.

-- +goose Up

-- What was done with requests by anybody but the house itself, for an auditor who looks for somebody.
DROP INDEX CONCURRENTLY IF EXISTS events_by_people;
CREATE INDEX CONCURRENTLY events_by_people ON events (actor, stream) WHERE actor <> 'countersign' AND stream LIKE 'request:%';
-- The requests of a channel in which little is asked.
DROP INDEX CONCURRENTLY IF EXISTS requests_by_channel;
CREATE INDEX CONCURRENTLY requests_by_channel ON requests (team, project, created_at DESC);
-- What was approved in somebody's name by whoever stood in for them.
DROP INDEX CONCURRENTLY IF EXISTS decisions_in_place_of;
CREATE INDEX CONCURRENTLY decisions_in_place_of ON decisions (in_place_of, at) WHERE in_place_of IS NOT NULL;
