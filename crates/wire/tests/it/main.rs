//! The wire against programs that others wrote.

mod rtp;
