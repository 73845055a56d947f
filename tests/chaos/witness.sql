-- What the witness writes down beside Heyday, by triggers of its own.

CREATE SCHEMA chaos;

-- Every move into, within or out of SENDING: by which process, in which transaction.
CREATE TABLE chaos.moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL,
    user_id uuid NOT NULL,
    process text,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    old_status text NOT NULL,
    new_status text NOT NULL,
    old_epoch integer NOT NULL,
    new_epoch integer NOT NULL,
    send_at timestamptz NOT NULL,
    timezone text NOT NULL,
    occasion_date date NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON chaos.moves (message_id);

CREATE FUNCTION chaos.note_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos.moves (
        message_id, user_id, process, old_status, new_status, old_epoch, new_epoch, send_at,
        timezone, occasion_date)
    VALUES (
        NEW.id, NEW.user_id, current_setting('chaos.process', true), OLD.status, NEW.status,
        OLD.epoch, NEW.epoch, NEW.scheduled_send_time, NEW.timezone, NEW.occasion_date);
    RETURN NULL;
END
$$;
CREATE TRIGGER chaos_note_move AFTER UPDATE ON message_logs FOR EACH ROW
WHEN (OLD.status = 'SENDING' OR NEW.status = 'SENDING')
EXECUTE FUNCTION chaos.note_move();

-- What people were after every edit that concerns who is greeted, and in which transaction.
CREATE TABLE chaos.edits (
    user_id uuid NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    is_away boolean NOT NULL,
    timezone text NOT NULL,
    birthday_date date
);
CREATE INDEX ON chaos.edits (user_id);

CREATE FUNCTION chaos.note_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos.edits (user_id, is_away, timezone, birthday_date)
    VALUES (NEW.id, NEW.deleted_at IS NOT NULL OR NEW.unsubscribed_at IS NOT NULL, NEW.timezone,
            NEW.birthday_date);
    RETURN NULL;
END
$$;
CREATE TRIGGER chaos_note_edit AFTER UPDATE ON users FOR EACH ROW
WHEN ((OLD.deleted_at, OLD.unsubscribed_at, OLD.timezone, OLD.birthday_date)
      IS DISTINCT FROM (NEW.deleted_at, NEW.unsubscribed_at, NEW.timezone, NEW.birthday_date))
EXECUTE FUNCTION chaos.note_edit();
