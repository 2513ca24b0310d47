-- Transactions that leave in one round trip cannot look at an answer before they go on: they say what has to hold,
-- and fail with DH001 where it does not.
CREATE FUNCTION presume(holds boolean, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF holds IS NOT TRUE THEN
    RAISE EXCEPTION 'presumed wrongly: %', what USING ERRCODE = 'DH001';
  END IF;
END $$;
