-- The order service's schema for SQLite. PostgreSQL has the same tables and columns under the same migration name; a test
-- holds the two against each other.
--
-- Conventions:
--   * Identities are UUIDv7 as 16-byte BLOBs: sorted by time, so that new rows land side by side.
--   * Instants are INTEGER microseconds since the Unix epoch.
--   * Money is INTEGER minor units of the currency beside it (ISO 4217).
--   * Words are TEXT with a CHECK, as on PostgreSQL, where adding a word to an enum type takes more than a constraint.
--   * Every rule of the domain that one row can break is a CHECK. They are the last line of defence, and a backup that was
--     edited by hand meets them too. Each has a name, which is all that an error says of it.
--   * Tables are STRICT: SQLite would store text in an INTEGER column otherwise.
--   * WITHOUT ROWID where rows are small and are found by their key only: one B-tree instead of two.

-- What can be bought. Orders copy what they need of it.
CREATE TABLE product (
    product_id  TEXT    NOT NULL PRIMARY KEY,
    sku         TEXT    NOT NULL UNIQUE,          -- What is counted on the shelf; a SKU belongs to one product.
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    price       INTEGER NOT NULL,                 -- Of one unit.
    currency    TEXT    NOT NULL,
    tax_class   TEXT    NOT NULL,
    active      INTEGER NOT NULL,                 -- Whether it is for sale.
    revision    INTEGER NOT NULL,                 -- The etag: 1 at first, one more with each change.
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    CONSTRAINT product_price_is_not_negative CHECK (price >= 0),
    CONSTRAINT product_currency_is_a_code CHECK (currency GLOB '[A-Z][A-Z][A-Z]'),
    CONSTRAINT product_active_is_a_flag CHECK (active IN (0, 1)),
    CONSTRAINT product_revision_is_positive CHECK (revision >= 1)
) STRICT;

-- The shelf: one row per SKU, in units. Its level is the sum of its movements. No foreign key to product: a product may
-- move to another SKU, the goods stay where they are.
CREATE TABLE stock (
    sku       TEXT    NOT NULL PRIMARY KEY,
    on_hand   INTEGER NOT NULL,                   -- There.
    reserved  INTEGER NOT NULL,                   -- Held for carts.
    allocated INTEGER NOT NULL,                   -- Promised to orders that have not shipped.
    CONSTRAINT stock_is_not_negative CHECK (on_hand >= 0 AND reserved >= 0 AND allocated >= 0),
    CONSTRAINT stock_promises_what_is_there CHECK (reserved + allocated <= on_hand)
) STRICT, WITHOUT ROWID;

-- Why the shelf is as it is. Append-only.
CREATE TABLE stock_movement (
    movement_id     BLOB    NOT NULL PRIMARY KEY,
    sku             TEXT    NOT NULL REFERENCES stock (sku),
    kind            TEXT    NOT NULL,
    on_hand_delta   INTEGER NOT NULL,
    reserved_delta  INTEGER NOT NULL,
    allocated_delta INTEGER NOT NULL,
    order_id        BLOB,                         -- For which order, if for one.
    reason          TEXT,
    actor_kind      TEXT    NOT NULL,
    actor_id        TEXT    NOT NULL,
    create_time     INTEGER NOT NULL,
    CONSTRAINT stock_movement_id_is_a_uuid CHECK (length(movement_id) = 16),
    CONSTRAINT stock_movement_kind_is_known CHECK (
        kind IN ('RECEIVED', 'RESERVED', 'ALLOCATED', 'RELEASED', 'SHIPPED', 'ADJUSTED', 'RETURNED')
    ),
    CONSTRAINT stock_movement_actor_is_known CHECK (actor_kind IN ('CUSTOMER', 'GUEST', 'ADMIN', 'SERVICE', 'SYSTEM'))
) STRICT;
-- The history of one shelf, newest first; also finds the movements behind the foreign key.
CREATE INDEX stock_movement_by_sku ON stock_movement (sku, movement_id DESC);

