-- Nothing to be done here: SQLite's search index gathers nothing between transactions.
SELECT 1;
