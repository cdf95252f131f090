-- The order service's tables on PostgreSQL 14 and newer.
--
-- Common to all tables:
-- * Identities are UUIDv7, made by the program: they sort by time, so that new rows touch the end of every index.
-- * Money is a whole number of the currency's minor unit; the currency stands beside it.
-- * Times are the program's, never the database's: the column `create_time` has no default.
-- * Words are TEXT with a CHECK, not an enum type: a CHECK can be replaced inside a transaction, an enum value not taken back.
-- * Text that is compared or sorted is COLLATE "C": every server sorts it the same way, and the same way as the program.
-- * JSON is TEXT, because only the program reads it; jsonb would parse and rebuild it on the write path for nobody.
-- * The rules are CHECKs here too, although the program keeps them: a bug then loses a request, not money.

-- Words anywhere in a text, from an index: order_search needs it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- What is for sale. An order copies what it needs, so that nothing here changes what was bought.
CREATE TABLE product (
    product_id  text COLLATE "C" NOT NULL,
    -- The shelf it is taken from; one product per SKU.
    sku         text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    description text NOT NULL,
    -- Per unit, minor units.
    price       bigint NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    -- The key under which the tax rules look.
    tax_class   text COLLATE "C" NOT NULL,
    -- Whether it can be ordered.
    active      boolean NOT NULL,
    -- Counts the changes; the etag.
    revision    bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT product_pkey PRIMARY KEY (product_id),
    CONSTRAINT product_sku_key UNIQUE (sku),
    CONSTRAINT product_price_check CHECK (price >= 0),
    CONSTRAINT product_currency_check CHECK (length(currency) = 3),
    CONSTRAINT product_revision_check CHECK (revision >= 1)
);

-- Shelves: what is there, and what of it is promised. The level is the sum of its movements.
-- Half-empty pages: a level changes in place, and a hot one many times before a vacuum comes by.
CREATE TABLE stock (
    sku       text COLLATE "C" NOT NULL,
    -- Units in the house.
    on_hand   bigint NOT NULL,
    -- Of these, held for carts.
    reserved  bigint NOT NULL,
    -- Of these, promised to orders that have not shipped.
    allocated bigint NOT NULL,
    CONSTRAINT stock_pkey PRIMARY KEY (sku),
    CONSTRAINT stock_on_hand_check CHECK (on_hand >= 0),
    CONSTRAINT stock_reserved_check CHECK (reserved >= 0),
    CONSTRAINT stock_allocated_check CHECK (allocated >= 0),
    -- Nothing is promised that is not there.
    CONSTRAINT stock_promised_check CHECK (allocated + reserved <= on_hand)
) WITH (fillfactor = 50);

-- The shelves' history: appended, never changed.
CREATE TABLE stock_movement (
    movement_id     uuid NOT NULL,
    sku             text COLLATE "C" NOT NULL,
    kind            text COLLATE "C" NOT NULL,
    -- The differences that it made to the level.
    on_hand_delta   bigint NOT NULL,
    reserved_delta  bigint NOT NULL,
    allocated_delta bigint NOT NULL,
    -- For which order. Not a foreign key: the history outlives what it was about.
    order_id        uuid,
    reason          text,
    -- Who did it: which kind of actor, and which one.
    actor_kind      text COLLATE "C" NOT NULL,
    actor_id        text COLLATE "C" NOT NULL,
    create_time     timestamptz NOT NULL,
    CONSTRAINT stock_movement_pkey PRIMARY KEY (movement_id),
    CONSTRAINT stock_movement_sku_fkey FOREIGN KEY (sku) REFERENCES stock (sku),
    CONSTRAINT stock_movement_kind_check
        CHECK (kind IN ('RECEIVED', 'RESERVED', 'ALLOCATED', 'RELEASED', 'SHIPPED', 'ADJUSTED', 'RETURNED')),
    CONSTRAINT stock_movement_actor_kind_check
        CHECK (actor_kind IN ('CUSTOMER', 'GUEST', 'ADMIN', 'SERVICE', 'SYSTEM'))
);
-- One shelf's history, newest first.
CREATE INDEX stock_movement_sku_idx ON stock_movement (sku, movement_id DESC);

