-- Time: timers, schedules, silences, and the SLA clock of desks that keep none.

-- Our own clock of a ticket (src/sla/clock.ts); null where no targets are configured.
ALTER TABLE tickets ADD COLUMN sla_clock jsonb;

-- `rules publish --fire-past`: moments that were past when the set became active fire all the same.
ALTER TABLE rule_sets ADD COLUMN fire_past boolean NOT NULL DEFAULT false;

-- When a rule with time operators has to be looked at again for a ticket. A wake-up and no decision: whoever finds it
-- due evaluates the rule anew, and the event's key (the moment) lets it fire once. Rule '' stands for ticket.overdue.
CREATE TABLE timers (
  connection_id integer NOT NULL,
  ticket_id     text NOT NULL,
  rule_id       text NOT NULL,
  due_at        timestamptz NOT NULL,
  armed_at      timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (connection_id, ticket_id, rule_id)
);
CREATE INDEX timers_due ON timers (due_at);
CREATE INDEX timers_of_rule ON timers (rule_id);

-- A newly active rule version looks at all open tickets once, page by page.
CREATE TABLE timer_scans (
  rule_id          text PRIMARY KEY,
  rule_version_id  bigint NOT NULL,
  fire_past        boolean NOT NULL DEFAULT false,
  -- Activation of the rule set: what was past by then is history.
  since_at         timestamptz NOT NULL,
  after_connection integer NOT NULL DEFAULT -1,
  after_ticket     text NOT NULL DEFAULT '',
  done_at          timestamptz
);

-- The next run of each `schedule:` rule.
CREATE TABLE schedules (
  rule_id   text PRIMARY KEY,
  cron      text NOT NULL,
  time_zone text NOT NULL,
  next_at   timestamptz NOT NULL
);

-- Silences that people added; those of the configuration stand in its file.
CREATE TABLE silences (
  id         uuid PRIMARY KEY,
  condition  jsonb NOT NULL,
  from_at    timestamptz NOT NULL,
  until_at   timestamptz NOT NULL,
  reason     text NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT app_now(),
  ended_at   timestamptz,
  ended_by   text,
  CHECK (from_at < until_at)
);
CREATE INDEX silences_until ON silences (until_at) WHERE ended_at IS NULL;

-- Runs that wait are looked for by ticket when somebody acknowledges or snoozes it.
CREATE INDEX runs_active_of_ticket ON runs (connection_id, ticket_id) WHERE state = 'active';
