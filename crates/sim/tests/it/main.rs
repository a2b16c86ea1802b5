//! Scenarios in virtual time, and the fuzz corpora as plain tests.

mod client;
mod core;
mod corpus;
mod fake;
mod freezes;
mod scenarios;