-- Carts, of a customer or of a guest who holds a token.
CREATE TABLE cart (
    cart_id     uuid NOT NULL,
    customer_id text COLLATE "C",
    -- SHA-256 of the guest's token; the token itself is never stored.
    guest_key   bytea,
    state       text COLLATE "C" NOT NULL,
    -- What it became. Not a foreign key: the cart is marked before the order is inserted, in the same transaction.
    order_id    uuid,
    -- The cart that took its lines over. Not a foreign key, so that carts can be deleted independently.
    merged_into uuid,
    -- That of its lines; NULL while it is empty.
    currency    text COLLATE "C",
    -- Counts the changes; the etag.
    revision    bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    -- When it is as good as gone if nobody touches it.
    expire_time timestamptz NOT NULL,
    CONSTRAINT cart_pkey PRIMARY KEY (cart_id),
    CONSTRAINT cart_owner_check CHECK ((customer_id IS NULL) <> (guest_key IS NULL)),
    CONSTRAINT cart_guest_key_check CHECK (octet_length(guest_key) = 32),
    CONSTRAINT cart_state_check CHECK (
        (state = 'ACTIVE' AND order_id IS NULL AND merged_into IS NULL)
        OR (state = 'ORDERED' AND order_id IS NOT NULL AND merged_into IS NULL)
        OR (state = 'MERGED' AND order_id IS NULL AND merged_into IS NOT NULL)
        OR (state = 'EXPIRED' AND order_id IS NULL AND merged_into IS NULL)
    ),
    CONSTRAINT cart_currency_check CHECK (length(currency) = 3),
    CONSTRAINT cart_revision_check CHECK (revision >= 0)
);
-- At most one ACTIVE cart per owner: the second of two that are opened at once fails and is tried again.
CREATE UNIQUE INDEX cart_active_customer_key ON cart (customer_id) WHERE state = 'ACTIVE' AND customer_id IS NOT NULL;
CREATE UNIQUE INDEX cart_active_guest_key ON cart (guest_key) WHERE state = 'ACTIVE' AND guest_key IS NOT NULL;
-- The newest cart of an owner that was ordered: asking again for a checkout gives the same order.
CREATE INDEX cart_customer_idx ON cart (customer_id, state, create_time DESC) WHERE customer_id IS NOT NULL;
CREATE INDEX cart_guest_idx ON cart (guest_key, create_time DESC) WHERE guest_key IS NOT NULL;
-- The sweeper's: whose time is over.
CREATE INDEX cart_expire_idx ON cart (expire_time) WHERE state = 'ACTIVE';

-- What is in a cart. The price is the one that was seen; checkout prices anew.
CREATE TABLE cart_item (
    cart_id       uuid NOT NULL,
    item_id       uuid NOT NULL,
    -- Counted from 0. Not unique: items move up when one is taken out, within one statement.
    position      integer NOT NULL,
    product_id    text COLLATE "C" NOT NULL,
    sku           text COLLATE "C" NOT NULL,
    quantity      integer NOT NULL,
    -- Per unit, minor units.
    seen_price    bigint NOT NULL,
    seen_currency text COLLATE "C" NOT NULL,
    seen_time     timestamptz NOT NULL,
    CONSTRAINT cart_item_pkey PRIMARY KEY (cart_id, item_id),
    CONSTRAINT cart_item_cart_id_fkey FOREIGN KEY (cart_id) REFERENCES cart (cart_id) ON DELETE CASCADE,
    CONSTRAINT cart_item_quantity_check CHECK (quantity > 0),
    CONSTRAINT cart_item_position_check CHECK (position >= 0),
    CONSTRAINT cart_item_seen_price_check CHECK (seen_price >= 0)
);

