//! Streams that behave and streams that do not, through the checker.

mod answers;
mod streams;
mod world;
