-- What Slack has refused: messages that people should see and do not.

-- +goose Up

-- A card that is refused has another one in its place, without an Approve of its
-- own: a message like the others.
ALTER TABLE posts DROP CONSTRAINT posts_surface_check;
ALTER TABLE posts ADD CONSTRAINT posts_surface_check CHECK (surface IN ('root', 'progress', 'card', 'plain', 'files', 'reply'));

-- A row for as long as Slack does not take a message. It says nothing about what
-- may run; losing one only means that people hear of it later.
CREATE TABLE unseen (
    request_id text NOT NULL REFERENCES requests,
    surface    text NOT NULL CHECK (surface IN ('root', 'progress', 'card', 'plain', 'files', 'reply')),
    channel    text NOT NULL,
    why        text NOT NULL CHECK (why IN ('outside', 'archived', 'forbidden', 'malformed', 'too long', 'no key', 'outage', 'other')),
    code       text NOT NULL,
    stands     boolean NOT NULL,
    times      integer NOT NULL CHECK (times > 0),
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    -- Of one message there is one refusal: the last.
    PRIMARY KEY (request_id, surface),
    CONSTRAINT unseen_order CHECK (last_at >= first_at)
);

-- +goose Down
DROP TABLE unseen;
DELETE FROM posts WHERE surface = 'plain';
ALTER TABLE posts DROP CONSTRAINT posts_surface_check;
ALTER TABLE posts ADD CONSTRAINT posts_surface_check CHECK (surface IN ('root', 'progress', 'card', 'files', 'reply'));
