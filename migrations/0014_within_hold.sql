-- What is charged is never more than was held for it.

-- +goose Up

-- +goose StatementBegin
-- Nothing costs more than agreed: a bill ends with its hold, whoever writes it and
-- whatever the provider takes.
CREATE FUNCTION settlements_within_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM holds WHERE id = NEW.hold_id AND amount < NEW.amount) THEN
        RAISE EXCEPTION 'the settlement of hold % is more than was held', NEW.hold_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'settlements_within_hold';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER settlements_within_hold BEFORE INSERT ON settlements FOR EACH ROW EXECUTE FUNCTION settlements_within_hold();

-- +goose Down
DROP TRIGGER settlements_within_hold ON settlements;
DROP FUNCTION settlements_within_hold;