-- What somebody may buy.
CREATE TABLE cart (
    cart_id     BLOB    NOT NULL PRIMARY KEY,
    customer_id TEXT,                             -- Whose it is: either a customer's ...
    guest_key   BLOB,                             -- ... or a guest's, by the SHA-256 of the token; the token is not stored.
    state       TEXT    NOT NULL,
    order_id    BLOB,                             -- What an ORDERED cart became.
    merged_into BLOB,                             -- Where the lines of a MERGED cart went.
    currency    TEXT,                             -- Of its lines; NULL while there are none.
    revision    INTEGER NOT NULL,                 -- The etag.
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,                 -- When an ACTIVE cart is as good as gone.
    CONSTRAINT cart_id_is_a_uuid CHECK (length(cart_id) = 16),
    CONSTRAINT cart_has_one_owner CHECK ((customer_id IS NULL) <> (guest_key IS NULL)),
    CONSTRAINT cart_guest_key_is_a_digest CHECK (guest_key IS NULL OR length(guest_key) = 32),
    CONSTRAINT cart_state_is_known CHECK (state IN ('ACTIVE', 'ORDERED', 'MERGED', 'EXPIRED')),
    CONSTRAINT cart_order_goes_with_its_state CHECK ((state = 'ORDERED') = (order_id IS NOT NULL)),
    CONSTRAINT cart_merge_goes_with_its_state CHECK ((state = 'MERGED') = (merged_into IS NOT NULL)),
    CONSTRAINT cart_currency_is_a_code CHECK (currency IS NULL OR currency GLOB '[A-Z][A-Z][A-Z]'),
    CONSTRAINT cart_revision_is_positive CHECK (revision >= 1)
) STRICT;
-- One ACTIVE cart per owner, whoever races to open it.
CREATE UNIQUE INDEX cart_active_of_customer ON cart (customer_id) WHERE state = 'ACTIVE' AND customer_id IS NOT NULL;
CREATE UNIQUE INDEX cart_active_of_guest ON cart (guest_key) WHERE state = 'ACTIVE' AND guest_key IS NOT NULL;
-- The newest cart of an owner.
CREATE INDEX cart_by_customer ON cart (customer_id, state, create_time DESC) WHERE customer_id IS NOT NULL;
CREATE INDEX cart_by_guest ON cart (guest_key, create_time DESC) WHERE guest_key IS NOT NULL;
-- Which carts to sweep.
CREATE INDEX cart_by_expiry ON cart (expire_time) WHERE state = 'ACTIVE';

-- The lines of a cart.
CREATE TABLE cart_item (
    cart_id       BLOB    NOT NULL REFERENCES cart (cart_id) ON DELETE CASCADE,
    item_id       BLOB    NOT NULL,
    position      INTEGER NOT NULL,               -- In the order in which they were put in, from 0.
    product_id    TEXT    NOT NULL,
    sku           TEXT    NOT NULL,
    quantity      INTEGER NOT NULL,               -- Units.
    seen_price    INTEGER NOT NULL,               -- Of one unit when it was last put in.
    seen_currency TEXT    NOT NULL,
    seen_time     INTEGER NOT NULL,
    PRIMARY KEY (cart_id, item_id),
    CONSTRAINT cart_item_product_is_there_once UNIQUE (cart_id, product_id),
    CONSTRAINT cart_item_id_is_a_uuid CHECK (length(item_id) = 16),
    CONSTRAINT cart_item_position_is_not_negative CHECK (position >= 0),
    CONSTRAINT cart_item_quantity_is_positive CHECK (quantity > 0),
    CONSTRAINT cart_item_price_is_not_negative CHECK (seen_price >= 0),
    CONSTRAINT cart_item_currency_is_a_code CHECK (seen_currency GLOB '[A-Z][A-Z][A-Z]')
) STRICT, WITHOUT ROWID;

