-- The router's database, from the start.
SELECT 1;