-- Orders. Three axes (state, payment_status, fulfillment_status), and the word for people that follows from them.
CREATE TABLE orders (
    order_id           uuid NOT NULL,
    -- The number for people, without gaps per prefix and year.
    order_number       text COLLATE "C" NOT NULL,
    -- NULL for guests.
    customer_id        text COLLATE "C",
    -- The cart that it was. Unique for ever: one order per cart.
    cart_id            uuid,
    state              text COLLATE "C" NOT NULL,
    -- Derived from the ledger by the program.
    payment_status     text COLLATE "C" NOT NULL,
    -- Derived from the lines' counters by the program.
    fulfillment_status text COLLATE "C" NOT NULL,
    status             text COLLATE "C" NOT NULL,
    -- JSON list of what keeps it from being processed.
    holds              text NOT NULL,
    currency           text COLLATE "C" NOT NULL,
    -- Sums over the lines, minor units.
    subtotal           bigint NOT NULL,
    discount           bigint NOT NULL,
    tax                bigint NOT NULL,
    shipping           bigint NOT NULL,
    shipping_tax       bigint NOT NULL,
    total              bigint NOT NULL,
    -- Given back, over all payments; kept here so that revenue is a sum over one table.
    refunded           bigint NOT NULL,
    contact_name       text,
    -- As given; compared in lower case.
    contact_email      text COLLATE "C",
    contact_phone      text,
    -- JSON, as given.
    shipping_address   text,
    billing_address    text,
    notes              text NOT NULL,
    -- JSON object of labels.
    metadata           text NOT NULL,
    -- JSON: how the totals came about, frozen with them.
    explanation        text NOT NULL,
    cancel_reason      text,
    -- When it expires if it is still PENDING; NULL for never.
    pay_by             timestamptz,
    -- Of orders that were taken over: from where, under which name, and as JSON what was said there.
    import_source      text COLLATE "C",
    import_external_id text COLLATE "C",
    import_detail      text,
    create_time        timestamptz NOT NULL,
    update_time        timestamptz NOT NULL,
    -- The revision of its last event; the etag.
    revision           bigint NOT NULL,
    CONSTRAINT orders_pkey PRIMARY KEY (order_id),
    CONSTRAINT orders_order_number_key UNIQUE (order_number),
    CONSTRAINT orders_cart_id_key UNIQUE (cart_id),
    CONSTRAINT orders_import_key UNIQUE (import_source, import_external_id),
    CONSTRAINT orders_state_check
        CHECK (state IN ('PENDING', 'CONFIRMED', 'PROCESSING', 'COMPLETED', 'CANCELLED', 'EXPIRED')),
    CONSTRAINT orders_payment_status_check CHECK (payment_status IN (
        'UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'VOIDED',
        'FAILED'
    )),
    CONSTRAINT orders_fulfillment_status_check CHECK (fulfillment_status IN (
        'UNFULFILLED', 'PARTIALLY_SHIPPED', 'SHIPPED', 'PARTIALLY_DELIVERED', 'DELIVERED', 'PARTIALLY_RETURNED', 'RETURNED',
        'CANCELLED'
    )),
    CONSTRAINT orders_status_check CHECK (status IN (
        'PENDING', 'CONFIRMED', 'PAID', 'PROCESSING', 'SHIPPED', 'DELIVERED', 'COMPLETED', 'CANCELLED', 'REFUNDED'
    )),
    CONSTRAINT orders_currency_check CHECK (length(currency) = 3),
    CONSTRAINT orders_subtotal_check CHECK (subtotal >= 0),
    CONSTRAINT orders_discount_check CHECK (discount >= 0),
    CONSTRAINT orders_tax_check CHECK (tax >= 0),
    CONSTRAINT orders_shipping_check CHECK (shipping >= 0),
    CONSTRAINT orders_shipping_tax_check CHECK (shipping_tax >= 0),
    -- total = subtotal - discount + tax + shipping + shipping_tax only where prices are exclusive of tax; this holds always.
    CONSTRAINT orders_total_check CHECK (total >= shipping + shipping_tax),
    CONSTRAINT orders_refunded_check CHECK (refunded >= 0),
    CONSTRAINT orders_contact_check CHECK ((contact_name IS NULL) = (contact_email IS NULL)),
    CONSTRAINT orders_import_check CHECK (num_nulls(import_source, import_external_id, import_detail) IN (0, 3)),
    CONSTRAINT orders_revision_check CHECK (revision >= 1)
);
-- A customer's own orders, newest first.
CREATE INDEX orders_customer_idx ON orders (customer_id, create_time DESC, order_id DESC) WHERE customer_id IS NOT NULL;
-- What is to be done: the orders of one word, newest first.
CREATE INDEX orders_status_idx ON orders (status, create_time DESC, order_id DESC);
-- All orders, newest first; ranges of time; the statistics' series.
CREATE INDEX orders_create_time_idx ON orders (create_time DESC, order_id DESC);
-- All orders by total, and ranges of it.
CREATE INDEX orders_total_idx ON orders (total, order_id);
-- The orders of one address, guests' above all.
CREATE INDEX orders_contact_email_idx ON orders (lower(contact_email)) WHERE contact_email IS NOT NULL;
-- The sweeper's: what is to expire. Small, because an order leaves it when it is paid.
CREATE INDEX orders_pay_by_idx ON orders (pay_by, order_id) WHERE state = 'PENDING' AND pay_by IS NOT NULL;

