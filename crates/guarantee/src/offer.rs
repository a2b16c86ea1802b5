//! Offers: what vendors promise, what a buyer needs, and what an outage costs
//! once the promises are taken at their word.
//!
//! A [`need::BuyerNeed`] and some [`terms::Offer`]s go in, a
//! [`compare::Comparison`] comes out. What is not known of an offer stays
//! unknown: it is asked for, never guessed. Random draws come from a seed, and
//! the same seed gives the same bytes on every machine.

pub mod advise;
pub mod compare;
mod credit;
pub mod document;
mod draw;
mod expected;
mod gaps;
pub mod market;
pub mod need;
pub mod outage;
mod page;
pub(crate) mod plot;
pub mod quantity;
pub mod report;
pub mod sensitivity;
mod simulate;
pub mod terms;
mod words;

pub use advise::{Advice, advise};
pub use compare::{Comparison, compare};
pub use document::DocumentError;
pub use gaps::Gap;
pub use need::BuyerNeed;
pub use outage::OutageModel;
pub use page::page;
pub use terms::{Grade, Offer};
pub use words::Lang;

#[cfg(test)]
mod tests;
