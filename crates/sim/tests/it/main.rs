//! Scenarios in virtual time, and the fuzz corpora as plain tests.

mod client;
mod corpus;
mod fake;