-- Lines: what was bought, frozen, and how many units of it are where.
CREATE TABLE order_line (
    order_id         uuid NOT NULL,
    -- 1, 2, 3 ... within the order.
    line_id          integer NOT NULL,
    product_id       text COLLATE "C" NOT NULL,
    sku              text COLLATE "C" NOT NULL,
    name             text NOT NULL,
    -- Minor units of the order's currency.
    unit_price       bigint NOT NULL,
    subtotal         bigint NOT NULL,
    discount         bigint NOT NULL,
    tax              bigint NOT NULL,
    total            bigint NOT NULL,
    -- A decimal fraction, as text, exactly as it was applied.
    tax_rate         text NOT NULL,
    tax_class        text COLLATE "C" NOT NULL,
    -- The counters: the real state of a line, from which the order's fulfilment status follows.
    ordered          integer NOT NULL,
    cancelled        integer NOT NULL,
    allocated        integer NOT NULL,
    shipped          integer NOT NULL,
    delivered        integer NOT NULL,
    return_requested integer NOT NULL,
    return_received  integer NOT NULL,
    restocked        integer NOT NULL,
    written_off      integer NOT NULL,
    CONSTRAINT order_line_pkey PRIMARY KEY (order_id, line_id),
    CONSTRAINT order_line_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT order_line_unit_price_check CHECK (unit_price >= 0),
    CONSTRAINT order_line_subtotal_check CHECK (subtotal >= 0),
    CONSTRAINT order_line_discount_check CHECK (discount >= 0),
    CONSTRAINT order_line_tax_check CHECK (tax >= 0),
    CONSTRAINT order_line_total_check CHECK (total >= 0),
    CONSTRAINT order_line_counters_check CHECK (
        ordered > 0 AND cancelled >= 0 AND allocated >= 0 AND shipped >= 0 AND delivered >= 0 AND return_requested >= 0
        AND return_received >= 0 AND restocked >= 0 AND written_off >= 0
    ),
    CONSTRAINT order_line_ordered_check CHECK (cancelled + allocated + shipped <= ordered),
    CONSTRAINT order_line_delivered_check CHECK (delivered <= shipped),
    CONSTRAINT order_line_return_requested_check CHECK (return_requested <= shipped),
    CONSTRAINT order_line_return_received_check CHECK (return_received <= return_requested),
    CONSTRAINT order_line_returned_check CHECK (restocked + written_off <= return_received)
);
-- Orders with a line of one SKU or one product, for the shop's filters.
CREATE INDEX order_line_sku_idx ON order_line (sku);
CREATE INDEX order_line_product_id_idx ON order_line (product_id);

