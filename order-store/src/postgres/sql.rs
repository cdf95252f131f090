//! Statements that diesel's query builder would not let the server remember.
//!
//! diesel prepares an `update`, an upsert and an insert of several rows anew for every call, because their text changes with
//! the number of rows: a round trip and a parse each. Here the text of a statement depends on nothing but its Rust type: it
//! takes a batch as one array per column (`unnest`), is prepared once per connection, and needs one round trip for any number
//! of rows. `SELECT`s stay with the query builder, which does remember them, but for those of single orders: it writes the text anew
//! each time, which is a good part of what reading an order costs.
//!
//! The arrays are unnested in the list of what is selected, never in FROM: there the server would first gather every column in
//! a store of its own, which costs three times as much for a hundred rows and six times for one.

use std::marker::PhantomData;

use diesel::{
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    serialize::ToSql,
    sql_types::HasSqlType,
};

/// A statement whose text never changes.
pub(super) trait Statement: 'static {
    /// The SQL type of the rows it returns.
    type Row: 'static;

    /// The text, with `?` for every argument.
    fn text() -> &'static str;
}

/// Defines a [`Statement`].
macro_rules! statement {
    ($(#[$meta:meta])* $name:ident -> $row:ty: $sql:expr) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(super) struct $name;

        impl $crate::postgres::sql::Statement for $name {
            type Row = $row;

            fn text() -> &'static str {
                $sql
            }
        }
    };
}
pub(super) use statement;

/// Whole rows of orders, as [`columns!`] lists them.
pub(super) trait OfOrders: 'static {
    /// Their SQL type.
    type Row: 'static;

    /// The text for one order, with `?` for its identity and what stands behind it.
    fn of_one() -> &'static str;
    /// The text for some orders, with `?` for an array of identities.
    fn of_some() -> &'static str;
}

/// Selects the rows of one order: the server need not gather what it finds for several.
pub(super) struct One<S>(PhantomData<fn() -> S>);
/// Selects the rows of some orders.
pub(super) struct Several<S>(PhantomData<fn() -> S>);

impl<S: OfOrders> Statement for One<S> {
    type Row = S::Row;

    fn text() -> &'static str {
        S::of_one()
    }
}

impl<S: OfOrders> Statement for Several<S> {
    type Row = S::Row;

    fn text() -> &'static str {
        S::of_some()
    }
}

/// Defines [`OfOrders`]: which rows, and what stands behind the orders that they are of.
macro_rules! of_orders {
    ($(#[$meta:meta])* $name:ident -> $row:ident: $behind:literal) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(super) struct $name;

        impl $crate::postgres::sql::OfOrders for $name {
            type Row = diesel::dsl::SqlTypeOf<<$crate::rows::$row as diesel::Selectable<diesel::pg::Pg>>::SelectExpression>;

            fn of_one() -> &'static str {
                static TEXT: LazyLock<String> = LazyLock::new(|| selected::<$crate::rows::$row>("= ?", $behind));
                &TEXT
            }

            fn of_some() -> &'static str {
                static TEXT: LazyLock<String> = LazyLock::new(|| selected::<$crate::rows::$row>("= ANY(?)", $behind));
                &TEXT
            }
        }
    };
}
pub(super) use of_orders;

/// The text that selects rows of those orders whose identity compares so.
pub(super) fn selected<R: Table>(compares: &str, behind: &str) -> String {
    format!("SELECT {} FROM {} WHERE order_id {compares} {behind}", R::COLUMNS.join(", "), R::NAME)
}

/// An argument whose Rust type is forgotten. Sent as SQL type `ST`.
trait Argument: Send {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

struct Typed<ST, T>(T, PhantomData<fn() -> ST>);

impl<ST, T> Argument for Typed<ST, T>
where
    Pg: HasSqlType<ST>,
    T: ToSql<ST, Pg> + Send,
{
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<ST, T>(&self.0)
    }
}

/// A [`Statement`] with its arguments.
pub(super) struct Bound<'a, S> {
    arguments: Arguments<'a>,
    statement: PhantomData<fn() -> S>,
}

