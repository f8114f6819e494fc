-- What people see in Slack: messages, notices, and what Slack has refused.

-- +goose Up

-- Messages that stand in Slack.
CREATE TABLE posts (
    request_id text NOT NULL REFERENCES requests,
    -- plain: a card that Slack refuses has this one in its place, without an Approve of its own.
    surface    text NOT NULL CHECK (surface IN ('root', 'progress', 'card', 'plain', 'answer', 'files', 'reply', 'sheets', 'running', 'mark') OR surface ~ '^copy (files )?[CG][A-Z0-9]+$'),
    channel    text NOT NULL CHECK (channel <> ''),
    ts         text NOT NULL CHECK (ts <> ''),
    shown      text NOT NULL,
    -- Each surface is one message, which is rewritten rather than posted again.
    PRIMARY KEY (request_id, surface)
);

-- A message that is forgotten would be posted again.
CREATE TRIGGER posts_named BEFORE UPDATE ON posts FOR EACH ROW
    WHEN ((NEW.request_id, NEW.surface) IS DISTINCT FROM (OLD.request_id, OLD.surface))
    EXECUTE FUNCTION refuse('a message stays what it is');
CREATE TRIGGER posts_undeletable BEFORE DELETE ON posts FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER posts_untruncatable BEFORE TRUNCATE ON posts FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- Files of answers that the bot has put into Slack, from before anybody sees them: by these they are found when the
-- answer is taken back.
CREATE TABLE uploads (
    request_id text NOT NULL REFERENCES requests,
    surface    text NOT NULL CHECK (surface IN ('files', 'sheets') OR surface ~ '^copy files [CG][A-Z0-9]+$'),
    file       text NOT NULL CHECK (file <> ''),
    -- Each is there once.
    PRIMARY KEY (request_id, file)
);
CREATE TRIGGER uploads_unchangeable BEFORE UPDATE OR DELETE ON uploads FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER uploads_untruncatable BEFORE TRUNCATE ON uploads FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- Answers that are not to stand in Slack any more. All else of them stays on record.
CREATE TABLE takebacks (
    -- An answer is taken back once.
    request_id text PRIMARY KEY REFERENCES requests,
    person     text NOT NULL CHECK (person <> ''),
    at         timestamptz NOT NULL
);
CREATE TRIGGER takebacks_unchangeable BEFORE UPDATE OR DELETE ON takebacks FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER takebacks_untruncatable BEFORE TRUNCATE ON takebacks FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- Where else an answer stands, because its asker has shared it.
CREATE TABLE copies (
    request_id text NOT NULL,
    channel    text NOT NULL CHECK (channel ~ '^[CG][A-Z0-9]+$'),
    person     text NOT NULL,
    at         timestamptz NOT NULL,
    -- It stands in a channel once.
    PRIMARY KEY (request_id, channel),
    -- Nobody shares what somebody else has asked.
    CONSTRAINT copies_asker FOREIGN KEY (request_id, person) REFERENCES requests (id, asker)
);
CREATE TRIGGER copies_unchangeable BEFORE UPDATE OR DELETE ON copies FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER copies_untruncatable BEFORE TRUNCATE ON copies FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- The channel that the person of a chat looks at, as Slack has told. It gives nobody a right: whether they are in that
-- channel is asked of Slack whenever something is asked by its rules. Losing a row means that the strictest rules hold.
CREATE TABLE chats (
    team      text NOT NULL,
    channel   text NOT NULL, -- their direct message
    thread_ts text NOT NULL,
    looks     text NOT NULL, -- empty: at none that both are in
    at        timestamptz NOT NULL,
    -- A person looks at one thing.
    PRIMARY KEY (team, channel, thread_ts)
);

