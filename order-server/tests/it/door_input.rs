//! Bad input at the public door. Every violated field is named at once, in one code and one reason; nothing is written; and
//! nothing a caller can send is ever INTERNAL or UNKNOWN.

mod cases;
mod catalogue;
mod everything;
mod fuzz;
mod identities;
mod limits;
mod money;
mod ownership;
mod page_tokens;
mod people;
mod quantities;
mod reasons;
pub(crate) mod refusal;
pub(crate) mod wire;