-- Orders. What was agreed never changes; the three axes, the word and the contact do.
CREATE TABLE orders (
    order_id           BLOB    NOT NULL PRIMARY KEY,
    order_number       TEXT    NOT NULL UNIQUE,   -- For people: SPK-2026-001001.
    customer_id        TEXT,                      -- NULL for a guest.
    cart_id            BLOB    UNIQUE,            -- One cart makes one order, for ever. The order outlives the cart.
    state              TEXT    NOT NULL,          -- First axis.
    payment_status     TEXT    NOT NULL,          -- Second axis, derived from the ledger.
    fulfillment_status TEXT    NOT NULL,          -- Third axis, derived from the lines' counters.
    status             TEXT    NOT NULL,          -- The word for people, derived from the three.
    holds              TEXT    NOT NULL,          -- JSON list of words.
    currency           TEXT    NOT NULL,          -- Of every amount of the order.
    subtotal           INTEGER NOT NULL,          -- Sum of the lines' subtotals.
    discount           INTEGER NOT NULL,          -- Sum of the lines' discounts.
    tax                INTEGER NOT NULL,          -- Sum of the lines' taxes.
    shipping           INTEGER NOT NULL,
    shipping_tax       INTEGER NOT NULL,
    total              INTEGER NOT NULL,          -- Sum of the lines' totals, shipping and shipping tax.
    refunded           INTEGER NOT NULL,          -- Sum over the payments; here for lists and statistics.
    contact_name       TEXT,                      -- Only imported orders may lack a contact.
    contact_email      TEXT,                      -- As given; compared in lower case.
    contact_phone      TEXT,
    shipping_address   TEXT,                      -- JSON.
    billing_address    TEXT,                      -- JSON.
    notes              TEXT    NOT NULL,
    metadata           TEXT    NOT NULL,          -- JSON object of strings.
    explanation        TEXT    NOT NULL,          -- JSON: how the totals came about.
    cancel_reason      TEXT,
    pay_by             INTEGER,                   -- Until when it must be paid.
    import_source      TEXT,                      -- The system it was taken over from ...
    import_external_id TEXT,                      -- ... its name there ...
    import_detail      TEXT,                      -- ... and what was said of it there, JSON.
    create_time        INTEGER NOT NULL,
    update_time        INTEGER NOT NULL,
    revision           INTEGER NOT NULL,          -- The etag: the revision of the last event.
    CONSTRAINT orders_id_is_a_uuid CHECK (length(order_id) = 16),
    CONSTRAINT orders_cart_id_is_a_uuid CHECK (cart_id IS NULL OR length(cart_id) = 16),
    CONSTRAINT orders_state_is_known CHECK (
        state IN ('PENDING', 'CONFIRMED', 'PROCESSING', 'CANCELLED', 'EXPIRED', 'COMPLETED')
    ),
    CONSTRAINT orders_payment_status_is_known CHECK (
        payment_status IN (
            'UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED',
            'VOIDED', 'FAILED'
        )
    ),
    CONSTRAINT orders_fulfillment_status_is_known CHECK (
        fulfillment_status IN (
            'UNFULFILLED', 'PARTIALLY_SHIPPED', 'SHIPPED', 'PARTIALLY_DELIVERED', 'DELIVERED', 'PARTIALLY_RETURNED',
            'RETURNED', 'CANCELLED'
        )
    ),
    CONSTRAINT orders_status_is_known CHECK (
        status IN (
            'PENDING', 'PAID', 'CONFIRMED', 'PROCESSING', 'SHIPPED', 'DELIVERED', 'COMPLETED', 'CANCELLED', 'REFUNDED'
        )
    ),
    CONSTRAINT orders_currency_is_a_code CHECK (currency GLOB '[A-Z][A-Z][A-Z]'),
    CONSTRAINT orders_money_is_not_negative CHECK (
        subtotal >= 0 AND discount >= 0 AND tax >= 0 AND shipping >= 0 AND shipping_tax >= 0 AND total >= 0
        AND refunded >= 0
    ),
    CONSTRAINT orders_discount_is_at_most_the_subtotal CHECK (discount <= subtotal),
    -- The whole sum is over the lines, which one row cannot see; a test and the domain hold it. This much it can see.
    CONSTRAINT orders_total_holds_shipping CHECK (total >= shipping + shipping_tax),
    CONSTRAINT orders_contact_is_whole CHECK ((contact_name IS NULL) = (contact_email IS NULL)),
    CONSTRAINT orders_import_is_whole CHECK (
        (import_source IS NULL) = (import_external_id IS NULL) AND (import_source IS NULL) = (import_detail IS NULL)
    ),
    CONSTRAINT orders_revision_is_positive CHECK (revision >= 1)
) STRICT;
-- Nothing is taken over twice.
CREATE UNIQUE INDEX orders_by_import ON orders (import_source, import_external_id) WHERE import_source IS NOT NULL;
-- A customer's own orders, newest first.
CREATE INDEX orders_by_customer ON orders (customer_id, create_time DESC, order_id DESC);
-- The shop's lists by word, newest first.
CREATE INDEX orders_by_status ON orders (status, create_time DESC, order_id DESC);
-- The list of all orders by time, either way. The further columns are all that statistics read: they then add up an index,
-- not rows that are thirty times as wide.
CREATE INDEX orders_by_time ON orders (create_time DESC, order_id DESC, status, currency, total, refunded);
-- Lists sorted by total, and filters on it.
CREATE INDEX orders_by_total ON orders (total, order_id);
-- All orders that were placed with an address, in whatever case it was typed.
CREATE INDEX orders_by_email ON orders (lower(contact_email)) WHERE contact_email IS NOT NULL;
-- Which orders may have to be expired.
CREATE INDEX orders_by_pay_by ON orders (pay_by) WHERE state = 'PENDING' AND pay_by IS NOT NULL;