-- A row for as long as Slack does not take a message. It says nothing about what
-- may run; losing one only means that people hear of it later.
CREATE TABLE unseen (
    request_id text NOT NULL REFERENCES requests,
    surface    text NOT NULL CHECK (surface IN ('root', 'progress', 'card', 'plain', 'answer', 'files', 'reply', 'sheets', 'running', 'mark') OR surface ~ '^copy (files )?[CG][A-Z0-9]+$'),
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

-- What people are told by direct message, and a channel of checkpoints, each of them once.
CREATE TABLE notices (
    -- What it is about is its name: said again, on whatever replica, it is the same notice.
    key        text PRIMARY KEY CHECK (key <> ''),
    team       text NOT NULL CHECK (team <> ''),
    kind       text NOT NULL CHECK (kind <> ''),
    recipients text[] NOT NULL,
    admins     boolean NOT NULL, -- whoever is an administrator when it is sent, as well
    request_id text REFERENCES requests,
    data       jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object'),
    at         timestamptz NOT NULL,
    told_at    timestamptz, -- NULL until everybody has it
    -- Somebody's approval that they are told of with the others of their day, and in which notice.
    held       boolean NOT NULL DEFAULT false,
    digest     text REFERENCES notices,
    -- It is for somebody.
    CONSTRAINT notices_recipients CHECK (admins OR cardinality(recipients) > 0),
    -- Only a person's own approval may be told later.
    CONSTRAINT notices_held CHECK (NOT held OR kind = 'approved' AND cardinality(recipients) = 1),
    CONSTRAINT notices_digest CHECK (held OR digest IS NULL)
);
CREATE INDEX notices_untold ON notices (at) WHERE told_at IS NULL;
CREATE INDEX notices_waiting ON notices (at) WHERE held AND digest IS NULL;
CREATE INDEX notices_by_request ON notices (request_id);
CREATE INDEX notices_checkpoints ON notices (team, ((data ->> 'number')::bigint)) WHERE kind = 'checkpoint';

-- Where a notice stands.
CREATE TABLE notice_posts (
    key       text NOT NULL REFERENCES notices,
    recipient text NOT NULL CHECK (recipient <> ''),
    -- Empty from the moment before it is posted until somebody remembers where it
    -- is: whoever finds it so looks before they post.
    channel   text NOT NULL,
    ts        text NOT NULL,
    shown     text NOT NULL,
    begun_at  timestamptz NOT NULL,
    -- Nobody gets the same notice twice.
    PRIMARY KEY (key, recipient),
    CONSTRAINT notice_posts_place CHECK ((channel = '') = (ts = ''))
);

-- +goose StatementBegin
-- What people were told stays what they were told, or is emptied once they were.
CREATE FUNCTION notices_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What is in one digest is in no other.
    IF OLD.held AND NOT NEW.held OR OLD.digest IS NOT NULL AND NEW.digest IS DISTINCT FROM OLD.digest THEN
        RAISE EXCEPTION 'notice % is in a digest', OLD.key
            USING ERRCODE = 'check_violation', CONSTRAINT = 'notices_told_once';
    END IF;
    IF (NEW.key, NEW.team, NEW.kind, NEW.recipients, NEW.admins, NEW.request_id, NEW.at) IS DISTINCT FROM
       (OLD.key, OLD.team, OLD.kind, OLD.recipients, OLD.admins, OLD.request_id, OLD.at)
        OR NEW.data <> OLD.data AND NOT (NEW.data = '{}' AND OLD.told_at IS NOT NULL) THEN
        RAISE EXCEPTION 'notice % cannot change', OLD.key
            USING ERRCODE = 'check_violation', CONSTRAINT = 'notices_stand';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER notices_stand BEFORE UPDATE ON notices FOR EACH ROW EXECUTE FUNCTION notices_stand();
-- A notice that is forgotten could be sent again.
CREATE TRIGGER notices_undeletable BEFORE DELETE ON notices FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER notices_untruncatable BEFORE TRUNCATE ON notices FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
CREATE TRIGGER notice_posts_undeletable BEFORE DELETE ON notice_posts FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER notice_posts_untruncatable BEFORE TRUNCATE ON notice_posts FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
