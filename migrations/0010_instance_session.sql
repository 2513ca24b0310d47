-- Each instance keeps one session open as long as it lives and holds an advisory lock on it; this is the lock's key.
-- Where the lock is gone, so is the process: the database learns of a kill within milliseconds. Null: an instance
-- without such a session is judged by its counter alone.
ALTER TABLE instances ADD COLUMN session_key integer;
