-- What is sent in one trip, together with its commit: whatever Go would look at between the trips the server looks at here.

-- +goose Up

-- +goose StatementBegin
-- Refuses what is not so any more: whoever sends statements together with their commit looks at no answer between them.
CREATE FUNCTION insist(so boolean, promise text) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF so IS NOT TRUE THEN
        RAISE EXCEPTION 'what a move rests on is not so any more: %', promise USING ERRCODE = 'check_violation', CONSTRAINT = promise;
    END IF;
END $$;
-- Refuses holds that were weighed before their budgets were locked, where that may not hold any more: others have held more
-- since than was left, a limit or somebody's role has changed, a window or a top-up has ended, or the clock was put back, maybe
-- into the window before. It is asked once the holds
-- are there, which lock the budgets, and is a statement of its own: so it sees all that was committed by whoever had them before.
-- Somebody with too many questions under way is refused here as well, for each of theirs has locked their own budget.
CREATE FUNCTION holds_weighed(of text, who text, thread text, channel text, user_most bigint, thread_most bigint, channel_most bigint, team_most bigint,
    version bigint, since timestamptz, until timestamptz, open bigint) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF clock_timestamp() < since OR clock_timestamp() >= until
        OR (SELECT s.taken FROM scopes s WHERE s.team = of AND s.kind = 'user' AND s.id = who) > user_most
        OR (SELECT s.taken FROM scopes s WHERE s.team = of AND s.kind = 'session' AND s.id = thread) > thread_most
        OR (SELECT s.taken FROM scopes s WHERE s.team = of AND s.kind = 'project' AND s.id = channel) > channel_most
        OR (SELECT s.taken FROM scopes s WHERE s.team = of AND s.kind = 'team' AND s.id = of) > team_most
        OR version <> authority(of)
            + coalesce((SELECT l.told FROM limits l WHERE l.team = of AND l.kind = 'user' AND l.id = who), 0)
            + coalesce((SELECT l.told FROM limits l WHERE l.team = of AND l.kind = 'session' AND l.id = thread), 0)
            + coalesce((SELECT l.told FROM limits l WHERE l.team = of AND l.kind = 'project' AND l.id = channel), 0)
            + coalesce((SELECT l.told FROM limits l WHERE l.team = of AND l.kind = 'team' AND l.id = of), 0)
            + coalesce((SELECT sum(l.told) FROM limits l WHERE l.team = of AND l.kind = 'role'), 0) THEN
        RAISE EXCEPTION 'what the budgets of % were weighed by is not so any more', who
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_weighed';
    END IF;
    IF open > 0 AND (SELECT count(*) FROM requests q WHERE q.team = of AND q.asker = who AND q.state IN ('drafting', 'asking', 'pending', 'approved', 'running')) > open THEN
        RAISE EXCEPTION '% has too many questions under way', who USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_bound';
    END IF;
END $$;
-- +goose StatementEnd
