//! Path templates of `google.api.http`.

/// A path template, as OpenAPI writes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Template {
    /// Literals and `{variables}`. A verb behind a colon belongs to the last segment and stays there.
    pub(super) path: String,
    /// The variables, in their order.
    pub(super) variables: Vec<Variable>,
}

/// A field of the request that the path holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// What the document calls it: the last name of the field's path, unless two would share it. OpenAPI allows no two
    /// paths that differ in such names alone, as `{order_id}` and `{order.order_id}` would.
    pub(super) name: String,
    /// The path of the field, such as `order.order_id`.
    pub(super) field: String,
}

impl Template {
    /// Reads `/v1/things/{thing.name=shelves/*}:close`. The pattern of a variable is dropped: OpenAPI has no word for
    /// it.
    pub(super) fn parse(template: &str) -> Self {
        let mut pieces = template.split('{');
        let start = pieces.next().unwrap_or_default();
        let pieces: Vec<_> = pieces.map(|piece| piece.split_once('}').unwrap_or((piece, ""))).collect();
        let fields: Vec<_> = pieces.iter().map(|(variable, _)| field(variable)).collect();
        let variables: Vec<_> = fields.iter().map(|path| variable(path, &fields)).collect();
        let rest =
            variables.iter().zip(&pieces).map(|(variable, (_, literal))| format!("{{{}}}{literal}", variable.name));
        Self { path: std::iter::once(start.to_owned()).chain(rest).collect(), variables }
    }
}

/// The path of the field, without the pattern behind it.
fn field(variable: &str) -> &str {
    variable.split_once('=').map_or(variable, |(field, _)| field)
}

fn variable(field: &str, all: &[&str]) -> Variable {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let shared = all.iter().filter(|other| last(other) == last(field)).count() > 1;
    Variable { name: if shared { field.to_owned() } else { last(field) }, field: field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read() {
        for (template, path, variables) in [
            ("/v1/orders:quote", "/v1/orders:quote", &[][..]),
            ("/v1/orders/{order.order_id}", "/v1/orders/{order_id}", &[("order_id", "order.order_id")]),
            ("/v1/o/{o_id}/p/{p_id}:void", "/v1/o/{o_id}/p/{p_id}:void", &[("o_id", "o_id"), ("p_id", "p_id")]),
            ("/v1/{name=shelves/*}:close", "/v1/{name}:close", &[("name", "name")]),
            ("/v1/{a.id}/to/{b.id}", "/v1/{a.id}/to/{b.id}", &[("a.id", "a.id"), ("b.id", "b.id")]),
        ] {
            let variable = |&(name, field): &(&str, &str)| Variable { name: name.to_owned(), field: field.to_owned() };
            let variables = variables.iter().map(variable).collect();
            assert_eq!(Template::parse(template), Template { path: path.to_owned(), variables });
        }
    }
}
