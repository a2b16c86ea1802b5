//! The guarantee: what was promised, what happened, and what follows from it.
//!
//! Everything here is a pure function of its inputs. There is no clock, no file
//! and no socket: an auditor who holds the log computes the same bytes as the
//! server did.

pub mod coverage;
pub mod evidence;
pub mod exclusion;
pub mod interval;
pub mod module;
pub mod ratio;
pub mod rollup;
pub mod severity;
