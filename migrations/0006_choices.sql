-- Whom `rotate` or `least_open` chose for a step: chosen once, so that every further try of the step names the same
-- person.
ALTER TABLE steps ADD COLUMN choice text;
