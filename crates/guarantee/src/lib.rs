//! The guarantee: what was promised, what happened, and what follows from it.
//!
//! Everything here is a pure function of its inputs. There is no clock, no file
//! and no socket: an auditor who holds the log computes the same bytes as the
//! server did.

pub mod burn;
pub mod calendar;
pub mod canonical;
pub mod clock;
pub mod contract;
pub mod coverage;
pub mod evidence;
pub mod exclusion;
pub mod html;
pub mod inbound;
pub mod incident;
pub mod interval;
pub mod meter;
pub mod method;
pub mod module;
pub mod nines;
pub mod offer;
pub mod ratio;
pub mod report;
pub mod rollup;
pub mod settlement;
pub mod severity;
pub mod stats;
pub mod term;
pub mod ticket;
pub mod words;
