-- Nothing to be done here: PostgreSQL's index holds no places within documents.
SELECT 1;
