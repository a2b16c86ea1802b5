//! SRT.
