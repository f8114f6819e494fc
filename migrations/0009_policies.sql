-- Policies of limits, and limits by role.

-- +goose Up

ALTER TABLE limits
    -- What happens on the way to the limit; an empty one warns at eighty per cent.
    ADD COLUMN policy jsonb NOT NULL DEFAULT '{}' CONSTRAINT limits_policy CHECK (jsonb_typeof(policy) = 'object');

-- A role has a limit for those who have none of their own. Nothing is ever paid
-- from it: what its people spend is spent from their own scopes.
ALTER TABLE scopes DROP CONSTRAINT scopes_kind_check;
ALTER TABLE scopes
    ADD CONSTRAINT scopes_kind_check CHECK (kind IN ('user', 'session', 'project', 'team', 'role')),
    ADD CONSTRAINT scopes_role CHECK (kind <> 'role' OR id IN ('members', 'reviewers', 'admins') AND held = 0);

-- What is held stands in the scopes' own rows since 0006; nothing reads these any more.
DROP INDEX holds_by_user, holds_by_session, holds_by_project, holds_by_team;

-- +goose Down
CREATE INDEX holds_by_user ON holds (team, asker) INCLUDE (amount) WHERE NOT settled;
CREATE INDEX holds_by_session ON holds (team, session_id) INCLUDE (amount) WHERE NOT settled;
CREATE INDEX holds_by_project ON holds (team, project) INCLUDE (amount) WHERE NOT settled;
CREATE INDEX holds_by_team ON holds (team) INCLUDE (amount) WHERE NOT settled;
DELETE FROM limits WHERE kind = 'role';
DELETE FROM scopes WHERE kind = 'role';
ALTER TABLE scopes DROP CONSTRAINT scopes_role, DROP CONSTRAINT scopes_kind_check;
ALTER TABLE scopes ADD CONSTRAINT scopes_kind_check CHECK (kind IN ('user', 'session', 'project', 'team'));
ALTER TABLE limits DROP COLUMN policy;