-- The lines of an order: what was agreed, and the counters that are its real state.
CREATE TABLE order_line (
    order_id         BLOB    NOT NULL REFERENCES orders (order_id),
    line_id          INTEGER NOT NULL,            -- 1, 2, 3 ... within the order.
    product_id       TEXT    NOT NULL,            -- As it was then; the catalogue may have moved on.
    sku              TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    unit_price       INTEGER NOT NULL,
    subtotal         INTEGER NOT NULL,            -- Unit price times quantity.
    discount         INTEGER NOT NULL,            -- Its share of the order's discount.
    tax              INTEGER NOT NULL,
    total            INTEGER NOT NULL,            -- What it adds to the order's total.
    tax_rate         TEXT    NOT NULL,            -- A decimal fraction: 0.08.
    tax_class        TEXT    NOT NULL,
    ordered          INTEGER NOT NULL,            -- Units, here and below.
    cancelled        INTEGER NOT NULL,
    allocated        INTEGER NOT NULL,            -- Promised from the shelf, not shipped.
    shipped          INTEGER NOT NULL,
    delivered        INTEGER NOT NULL,
    return_requested INTEGER NOT NULL,
    return_received  INTEGER NOT NULL,
    restocked        INTEGER NOT NULL,
    written_off      INTEGER NOT NULL,
    PRIMARY KEY (order_id, line_id),
    CONSTRAINT order_line_id_is_positive CHECK (line_id >= 1),
    CONSTRAINT order_line_money_is_not_negative CHECK (
        unit_price >= 0 AND subtotal >= 0 AND discount >= 0 AND tax >= 0 AND total >= 0
    ),
    CONSTRAINT order_line_subtotal_is_price_times_quantity CHECK (subtotal = unit_price * ordered),
    CONSTRAINT order_line_discount_is_at_most_the_subtotal CHECK (discount <= subtotal),
    -- Prices either contain their tax or they do not.
    CONSTRAINT order_line_total_is_a_sum CHECK (total = subtotal - discount OR total = subtotal - discount + tax),
    CONSTRAINT order_line_counters_are_not_negative CHECK (
        ordered > 0 AND cancelled >= 0 AND allocated >= 0 AND shipped >= 0 AND delivered >= 0 AND return_requested >= 0
        AND return_received >= 0 AND restocked >= 0 AND written_off >= 0
    ),
    CONSTRAINT order_line_units_are_there_once CHECK (cancelled + allocated + shipped <= ordered),
    CONSTRAINT order_line_delivered_was_shipped CHECK (delivered <= shipped),
    CONSTRAINT order_line_return_was_shipped CHECK (return_requested <= shipped),
    CONSTRAINT order_line_received_was_requested CHECK (return_received <= return_requested),
    CONSTRAINT order_line_returned_goods_are_there_once CHECK (restocked + written_off <= return_received)
) STRICT, WITHOUT ROWID;
-- Orders with a product or a SKU.
CREATE INDEX order_line_by_product ON order_line (product_id);
CREATE INDEX order_line_by_sku ON order_line (sku);

