//! The demo catalogue, as data.

/// A product of the demo catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoProduct {
    /// Identity.
    pub id: &'static str,
    /// Stock keeping unit.
    pub sku: &'static str,
    /// For people.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
    /// Price of one unit in US cents.
    pub price_cents: i64,
    /// Units on the shelf at first.
    pub stock: i64,
}

const fn product(
    (id, sku): (&'static str, &'static str),
    (name, description): (&'static str, &'static str),
    price_cents: i64,
    stock: i64,
) -> DemoProduct {
    DemoProduct { id, sku, name, description, price_cents, stock }
}

/// Twenty products of a costume shop. Few of some, so that a shortage is easily seen.
#[rustfmt::skip]
pub const PRODUCTS: &[DemoProduct] = &[
    product(("demo-vampire-costume-deluxe", "DEMO-COS-001"), ("Vampire Costume Deluxe", "Cape with a red lining, waistcoat, jabot"), 4_999, 40),
    product(("demo-witch-costume-classic", "DEMO-COS-002"), ("Witch Costume Classic", "Dress and belt; broom not included"), 3_999, 35),
    product(("demo-skeleton-onesie", "DEMO-COS-003"), ("Skeleton Onesie", "Bones glow for about an hour"), 2_999, 60),
    product(("demo-pirate-coat", "DEMO-COS-004"), ("Pirate Coat", "Long coat with brass-coloured buttons"), 6_450, 18),
    product(("demo-astronaut-suit", "DEMO-COS-005"), ("Astronaut Suit", "With patches and a soft helmet"), 8_900, 12),
    product(("demo-mummy-wrap", "DEMO-COS-006"), ("Mummy Wrap", "Thirty metres of bandage"), 1_495, 80),
    product(("demo-ghost-sheet", "DEMO-COS-007"), ("Ghost Sheet", "A sheet with two holes, hemmed"), 999, 120),
    product(("demo-werewolf-mask", "DEMO-MSK-001"), ("Werewolf Mask", "Latex with hair, covers the whole head"), 3_450, 25),
    product(("demo-venetian-half-mask", "DEMO-MSK-002"), ("Venetian Half Mask", "Papier-mâché, painted by hand"), 2_750, 30),
    product(("demo-plague-doctor-mask", "DEMO-MSK-003"), ("Plague Doctor Mask", "With a long beak, smells of nothing"), 3_200, 15),
    product(("demo-glow-fangs", "DEMO-ACC-001"), ("Glow Fangs", "A pair, with fitting beads"), 450, 200),
    product(("demo-pointed-hat", "DEMO-ACC-002"), ("Pointed Hat", "Felt, with a wide brim"), 1_250, 75),
    product(("demo-black-cape", "DEMO-ACC-003"), ("Black Cape", "Satin, 140 centimetres"), 1_899, 50),
    product(("demo-face-paint-set", "DEMO-ACC-004"), ("Face Paint Set", "Eight colours, washes off"), 1_150, 90),
    product(("demo-stage-blood", "DEMO-ACC-005"), ("Stage Blood", "100 millilitres, tastes of mint"), 625, 150),
    product(("demo-pumpkin-lantern", "DEMO-DEC-001"), ("Pumpkin Lantern", "With a flickering light"), 1_250, 64),
    product(("demo-black-candles", "DEMO-DEC-002"), ("Black Candles, Box of Four", "Burn for six hours"), 1_099, 70),
    product(("demo-large-cobweb", "DEMO-DEC-003"), ("Large Cobweb", "Stretches over a doorway; spider included"), 575, 110),
    product(("demo-fog-machine", "DEMO-DEC-004"), ("Fog Machine", "400 watts, with remote control"), 7_900, 8),
    product(("demo-gift-card", "DEMO-GFT-001"), ("Gift Card", "For those who cannot decide"), 2_500, 500),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_product_has_its_own_id_sku_and_name() {
        for key in [|p: &DemoProduct| p.id, |p: &DemoProduct| p.sku, |p: &DemoProduct| p.name] {
            assert_eq!(PRODUCTS.iter().map(key).collect::<BTreeSet<_>>().len(), PRODUCTS.len());
        }
    }

    #[test]
    fn the_costume_of_the_worked_example_is_among_them() {
        let costume = PRODUCTS.iter().find(|product| product.name == "Vampire Costume Deluxe").unwrap();
        assert_eq!(costume.price_cents, 4_999);
        assert!(costume.stock > 0);
    }
}
