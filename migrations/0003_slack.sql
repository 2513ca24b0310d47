-- Slack: what stands where, who waits for a turn, and what people pressed. Slack itself is asked before anything is
-- sent again (steps carry metadata); these tables make messages live, keep their pace and remember decisions.

-- When the next message may go out. One row per channel, one per kind of call for the whole workspace; all instances
-- take their turns here.
CREATE TABLE slack_gates (
  name    text PRIMARY KEY,
  next_at timestamptz NOT NULL DEFAULT '-infinity'
);

-- Messages that Deskhand posted and may redraw. Kind: card (one ticket) | digest (several) | fixed (never redrawn).
CREATE TABLE slack_messages (
  channel    text NOT NULL,
  ts         text NOT NULL,
  step_id    uuid NOT NULL,
  kind       text NOT NULL,
  buttons    text[] NOT NULL DEFAULT '{}',
  -- Of a digest: news that are no ticket's first, escaped.
  lines      text[] NOT NULL DEFAULT '{}',
  -- Set: look whether it still shows the truth. A redraw under way moves it ahead instead of clearing it, so that a
  -- crash forgets nothing.
  due_at     timestamptz,
  -- Hash of what was drawn last; null: not known.
  drawn_hash text,
  failures   integer NOT NULL DEFAULT 0,
  posted_at  timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (channel, ts)
);
CREATE INDEX slack_messages_due ON slack_messages (due_at) WHERE due_at IS NOT NULL;

-- The one message of a ticket in a channel; later news go into its thread.
CREATE TABLE slack_roots (
  channel       text NOT NULL,
  connection_id integer NOT NULL,
  ticket_id     text NOT NULL,
  ts            text NOT NULL,
  -- The rule's text, escaped.
  lead          text NOT NULL,
  place         integer NOT NULL DEFAULT 0,
  posted_at     timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (channel, connection_id, ticket_id)
);
CREATE INDEX slack_roots_of_ticket ON slack_roots (connection_id, ticket_id, posted_at);
CREATE INDEX slack_roots_of_message ON slack_roots (channel, ts);

-- Tickets with a message whose state changed. Rows are only added here: updating messages from within the tickets'
-- own transactions would lock digests crosswise.
CREATE TABLE slack_changes (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection_id integer NOT NULL,
  ticket_id     text NOT NULL,
  changed_at    timestamptz NOT NULL DEFAULT app_now()
);

CREATE FUNCTION slack_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO slack_changes (connection_id, ticket_id)
  SELECT NEW.connection_id, NEW.ticket_id
   WHERE EXISTS (SELECT FROM slack_roots r
                  WHERE r.connection_id = NEW.connection_id AND r.ticket_id = NEW.ticket_id);
  RETURN NULL;
END $$;

CREATE TRIGGER slack_note_change AFTER UPDATE ON tickets FOR EACH ROW
  WHEN (OLD.snapshot IS DISTINCT FROM NEW.snapshot
     OR OLD.acknowledged_at IS DISTINCT FROM NEW.acknowledged_at
     OR OLD.snoozed_until IS DISTINCT FROM NEW.snoozed_until
     OR OLD.gone_at IS DISTINCT FROM NEW.gone_at)
  EXECUTE FUNCTION slack_note_change();

-- Posts that wait for their channel's turn. The step that gets the turn takes others along in one digest.
CREATE TABLE slack_waiting (
  step_id       uuid PRIMARY KEY,
  channel       text NOT NULL,
  connection_id integer NOT NULL,
  ticket_id     text,
  -- The rendered text, escaped.
  line          text NOT NULL,
  queued_at     timestamptz NOT NULL DEFAULT app_now(),
  -- The step whose message says this one's too (itself, when it goes alone).
  carried_by    uuid,
  -- That message, once it stands.
  ts            text
);
CREATE INDEX slack_waiting_queue ON slack_waiting (channel, queued_at) WHERE carried_by IS NULL;
CREATE INDEX slack_waiting_carried ON slack_waiting (carried_by) WHERE carried_by IS NOT NULL;

-- Questions of slack.ask. The first answer counts, whether a person's or the clock's.
CREATE TABLE slack_asks (
  step_id     uuid PRIMARY KEY,
  channel     text NOT NULL,
  ts          text NOT NULL,
  question    text NOT NULL,
  answer      text,
  answered_by text,
  answered_at timestamptz
);

-- Everything a person asked for in Slack: the guard against repeats, the audit, and what has to be answered.
CREATE TABLE slack_presses (
  -- Slack's own id of the act: a repeated delivery finds it here.
  key           text PRIMARY KEY,
  pressed_at    timestamptz NOT NULL DEFAULT app_now(),
  user_id       text NOT NULL,
  -- E-mail, else the Slack id.
  person        text NOT NULL,
  action        text NOT NULL,
  connection_id integer,
  ticket_id     text,
  channel       text,
  ts            text,
  -- The run that does it, where a desk is involved.
  run_id        uuid,
  -- pending | done | refused
  state         text NOT NULL,
  detail        text,
  answered_at   timestamptz
);
CREATE INDEX slack_presses_open ON slack_presses (pressed_at) WHERE state = 'pending';
CREATE INDEX slack_presses_of_ticket ON slack_presses (connection_id, ticket_id, pressed_at);

-- What Deskhand says of itself is looked up often and is rare.
CREATE INDEX events_operations ON events (observed_at) WHERE type IN (
  'rule.muted', 'rule.paused', 'feed.gap', 'connection.degraded', 'connection.auth_failed',
  'connection.rate_limited', 'connection.recovered');
