DROP FUNCTION take_in_search_documents();
ALTER INDEX order_search_document_idx SET (gin_pending_list_limit = 256);
