-- Calls that were granted, fading with time: divided by the ten minutes of src/record/budgets.ts it is the present rate.
ALTER TABLE budgets ADD COLUMN spent double precision NOT NULL DEFAULT 0;
