ALTER INDEX order_search_document_idx RESET (gin_pending_list_limit);
ALTER TABLE order_search ADD CONSTRAINT order_search_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id);
ALTER TABLE order_event ADD CONSTRAINT order_event_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id);
ALTER TABLE order_line ADD CONSTRAINT order_line_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id);