-- The ledger: one row per way in which an order is paid. Pending amounts count against every bound, so that no two requests
-- together can take or return more than they may, in whatever order their answers come.
CREATE TABLE payment (
    payment_id      BLOB    NOT NULL PRIMARY KEY,
    order_id        BLOB    NOT NULL REFERENCES orders (order_id),
    position        INTEGER NOT NULL,             -- 0, 1, 2 ... within the order, oldest first.
    method          TEXT    NOT NULL,
    currency        TEXT    NOT NULL,
    amount          INTEGER NOT NULL,             -- What it is to bring in.
    authorized      INTEGER NOT NULL,             -- Promised by the gateway.
    captured        INTEGER NOT NULL,             -- Taken.
    refunded        INTEGER NOT NULL,             -- Given back.
    voided          INTEGER NOT NULL,             -- Promises given up.
    auth_pending    INTEGER NOT NULL,             -- On its way to being promised ...
    capture_pending INTEGER NOT NULL,             -- ... taken ...
    refund_pending  INTEGER NOT NULL,             -- ... given back.
    create_time     INTEGER NOT NULL,
    CONSTRAINT payment_has_its_place UNIQUE (order_id, position),
    CONSTRAINT payment_id_is_a_uuid CHECK (length(payment_id) = 16),
    CONSTRAINT payment_position_is_not_negative CHECK (position >= 0),
    CONSTRAINT payment_method_is_known CHECK (
        method IN ('CREDIT_CARD', 'DEBIT_CARD', 'UPI', 'NET_BANKING', 'WALLET', 'CASH_ON_DELIVERY', 'EXTERNAL')
    ),
    CONSTRAINT payment_currency_is_a_code CHECK (currency GLOB '[A-Z][A-Z][A-Z]'),
    CONSTRAINT payment_money_is_not_negative CHECK (
        amount >= 0 AND authorized >= 0 AND captured >= 0 AND refunded >= 0 AND voided >= 0 AND auth_pending >= 0
        AND capture_pending >= 0 AND refund_pending >= 0
    ),
    CONSTRAINT payment_takes_at_most_what_was_promised CHECK (captured + capture_pending <= authorized),
    CONSTRAINT payment_returns_at_most_what_was_taken CHECK (refunded + refund_pending <= captured),
    CONSTRAINT payment_voids_at_most_what_is_promised CHECK (voided <= authorized - captured)
) STRICT;