impl<'a, S: Statement> Bound<'a, S> {
    pub(super) fn new() -> Self {
        Self { arguments: Arguments::default(), statement: PhantomData }
    }

    /// With the columns of these rows as arguments, in the order of the table.
    pub(super) fn of_rows<R: Table>(rows: &'a [R]) -> Self {
        let mut arguments = Arguments::default();
        R::arrays(&rows.iter().collect::<Vec<_>>(), &mut arguments);
        Self { arguments, statement: PhantomData }
    }

    /// The next argument, of SQL type `ST`.
    pub(super) fn bind<ST: 'static>(mut self, value: impl ToSql<ST, Pg> + Send + 'a) -> Self
    where
        Pg: HasSqlType<ST>,
    {
        self.arguments.push::<ST, _>(value);
        self
    }
}

impl<S: Statement> QueryFragment<Pg> for Bound<'_, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.arguments.push_into(S::text(), &mut out)
    }
}

impl<S: Statement> QueryId for Bound<'_, S> {
    type QueryId = Bound<'static, S>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S: Statement> Query for Bound<'_, S> {
    type SqlType = S::Row;
}

/// Rows that are written in batches. Implemented by [`columns!`].
pub(super) trait Table: 'static {
    /// The table.
    const NAME: &'static str;
    /// The columns, in the order of [`arrays`](Self::arrays) and of the fields.
    const COLUMNS: &'static [&'static str];
    /// The primary key.
    const KEY: &'static [&'static str];
    /// The primary key's SQL type.
    type Key: 'static;

    /// One array per column.
    fn arrays<'a>(rows: &[&'a Self], arrays: &mut Arguments<'a>);
}

/// Arguments, in their order.
#[derive(Default)]
pub(super) struct Arguments<'a>(Vec<Box<dyn Argument + 'a>>);

impl<'a> Arguments<'a> {
    /// Of SQL type `ST`.
    pub(super) fn push<ST, T>(&mut self, argument: T)
    where
        ST: 'static,
        T: ToSql<ST, Pg> + Send + 'a,
        Pg: HasSqlType<ST>,
    {
        self.0.push(Box::new(Typed::<ST, _>(argument, PhantomData)));
    }

    /// Writes a text with `?` for each of them.
    pub(super) fn push_into<'b>(&'b self, sql: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut arguments = self.0.iter();
        for (at, part) in sql.split('?').enumerate() {
            if at > 0 {
                let argument = arguments.next().expect("a statement is given as many arguments as it has places");
                argument.push(out)?;
            }
            out.push_sql(part);
        }
        assert!(arguments.next().is_none(), "a statement is given as many arguments as it has places");
        Ok(())
    }
}

/// Implements [`Table`] for a row: all its columns, and which of them are the key.
macro_rules! columns {
    ($row:ident in $table:ident, key ($($key:ident),+): $($column:ident),+ $(,)?) => {
        impl $crate::postgres::sql::Table for $crate::rows::$row {
            const NAME: &'static str = stringify!($table);
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];
            const KEY: &'static [&'static str] = &[$(stringify!($key)),+];
            type Key = ($(diesel::dsl::SqlTypeOf<$crate::schema::$table::$key>,)+);

            fn arrays<'a>(rows: &[&'a Self], arrays: &mut $crate::postgres::sql::Arguments<'a>) {
                $(
                    let column: Vec<_> = rows.iter().map(|row| &row.$column).collect();
                    arrays.push::<diesel::sql_types::Array<diesel::dsl::SqlTypeOf<$crate::schema::$table::$column>>, _>(column);
                )+
            }
        }
    };
}
pub(super) use columns;

/// What an insert does about rows that are there already.
pub(super) trait OnConflict: 'static {
    /// Which of the rows are meant.
    const CONDITION: &'static str = "";

    /// Writes what comes behind the rows.
    fn push<R: Table>(out: &mut AstPass<'_, '_, Pg>);
}

