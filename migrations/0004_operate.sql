-- What maintenance looks for. The ledger of keys is written in the order of time, so a few kilobytes find its old end.
CREATE INDEX event_keys_seen ON event_keys USING brin (seen_at) WITH (pages_per_range = 32);
CREATE INDEX bound_children_bound ON bound_children USING brin (bound_at) WITH (pages_per_range = 32);
-- Runs that wait for a decision: `status` and `resume` count them by rule.
CREATE INDEX runs_held ON runs (rule_id, id) WHERE state = 'held';