-- Every request to a gateway, written down before it is sent. Its id is the gateway's idempotency key.
CREATE TABLE payment_operation (
    operation_id      BLOB    NOT NULL PRIMARY KEY,
    payment_id        BLOB    NOT NULL REFERENCES payment (payment_id),
    order_id          BLOB    NOT NULL REFERENCES orders (order_id), -- The payment's; here so that an order is read in one go.
    position          INTEGER NOT NULL,           -- 0, 1, 2 ... within the payment.
    kind              TEXT    NOT NULL,
    amount            INTEGER NOT NULL,
    state             TEXT    NOT NULL,
    token             TEXT,                       -- The instrument as the gateway's token, never a card number.
    gateway_reference TEXT,                       -- The gateway's name for what it did.
    decline_code      TEXT,                       -- Why it refused.
    attempts          INTEGER NOT NULL,           -- How often it was sent or asked after.
    next_attempt_at   INTEGER,                    -- When the reconciler looks at it next.
    create_time       INTEGER NOT NULL,
    update_time       INTEGER NOT NULL,
    CONSTRAINT payment_operation_has_its_place UNIQUE (payment_id, position),
    CONSTRAINT payment_operation_id_is_a_uuid CHECK (length(operation_id) = 16),
    CONSTRAINT payment_operation_position_is_not_negative CHECK (position >= 0),
    CONSTRAINT payment_operation_kind_is_known CHECK (kind IN ('SALE', 'AUTHORIZE', 'CAPTURE', 'REFUND', 'VOID')),
    CONSTRAINT payment_operation_state_is_known CHECK (state IN ('INITIAL', 'SENT', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
    CONSTRAINT payment_operation_amount_is_not_negative CHECK (amount >= 0),
    CONSTRAINT payment_operation_attempts_are_not_negative CHECK (attempts >= 0),
    CONSTRAINT payment_operation_closed_is_not_due CHECK (
        state IN ('INITIAL', 'SENT', 'UNKNOWN') OR next_attempt_at IS NULL
    )
) STRICT;
CREATE INDEX payment_operation_by_order ON payment_operation (order_id);
-- What the reconciler has to look after: a handful of rows, however many operations there were.
CREATE INDEX payment_operation_due ON payment_operation (next_attempt_at) WHERE state IN ('INITIAL', 'SENT', 'UNKNOWN');

-- Parcels.
CREATE TABLE shipment (
    shipment_id        BLOB    NOT NULL PRIMARY KEY,
    order_id           BLOB    NOT NULL REFERENCES orders (order_id),
    sequence           INTEGER NOT NULL,          -- 1, 2, 3 ... within the order.
    status             TEXT    NOT NULL,
    carrier            TEXT,
    tracking_number    TEXT,
    tracking_url       TEXT,
    estimated_delivery INTEGER,
    lines              TEXT    NOT NULL,          -- JSON: what is in it.
    ship_time          INTEGER,
    deliver_time       INTEGER,
    create_time        INTEGER NOT NULL,
    CONSTRAINT shipment_has_its_place UNIQUE (order_id, sequence),
    CONSTRAINT shipment_id_is_a_uuid CHECK (length(shipment_id) = 16),
    CONSTRAINT shipment_sequence_is_positive CHECK (sequence >= 1),
    CONSTRAINT shipment_status_is_known CHECK (
        status IN ('PENDING', 'PACKED', 'SHIPPED', 'DELIVERED', 'CANCELLED', 'RETURNED_TO_SENDER')
    )
) STRICT;

-- History and outbox at once; append-only. Its rowid is the order of commits: there is one writer.
CREATE TABLE order_event (
    order_id     BLOB    NOT NULL REFERENCES orders (order_id),
    revision     INTEGER NOT NULL,                -- 1, 2, 3 ... without gap per order.
    kind         TEXT    NOT NULL,
    actor_kind   TEXT    NOT NULL,
    actor_id     TEXT    NOT NULL,
    request_id   BLOB,
    reason       TEXT,
    create_time  INTEGER NOT NULL,
    status_after TEXT    NOT NULL,
    payload      TEXT    NOT NULL,                -- JSON.
    PRIMARY KEY (order_id, revision),
    CONSTRAINT order_event_revision_is_positive CHECK (revision >= 1),
    CONSTRAINT order_event_actor_is_known CHECK (actor_kind IN ('CUSTOMER', 'GUEST', 'ADMIN', 'SERVICE', 'SYSTEM')),
    CONSTRAINT order_event_status_is_known CHECK (
        status_after IN (
            'PENDING', 'PAID', 'CONFIRMED', 'PROCESSING', 'SHIPPED', 'DELIVERED', 'COMPLETED', 'CANCELLED', 'REFUNDED'
        )
    )
) STRICT;

-- What an order can be found by: all of it lower-cased, in one text.
CREATE TABLE order_search (
    search_id INTEGER PRIMARY KEY,                -- Only here: the index below needs a number that VACUUM does not change.
    order_id  BLOB NOT NULL UNIQUE REFERENCES orders (order_id),
    document  TEXT NOT NULL
) STRICT;
-- The index of all its runs of three characters. It holds no text of its own; the triggers keep it in step and do nothing
-- else. 'case_sensitive' because document and words come lower-cased by the same function, which knows more than ASCII.
CREATE VIRTUAL TABLE order_search_index USING fts5 (
    document, content = 'order_search', content_rowid = 'search_id', tokenize = 'trigram case_sensitive 1'
);
CREATE TRIGGER order_search_added AFTER INSERT ON order_search BEGIN
    INSERT INTO order_search_index (rowid, document) VALUES (new.search_id, new.document);
END;
CREATE TRIGGER order_search_changed AFTER UPDATE OF document ON order_search WHEN old.document <> new.document BEGIN
    INSERT INTO order_search_index (order_search_index, rowid, document) VALUES ('delete', old.search_id, old.document);
    INSERT INTO order_search_index (rowid, document) VALUES (new.search_id, new.document);
END;
CREATE TRIGGER order_search_removed AFTER DELETE ON order_search BEGIN
    INSERT INTO order_search_index (order_search_index, rowid, document) VALUES ('delete', old.search_id, old.document);
END;

-- The last number drawn, per prefix and year: numbers have no gaps, because a number is drawn and used in one transaction.
CREATE TABLE order_counter (
    prefix TEXT    NOT NULL,
    year   INTEGER NOT NULL,
    value  INTEGER NOT NULL,
    PRIMARY KEY (prefix, year),
    CONSTRAINT order_counter_value_is_not_negative CHECK (value >= 0)
) STRICT, WITHOUT ROWID;

-- Idempotency: one row per request id that was used, written in the transaction of its effect.
CREATE TABLE request (
    principal   TEXT    NOT NULL,                 -- Who.
    method      TEXT    NOT NULL,
    request_id  BLOB    NOT NULL,
    body_hash   BLOB    NOT NULL,                 -- SHA-256: the same id with another body is refused.
    outcome     TEXT    NOT NULL,                 -- JSON: what it made, or why it was refused.
    create_time INTEGER NOT NULL,
    PRIMARY KEY (principal, method, request_id),
    CONSTRAINT request_id_is_a_uuid CHECK (length(request_id) = 16),
    CONSTRAINT request_body_hash_is_a_digest CHECK (length(body_hash) = 32)
) STRICT, WITHOUT ROWID;

-- The simulated gateway's own log: what it did under a key, once and for ever.
CREATE TABLE gateway_operation (
    key          BLOB    NOT NULL PRIMARY KEY,
    kind         TEXT    NOT NULL,
    amount       INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    reference    TEXT,                            -- It did it ...
    decline_code TEXT,                            -- ... or refused.
    create_time  INTEGER NOT NULL,
    CONSTRAINT gateway_operation_key_is_a_uuid CHECK (length(key) = 16),
    CONSTRAINT gateway_operation_kind_is_known CHECK (kind IN ('SALE', 'AUTHORIZE', 'CAPTURE', 'REFUND', 'VOID')),
    CONSTRAINT gateway_operation_amount_is_not_negative CHECK (amount >= 0),
    CONSTRAINT gateway_operation_currency_is_a_code CHECK (currency GLOB '[A-Z][A-Z][A-Z]'),
    CONSTRAINT gateway_operation_has_one_outcome CHECK ((reference IS NULL) <> (decline_code IS NULL))
) STRICT;
