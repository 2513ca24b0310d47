-- Tickets that resemble each other stand under one message, whose thread holds theirs.

-- The message under which this one stands; null: in the channel itself.
ALTER TABLE slack_messages ADD COLUMN thread text;
CREATE INDEX slack_messages_thread ON slack_messages (channel, thread) WHERE thread IS NOT NULL;

-- Equal for tickets that resemble each other; null: stands alone.
ALTER TABLE slack_roots ADD COLUMN likeness text;
CREATE INDEX slack_roots_likeness ON slack_roots (channel, connection_id, likeness, posted_at)
  WHERE likeness IS NOT NULL;