-- The ledger: one row for each way in which an order is paid. Minor units of `currency`.
CREATE TABLE payment (
    payment_id      uuid NOT NULL,
    order_id        uuid NOT NULL,
    -- Counted from 0 within the order.
    position        integer NOT NULL,
    method          text COLLATE "C" NOT NULL,
    currency        text COLLATE "C" NOT NULL,
    -- What is to be paid.
    amount          bigint NOT NULL,
    -- What the gateway has granted, taken, given back and let go.
    authorized      bigint NOT NULL,
    captured        bigint NOT NULL,
    refunded        bigint NOT NULL,
    voided          bigint NOT NULL,
    -- What was asked for and is not decided.
    auth_pending    bigint NOT NULL,
    capture_pending bigint NOT NULL,
    refund_pending  bigint NOT NULL,
    create_time     timestamptz NOT NULL,
    CONSTRAINT payment_pkey PRIMARY KEY (payment_id),
    CONSTRAINT payment_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT payment_method_check CHECK (method IN (
        'CREDIT_CARD', 'DEBIT_CARD', 'UPI', 'NET_BANKING', 'WALLET', 'CASH_ON_DELIVERY', 'EXTERNAL'
    )),
    CONSTRAINT payment_currency_check CHECK (length(currency) = 3),
    CONSTRAINT payment_position_check CHECK (position >= 0),
    CONSTRAINT payment_amounts_check CHECK (
        amount >= 0 AND authorized >= 0 AND captured >= 0 AND refunded >= 0 AND voided >= 0 AND auth_pending >= 0
        AND capture_pending >= 0 AND refund_pending >= 0
    ),
    CONSTRAINT payment_captured_check CHECK (captured + capture_pending <= authorized),
    CONSTRAINT payment_refunded_check CHECK (refunded + refund_pending <= captured),
    CONSTRAINT payment_voided_check CHECK (voided <= authorized - captured)
);
-- The payments of an order; the foreign key.
CREATE INDEX payment_order_id_idx ON payment (order_id);

