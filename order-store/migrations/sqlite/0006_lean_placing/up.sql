-- Nothing to be done here: looking up a parent costs SQLite next to nothing, and its search index gathers nothing between transactions.
SELECT 1;