/// They are an error.
pub(super) struct Fail;
/// They are left as they are; the keys of the others are returned.
pub(super) struct Skip;
/// They are left as they are, and nothing is returned.
pub(super) struct Keep;
/// They are replaced.
pub(super) struct Replace;
/// Their columns, all but those of the key numbers, are added to what is there.
pub(super) struct Add;

impl OnConflict for Fail {
    fn push<R: Table>(_out: &mut AstPass<'_, '_, Pg>) {}
}

impl OnConflict for Skip {
    /// Such an insert is what many transactions begin with, sent together with BEGIN. Should BEGIN fail, it must not stand by itself.
    const CONDITION: &'static str = " WHERE current_setting('order_service.begun', true) = 'yes'";

    fn push<R: Table>(out: &mut AstPass<'_, '_, Pg>) {
        out.push_sql(" ON CONFLICT (");
        push_list(out, R::KEY);
        out.push_sql(") DO NOTHING RETURNING ");
        push_list(out, R::KEY);
    }
}

impl OnConflict for Keep {
    fn push<R: Table>(out: &mut AstPass<'_, '_, Pg>) {
        out.push_sql(" ON CONFLICT (");
        push_list(out, R::KEY);
        out.push_sql(") DO NOTHING");
    }
}

impl OnConflict for Replace {
    fn push<R: Table>(out: &mut AstPass<'_, '_, Pg>) {
        push_update::<R>(out, |_out, _column| {});
    }
}

impl OnConflict for Add {
    fn push<R: Table>(out: &mut AstPass<'_, '_, Pg>) {
        push_update::<R>(out, |out, column| {
            out.push_sql(R::NAME);
            out.push_sql(".");
            out.push_sql(column);
            out.push_sql(" + ");
        });
    }
}

/// Sets every column that is not part of the key to the new value, behind what else is pushed for it.
fn push_update<R: Table>(out: &mut AstPass<'_, '_, Pg>, before: impl Fn(&mut AstPass<'_, '_, Pg>, &str)) {
    out.push_sql(" ON CONFLICT (");
    push_list(out, R::KEY);
    out.push_sql(") DO UPDATE SET ");
    let others = R::COLUMNS.iter().filter(|column| !R::KEY.contains(column));
    for (at, column) in others.enumerate() {
        out.push_sql(if at > 0 { ", " } else { "" });
        out.push_sql(column);
        out.push_sql(" = ");
        before(out, column);
        out.push_sql("EXCLUDED.");
        out.push_sql(column);
    }
}

fn push_list(out: &mut AstPass<'_, '_, Pg>, names: &[&str]) {
    for (at, name) in names.iter().enumerate() {
        out.push_sql(if at > 0 { ", " } else { "" });
        out.push_sql(name);
    }
}

/// `INSERT INTO ... SELECT unnest(...), ...`: a batch of rows in one statement. They are written in their order.
pub(super) struct Insert<'a, R, C> {
    arrays: Arguments<'a>,
    shape: PhantomData<fn() -> (R, C)>,
}

impl<'a, R: Table, C: OnConflict> Insert<'a, R, C> {
    pub(super) fn new(rows: &[&'a R]) -> Self {
        let mut arrays = Arguments::default();
        R::arrays(rows, &mut arrays);
        Self { arrays, shape: PhantomData }
    }
}

impl<R: Table, C: OnConflict> QueryFragment<Pg> for Insert<'_, R, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_sql(R::NAME);
        out.push_sql(" (");
        push_list(&mut out, R::COLUMNS);
        out.push_sql(") SELECT ");
        for (at, array) in self.arrays.0.iter().enumerate() {
            out.push_sql(if at > 0 { ", unnest(" } else { "unnest(" });
            array.push(&mut out)?;
            out.push_sql(")");
        }
        out.push_sql(C::CONDITION);
        C::push::<R>(&mut out);
        Ok(())
    }
}

impl<R: Table, C: OnConflict> QueryId for Insert<'_, R, C> {
    type QueryId = Insert<'static, R, C>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<R: Table> Query for Insert<'_, R, Skip> {
    type SqlType = R::Key;
}
