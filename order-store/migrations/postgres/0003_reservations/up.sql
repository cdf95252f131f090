-- What carts hold for a time, and what may be promised beyond what is there.

-- Goods on their way to us may be promised before they arrive, so many units of a SKU. The default stays, so that a process of
-- the version before goes on adding shelves while this one takes over.
ALTER TABLE stock
    ADD COLUMN backorder_limit bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT stock_promised_check,
    ADD CONSTRAINT stock_backorder_limit_check CHECK (backorder_limit >= 0),
    -- Nothing is promised that is neither there nor on its way.
    ADD CONSTRAINT stock_promised_check CHECK (allocated + reserved <= on_hand + backorder_limit);

-- A hold that is given back is a movement of its own; RELEASED is of what was promised to orders.
ALTER TABLE stock_movement
    -- For which cart. Not a foreign key, for the same reason as the order.
    ADD COLUMN cart_id uuid,
    DROP CONSTRAINT stock_movement_kind_check,
    ADD CONSTRAINT stock_movement_kind_check CHECK (
        kind IN ('RECEIVED', 'RESERVED', 'ALLOCATED', 'RELEASED', 'SHIPPED', 'ADJUSTED', 'RETURNED', 'UNRESERVED')
    );

-- What each cart holds. The rows of a SKU add up to what its shelf has reserved, and are written under the shelf's lock only.
-- Neither key cascades: a cart or a shelf that went away with its holds would leave the sum wrong.
CREATE TABLE reservation (
    cart_id     uuid NOT NULL,
    sku         text COLLATE "C" NOT NULL,
    -- Units.
    quantity    bigint NOT NULL,
    -- From then on whoever claims stock of the SKU gives it back first.
    expire_time timestamptz NOT NULL,
    CONSTRAINT reservation_pkey PRIMARY KEY (cart_id, sku),
    CONSTRAINT reservation_cart_id_fkey FOREIGN KEY (cart_id) REFERENCES cart (cart_id),
    CONSTRAINT reservation_sku_fkey FOREIGN KEY (sku) REFERENCES stock (sku),
    CONSTRAINT reservation_quantity_check CHECK (quantity > 0)
) WITH (fillfactor = 70);
-- What has expired on the shelves that somebody claims.
CREATE INDEX reservation_sku_idx ON reservation (sku, expire_time);
-- Which to sweep.
CREATE INDEX reservation_expire_idx ON reservation (expire_time);
