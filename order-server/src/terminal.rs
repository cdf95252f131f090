//! Text for people at a terminal: tables whose columns line up, and amounts that can be read.
//!
//! Colours are [`console`]'s: only on a terminal, and not where `NO_COLOR` is set.

use console::{Alignment, measure_text_width, pad_str};
use order_core::{currency::Currency, money::Money};

/// A table. Cells may hold colours; the widths count what is seen.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(String, Alignment)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns. A heading that begins with `>` stands for numbers, which are aligned to the right.
    #[must_use]
    pub fn new<const N: usize>(headings: [&str; N]) -> Self {
        let column = |heading: &str| match heading.strip_prefix('>') {
            Some(name) => (name.to_owned(), Alignment::Right),
            None => (heading.to_owned(), Alignment::Left),
        };
        Self { columns: headings.into_iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Whether it has no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, each indented by two blanks.
    #[must_use]
    pub fn render(&self) -> String {
        let widths: Vec<_> = (0..self.columns.len()).map(|n| self.width(n)).collect();
        let headings: Vec<_> = self.columns.iter().map(|(name, _)| console::style(name).dim().to_string()).collect();
        let lines = std::iter::once(&headings).chain(&self.rows).map(|cells| self.line(cells, &widths));
        lines.collect()
    }

    fn width(&self, n: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(n)).map(|cell| measure_text_width(cell));
        cells.chain([measure_text_width(&self.columns[n].0)]).max().unwrap_or_default()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::from(" ");
        for (n, (width, (_, alignment))) in widths.iter().zip(&self.columns).enumerate() {
            let cell = cells.get(n).map_or("", String::as_str);
            line.push(' ');
            line.push_str(&pad_str(cell, *width, *alignment, None));
            line.push(' ');
        }
        format!("{}\n", line.trim_end())
    }
}

/// An amount with its thousands apart: `1,234.50 USD`.
#[must_use]
pub fn money(money: Money) -> String {
    amount(i128::from(money.minor()), money.currency())
}

/// A sum of amounts, which may be larger than an amount.
#[must_use]
pub fn amount(minor: i128, currency: Currency) -> String {
    let per_unit = u128::from(currency.minor_per_unit().unsigned_abs());
    let (units, rest) = (minor.unsigned_abs() / per_unit, minor.unsigned_abs() % per_unit);
    let sign = if minor < 0 { "-" } else { "" };
    let decimals = match currency.exponent() as usize {
        0 => String::new(),
        places => format!(".{rest:0places$}"),
    };
    format!("{sign}{}{decimals} {currency}", thousands(&units.to_string()))
}

fn thousands(digits: &str) -> String {
    let grouped = digits.char_indices().flat_map(|(n, digit)| {
        let comma = (n > 0 && (digits.len() - n).is_multiple_of(3)).then_some(',');
        comma.into_iter().chain([digit])
    });
    grouped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_show_the_places_of_their_currency_and_their_thousands_apart() {
        let shown = |minor, code| amount(minor, Currency::parse(code).unwrap());
        assert_eq!(shown(4_999, "USD"), "49.99 USD");
        assert_eq!(shown(123_456_789, "USD"), "1,234,567.89 USD");
        assert_eq!(shown(-5, "USD"), "-0.05 USD");
        assert_eq!(shown(100_000, "JPY"), "100,000 JPY");
        assert_eq!(shown(1_000, "KWD"), "1.000 KWD");
    }

    #[test]
    fn columns_line_up_also_with_wide_characters() {
        let mut table = Table::new(["Name", ">Price"]);
        table.row(["Kimono 着物".into(), "9.00".into()]);
        table.row(["Cap".into(), "119.00".into()]);
        let plain = console::strip_ansi_codes(&table.render()).into_owned();
        assert_eq!(plain, "  Name          Price\n  Kimono 着物    9.00\n  Cap          119.00\n");
    }
}
