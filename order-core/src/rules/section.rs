//! A table of a rule file, from which keys are taken one by one, and the list of what was wrong with them.

use toml::{Table, Value};

use super::{Mistake, RulesError};

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Notes a mistake.
    pub(super) fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Mistake { path: path.into(), problem: problem.into() });
    }

    /// Whether nothing was wrong.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add_kind(&mut self, path: impl Into<String>, wanted: &str, found: &Value) {
        self.add(path, format!("must be {wanted}, not {}", describe(found)));
    }
}

impl From<Mistakes> for RulesError {
    fn from(mistakes: Mistakes) -> Self {
        Self { mistakes: mistakes.0 }
    }
}

/// A table of the file and where it stands. What nobody took out of it in the end is unknown.
pub(super) struct Section {
    path: String,
    table: Table,
}

impl Section {
    /// The file itself.
    pub(super) const fn root(table: Table) -> Self {
        Self { path: String::new(), table }
    }

    /// Where it stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The path of one of its keys.
    pub(super) fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Whether a key is there and was not taken yet.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// The keys that were not taken yet.
    pub(super) fn names(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// Takes a text, if it is there.
    pub(super) fn optional<T, E: ToString>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        let value = self.table.remove(name)?;
        let Some(text) = value.as_str() else {
            mistakes.add_kind(self.key(name), "a text in quotes", &value);
            return None;
        };
        parse(text).map_err(|error| mistakes.add(self.key(name), error.to_string())).ok()
    }

    /// Takes a text that has to be there.
    pub(super) fn required<T, E: ToString>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        self.demand(name, mistakes);
        self.optional(name, parse, mistakes)
    }

    /// Takes one of a few words, if it is there.
    pub(super) fn word<T: Copy, const N: usize>(
        &mut self,
        name: &str,
        words: [(&str, T); N],
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        let known = |text: &str| {
            let found = words.iter().find(|(word, _)| *word == text);
            found
                .map(|&(_, value)| value)
                .ok_or_else(|| format!("must be {}", words.map(|(word, _)| word).join(" or ")))
        };
        self.optional(name, known, mistakes)
    }

    /// Takes a table that has to be there.
    pub(super) fn section(&mut self, name: &str, mistakes: &mut Mistakes) -> Option<Self> {
        self.demand(name, mistakes);
        self.optional_section(name, mistakes)
    }

    /// Takes a table, if it is there.
    pub(super) fn optional_section(&mut self, name: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let value = self.table.remove(name)?;
        Self::table_at(self.key(name), value, mistakes)
    }

    /// Takes a list of tables; none if the key is absent.
    pub(super) fn list(&mut self, name: &str, mistakes: &mut Mistakes) -> Vec<Self> {
        let path = self.key(name);
        let Some(value) = self.table.remove(name) else { return Vec::new() };
        let Some(entries) = value.as_array() else {
            mistakes.add_kind(path, "a list of tables", &value);
            return Vec::new();
        };
        let entries = entries.iter().cloned().enumerate();
        entries.filter_map(|(n, entry)| Self::table_at(format!("{path}[{n}]"), entry, mistakes)).collect()
    }

    /// Names the keys that nobody took: a misspelt rule would silently not hold.
    pub(super) fn finish(self, mistakes: &mut Mistakes) {
        for name in self.table.keys() {
            mistakes.add(self.key(name), "is not known here");
        }
    }

    fn demand(&self, name: &str, mistakes: &mut Mistakes) {
        if !self.has(name) {
            mistakes.add(self.key(name), "is missing");
        }
    }

    fn table_at(path: String, value: Value, mistakes: &mut Mistakes) -> Option<Self> {
        if let Value::Table(table) = value {
            return Some(Self { path, table });
        }
        mistakes.add_kind(path, "a table", &value);
        None
    }
}

/// What somebody wrote, for people.
const fn describe(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a bare number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
