//! The README's table of limits says what the code says.

use order_core::limits;

#[test]
fn the_readme_shows_every_limit_as_it_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(path).unwrap_or_default();
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim().trim_matches('|').split('|');
        // Digits may be grouped with blanks: 10 000.
        cells.enumerate().map(|(n, cell)| if n == 1 { cell.replace(' ', "") } else { cell.trim().to_owned() }).collect()
    };
    let shown: Vec<_> = readme.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    let missing: Vec<_> = limits::TABLE
        .iter()
        .filter(|(name, value, unit)| !shown.contains(&vec![(*name).to_owned(), value.to_string(), (*unit).to_owned()]))
        .map(|(name, value, unit)| format!("| {name} | {value} | {unit} |"))
        .collect();
    assert!(missing.is_empty(), "rows that the README lacks:\n{}", missing.join("\n"));
}
