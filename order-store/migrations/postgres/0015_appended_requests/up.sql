-- Nothing to be done here: PostgreSQL's rows stand where there is room, and an index over times finds the oldest.
SELECT 1;
