-- Why a feed sees changes slower than it should: the fallback that its last complete walk had to take. Null: none.
ALTER TABLE feeds ADD COLUMN degraded text;
