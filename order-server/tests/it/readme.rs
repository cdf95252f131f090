//! The README's tables say what the code says.

use order_server::{config::setting, error::Reason};

/// The table of the README that begins with the first line of `expected`.
fn shown(expected: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let header = expected.lines().next().unwrap();
    let table = readme.lines().skip_while(|line| *line != header).take_while(|line| line.starts_with('|'));
    table.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_readme_shows_every_setting_as_it_is() {
    let expected = setting::markdown();
    assert!(shown(&expected) == expected, "the README's table of settings should be\n\n{expected}");
}

#[test]
fn the_readme_shows_every_error_as_it_is() {
    let expected = Reason::markdown();
    assert!(shown(&expected) == expected, "the README's table of errors should be\n\n{expected}");
}