-- What was asked of a gateway. Committed before the gateway is called; the identity is the idempotency key it is called with.
CREATE TABLE payment_operation (
    operation_id      uuid NOT NULL,
    payment_id        uuid NOT NULL,
    -- The payment's, repeated, so that an order's operations are read at once.
    order_id          uuid NOT NULL,
    -- Counted from 0 within the payment.
    position          integer NOT NULL,
    kind              text COLLATE "C" NOT NULL,
    amount            bigint NOT NULL,
    state             text COLLATE "C" NOT NULL,
    -- The gateway's token for the means of payment; never a card number.
    token             text,
    -- The gateway's name for what it did.
    gateway_reference text,
    -- The gateway's code for why it did not.
    decline_code      text,
    attempts          integer NOT NULL,
    -- When an undecided one is to be looked after.
    next_attempt_at   timestamptz,
    create_time       timestamptz NOT NULL,
    update_time       timestamptz NOT NULL,
    CONSTRAINT payment_operation_pkey PRIMARY KEY (operation_id),
    CONSTRAINT payment_operation_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payment (payment_id),
    CONSTRAINT payment_operation_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT payment_operation_kind_check CHECK (kind IN ('SALE', 'AUTHORIZE', 'CAPTURE', 'REFUND', 'VOID')),
    CONSTRAINT payment_operation_state_check CHECK (state IN ('INITIAL', 'SENT', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
    CONSTRAINT payment_operation_amount_check CHECK (amount >= 0),
    CONSTRAINT payment_operation_position_check CHECK (position >= 0),
    CONSTRAINT payment_operation_attempts_check CHECK (attempts >= 0)
);
-- The operations of an order and of a payment; the foreign keys.
CREATE INDEX payment_operation_order_id_idx ON payment_operation (order_id);
CREATE INDEX payment_operation_payment_id_idx ON payment_operation (payment_id);
-- The reconciler's: what is open and due. Small, because a decided operation leaves it.
CREATE INDEX payment_operation_due_idx ON payment_operation (next_attempt_at, operation_id)
    WHERE state IN ('INITIAL', 'SENT', 'UNKNOWN');

-- Parcels.
CREATE TABLE shipment (
    shipment_id        uuid NOT NULL,
    order_id           uuid NOT NULL,
    -- 1, 2, 3 ... within the order; the end of its number.
    sequence           integer NOT NULL,
    status             text COLLATE "C" NOT NULL,
    carrier            text,
    tracking_number    text,
    tracking_url       text,
    estimated_delivery timestamptz,
    -- JSON list of line and quantity.
    lines              text NOT NULL,
    ship_time          timestamptz,
    deliver_time       timestamptz,
    create_time        timestamptz NOT NULL,
    CONSTRAINT shipment_pkey PRIMARY KEY (shipment_id),
    -- Also the index for the shipments of an order.
    CONSTRAINT shipment_sequence_key UNIQUE (order_id, sequence),
    CONSTRAINT shipment_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT shipment_status_check CHECK (status IN (
        'PENDING', 'PACKED', 'SHIPPED', 'DELIVERED', 'CANCELLED', 'RETURNED_TO_SENDER'
    )),
    CONSTRAINT shipment_sequence_check CHECK (sequence >= 1)
);

-- The orders' history, and the outbox: appended, never changed.
CREATE TABLE order_event (
    order_id     uuid NOT NULL,
    -- 1, 2, 3 ... without gap within the order.
    revision     bigint NOT NULL,
    -- What happened; the set grows, so that it is not checked here.
    kind         text COLLATE "C" NOT NULL,
    actor_kind   text COLLATE "C" NOT NULL,
    actor_id     text COLLATE "C" NOT NULL,
    request_id   uuid,
    reason       text,
    create_time  timestamptz NOT NULL,
    -- The word for people after it.
    status_after text COLLATE "C" NOT NULL,
    -- JSON.
    payload      text NOT NULL,
    CONSTRAINT order_event_pkey PRIMARY KEY (order_id, revision),
    CONSTRAINT order_event_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT order_event_revision_check CHECK (revision >= 1),
    CONSTRAINT order_event_actor_kind_check
        CHECK (actor_kind IN ('CUSTOMER', 'GUEST', 'ADMIN', 'SERVICE', 'SYSTEM')),
    CONSTRAINT order_event_status_after_check CHECK (status_after IN (
        'PENDING', 'CONFIRMED', 'PAID', 'PROCESSING', 'SHIPPED', 'DELIVERED', 'COMPLETED', 'CANCELLED', 'REFUNDED'
    ))
);

-- What an order is found by, in a table of its own: the trigram index is dear, and orders change more often than this.
CREATE TABLE order_search (
    order_id uuid NOT NULL,
    -- Number, name, e-mail, products and SKUs, lower-cased by the program.
    document text COLLATE "C" NOT NULL,
    CONSTRAINT order_search_pkey PRIMARY KEY (order_id),
    CONSTRAINT order_search_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id)
);
-- LIKE '%word%' from three characters on.
CREATE INDEX order_search_document_idx ON order_search USING gin (document gin_trgm_ops);

-- The counters of the order numbers. Always the last lock of a transaction. Nearly empty pages, for the same reason as stock.
CREATE TABLE order_counter (
    prefix text COLLATE "C" NOT NULL,
    year   integer NOT NULL,
    -- The last number that was taken.
    value  bigint NOT NULL,
    CONSTRAINT order_counter_pkey PRIMARY KEY (prefix, year),
    CONSTRAINT order_counter_value_check CHECK (value >= 0)
) WITH (fillfactor = 10);

-- The request ids that were used, each with what became of it; written in the transaction of the effect.
CREATE TABLE request (
    -- Who used it, and for which method.
    principal   text COLLATE "C" NOT NULL,
    method      text COLLATE "C" NOT NULL,
    request_id  uuid NOT NULL,
    -- SHA-256 over the request without its id: another body under the same id is refused.
    body_hash   bytea NOT NULL,
    -- JSON.
    outcome     text NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT request_pkey PRIMARY KEY (principal, method, request_id),
    CONSTRAINT request_body_hash_check CHECK (octet_length(body_hash) = 32)
);
-- The sweeper's: what is past its retention.
CREATE INDEX request_create_time_idx ON request (create_time);

-- The simulated gateway's own log: what it did under a key. The first answer holds.
CREATE TABLE gateway_operation (
    key          uuid NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    amount       bigint NOT NULL,
    currency     text COLLATE "C" NOT NULL,
    reference    text,
    decline_code text,
    create_time  timestamptz NOT NULL,
    CONSTRAINT gateway_operation_pkey PRIMARY KEY (key),
    CONSTRAINT gateway_operation_kind_check CHECK (kind IN ('SALE', 'AUTHORIZE', 'CAPTURE', 'REFUND', 'VOID')),
    CONSTRAINT gateway_operation_amount_check CHECK (amount >= 0),
    CONSTRAINT gateway_operation_currency_check CHECK (length(currency) = 3),
    CONSTRAINT gateway_operation_outcome_check CHECK ((reference IS NULL) <> (decline_code IS NULL))
);
